//! A broker of a few lines: a script per connection.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::frame::{FrameLimits, next_frame};
use tidegate_wire::header::{self, Request};
use tidegate_wire::messages::ApiVersionsResponse;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{ConnectOptions, Endpoint, Security};

/// A server under test; its task's panics are the test's.
pub(super) struct Broker {
    pub(super) endpoint: Endpoint,
    task: JoinHandle<()>,
}

impl Broker {
    /// Accepts one connection and runs the script on it.
    pub(super) async fn run<F>(script: impl FnOnce(Peer<TcpStream>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            script(Peer::new(socket)).await;
        });
        Self { endpoint, task }
    }

    /// Waits for the script's end.
    pub(super) async fn finished(self) {
        self.task.await.unwrap();
    }
}

/// The broker's end of one connection.
pub(super) struct Peer<S> {
    stream: S,
    received: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, received: BytesMut::new() }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// The next request; it must be of `key`.
    pub(super) async fn request(&mut self, key: ApiKey) -> Request {
        let request = self.next().await.expect("a request, not a close");
        assert_eq!(request.key, key);
        request
    }

    /// The next request, or `None` at the client's close.
    pub(super) async fn next(&mut self) -> Option<Request> {
        loop {
            let frame = next_frame(&mut self.received, FrameLimits::uniform(1 << 20)).unwrap();
            if let Some(frame) = frame {
                return Some(Request::parse(frame.freeze()).unwrap());
            }
            if self.stream.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Answers at the request's own version.
    pub(super) async fn answer<M: Guarded + Encodable>(&mut self, request: &Request, message: &M) {
        let mut frame = BytesMut::new();
        header::write_response(&mut frame, request.key, request.version, request.correlation_id);
        codec::encode(message, request.version, &mut frame).unwrap();
        self.frame(&frame).await;
    }

    /// Writes bytes as one frame.
    pub(super) async fn frame(&mut self, bytes: &[u8]) {
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(bytes.len()).unwrap());
        frame.put_slice(bytes);
        self.raw(&frame).await;
    }

    /// Writes bytes as they are.
    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Answers ApiVersions with everything that the tests use.
    pub(super) async fn versions(&mut self) {
        let request = self.request(ApiKey::ApiVersions).await;
        self.answer(&request, &api_versions(0)).await;
    }
}

/// The body of a request.
pub(super) fn body<M: Guarded + Decodable>(request: &Request) -> M {
    codec::decode(request.version, &request.body).unwrap()
}

/// An ApiVersions answer with everything that the tests use.
pub(super) fn api_versions(error_code: i16) -> ApiVersionsResponse {
    let ranges = [
        (ApiKey::Metadata, 0, 13),
        (ApiKey::FindCoordinator, 0, 6),
        (ApiKey::SaslHandshake, 0, 1),
        (ApiKey::ApiVersions, 0, 4),
        (ApiKey::SaslAuthenticate, 0, 2),
    ];
    let api = |(key, min, max): (ApiKey, i16, i16)| {
        ApiVersion::default().with_api_key(key as i16).with_min_version(min).with_max_version(max)
    };
    ApiVersionsResponse::default()
        .with_error_code(error_code)
        .with_api_keys(ranges.into_iter().map(api).collect())
}

/// Options with short limits.
pub(super) fn options(security: Security) -> ConnectOptions {
    ConnectOptions {
        connect_timeout: Duration::from_secs(5),
        tls_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(5),
        max_response_bytes: 1 << 16,
        ..ConnectOptions::new("test", security)
    }
}

/// Bytes of an answer to `request` with another correlation id.
pub(super) fn misdirected(request: &Request) -> Bytes {
    let mut bytes = BytesMut::new();
    header::write_response(&mut bytes, request.key, request.version, request.correlation_id + 1);
    bytes.freeze()
}
