//! A connection to one broker: one request at a time, and poisoned by its first failure.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, Request};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::frame::{FrameLimits, SIZE_PREFIX};
use tidegate_wire::header;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::error::{AskError, CallError, CallFailure};
use crate::pipe::{self, PipeAnswers, PipeOptions, PipeSender};
use crate::receive::{Receiver, body, io_failure};
use crate::{ApiVersions, ConnectOptions, Endpoint, Stream, versions};

/// A connection to one broker, logged in.
#[derive(Debug)]
pub struct Connection {
    endpoint: Endpoint,
    stream: Stream,
    receiver: Receiver,
    client_id: String,
    request_timeout: Duration,
    next_correlation_id: i32,
    /// Set while a request is under way, so that a call dropped half way leaves it set.
    broken: bool,
    versions: ApiVersions,
    session_ends_at: Option<Instant>,
}

/// What a connection is made of, for who pumps frames without this client.
#[derive(Debug)]
pub struct ConnectionParts {
    /// Where it leads.
    pub endpoint: Endpoint,
    /// The byte stream; nothing is on its way on it.
    pub stream: Stream,
    /// What the broker speaks.
    pub versions: ApiVersions,
    /// When the broker will close unless logged in again; `None` is never.
    pub session_ends_at: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(endpoint: Endpoint, stream: Stream, options: &ConnectOptions) -> Self {
        Self {
            endpoint,
            stream,
            receiver: Receiver::new(FrameLimits::uniform(options.max_response_bytes)),
            client_id: options.client_id.clone(),
            request_timeout: options.request_timeout,
            next_correlation_id: 0,
            broken: false,
            versions: ApiVersions::default(),
            session_ends_at: None,
        }
    }

    /// Sends a request and reads its answer, within the request timeout of the options.
    ///
    /// # Errors
    /// [`CallError`]. After any but [`CallFailure::Encode`] the connection is poisoned.
    pub async fn call<Q>(&mut self, version: i16, request: &Q) -> Result<Q::Response, CallError>
    where
        Q: Request + Guarded,
        Q::Response: Guarded,
    {
        self.call_within(self.request_timeout, version, request).await
    }

    /// The same within a time of the caller's choice, for requests that a broker holds back.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_within<Q>(
        &mut self,
        limit: Duration,
        version: i16,
        request: &Q,
    ) -> Result<Q::Response, CallError>
    where
        Q: Request + Guarded,
        Q::Response: Guarded,
    {
        let body = self.exchange(limit, version, request).await?;
        self.decode(version, <Q as Guarded>::KEY, &body)
    }

    /// Whether a failure has ended the connection.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Where it leads.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the broker speaks.
    #[must_use]
    pub fn versions(&self) -> &ApiVersions {
        &self.versions
    }

    /// Asks the broker anew what it speaks: features are switched on while it runs.
    ///
    /// # Errors
    /// [`AskError`]; what was known stays.
    pub async fn refresh_versions(&mut self) -> Result<&ApiVersions, AskError> {
        self.versions = versions::ask(self).await?;
        Ok(&self.versions)
    }

    /// When the broker will close unless logged in again (KIP-368); `None` is never.
    #[must_use]
    pub fn session_ends_at(&self) -> Option<Instant> {
        self.session_ends_at
    }

    /// Takes the connection apart; `None` when it is broken or the broker sent what nobody asked for.
    #[must_use]
    pub fn into_parts(self) -> Option<ConnectionParts> {
        let is_whole = !self.broken && self.receiver.is_empty();
        let Self { endpoint, stream, versions, session_ends_at, .. } = self;
        is_whole.then_some(ConnectionParts { endpoint, stream, versions, session_ends_at })
    }

    /// Makes it one on which up to `most` requests of one API are on their way at once, each with a mark of the caller's
    /// that comes back with its answer; `None` as for [`Self::into_parts`].
    #[must_use]
    pub fn into_pipe<Q, T>(self, most: usize) -> Option<(PipeSender<Q, T>, PipeAnswers<Q, T>)> {
        let Self { client_id, request_timeout, next_correlation_id, .. } = &self;
        let options = PipeOptions {
            client_id: client_id.clone(),
            limit: *request_timeout,
            next_correlation_id: *next_correlation_id,
            most,
        };
        let receiver = self.receiver.anew();
        Some(pipe::open(self.into_parts()?, receiver, options))
    }

    /// The time for one request and its answer, as the options say.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    pub(crate) fn set_versions(&mut self, versions: ApiVersions) {
        self.versions = versions;
    }

    pub(crate) fn set_session_ends_at(&mut self, end: Option<Instant>) {
        self.session_ends_at = end;
    }

    /// Sends a request and reads the bytes of its answer's body.
    pub(crate) async fn exchange<M>(
        &mut self,
        limit: Duration,
        version: i16,
        request: &M,
    ) -> Result<Bytes, CallError>
    where
        M: Guarded + Encodable,
    {
        let failed = |failure| CallError { api: M::KEY, version, failure };
        if self.broken {
            return Err(failed(CallFailure::Poisoned));
        }
        let sent = self.next_correlation_id;
        let frame = self.frame(sent, version, request).map_err(failed)?;
        self.next_correlation_id = sent.wrapping_add(1);
        self.broken = true;
        let answer = match timeout(limit, self.send_and_receive(&frame)).await {
            Ok(answer) => answer.map_err(failed)?,
            Err(_) => return Err(failed(CallFailure::Timeout(limit))),
        };
        let body = body(answer, M::KEY, version, sent).map_err(failed)?;
        self.broken = false;
        Ok(body)
    }

    /// Reads an answer; one that cannot be read poisons, for its sender is not what it seems.
    pub(crate) fn decode<M>(&mut self, version: i16, api: ApiKey, body: &Bytes) -> Result<M, CallError>
    where
        M: Guarded + Decodable,
    {
        codec::decode(version, body).map_err(|error| {
            self.broken = true;
            CallError { api, version, failure: CallFailure::Decode(error) }
        })
    }

    fn frame<M>(&self, correlation_id: i32, version: i16, request: &M) -> Result<BytesMut, CallFailure>
    where
        M: Guarded + Encodable,
    {
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        header::write_request(&mut frame, M::KEY, version, correlation_id, &self.client_id);
        codec::encode(request, version, &mut frame).map_err(CallFailure::Encode)?;
        let size = i32::try_from(frame.len() - SIZE_PREFIX).unwrap_or(i32::MAX);
        if let Some(prefix) = frame.first_chunk_mut::<SIZE_PREFIX>() {
            *prefix = size.to_be_bytes();
        }
        Ok(frame)
    }

    async fn send_and_receive(&mut self, frame: &[u8]) -> Result<Bytes, CallFailure> {
        self.stream.write_all(frame).await.map_err(io_failure)?;
        self.stream.flush().await.map_err(io_failure)?;
        self.receiver.frame(&mut self.stream).await
    }
}
