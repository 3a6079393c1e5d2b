//! Decoding, encoding and forwarding of messages that go through the codec whole.

use std::marker::PhantomData;

use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_core::facts::{Fact, Unbound};
use tidegate_wire::codec::{self, CodecError, Guarded};
use tidegate_wire::frame::{EnvelopeWriter, Outgoing};
use tidegate_wire::header::{self, Request};

use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, Replied, Reply, ReplyError, RuleError, UpstreamRequest};

/// Where an answer belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
}

impl Exchange {
    pub(crate) fn of(request: &Request) -> Self {
        Self { version: request.version, correlation_id: request.correlation_id }
    }

    /// The client's answer as a frame.
    pub(crate) fn encode<R: Guarded + Encodable>(self, response: &R) -> Result<Outgoing, CodecError> {
        let mut out = EnvelopeWriter::with_capacity(SMALL_FRAME, 0);
        header::write_response(out.buffer(), R::KEY, self.version, self.correlation_id);
        codec::encode(response, self.version, out.buffer())?;
        Ok(out.finish())
    }
}

/// First size of the buffer of a frame without records.
const SMALL_FRAME: usize = 128;

/// Answers without asking upstream.
pub(crate) fn answer<R: Guarded + Encodable>(request: &Request, response: &R) -> Result<Outcome, RuleError> {
    Ok(Outcome::Answer(Exchange::of(request).encode(response)?))
}

/// Asks upstream once and turns the answer into the client's with `on_response`.
pub(crate) fn forward<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &Q,
    on_response: impl FnOnce(R, &ReplyContext<'_>) -> R + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Encodable + Decodable + 'static,
{
    forward_each(context, request, std::slice::from_ref(upstream), move |responses, context| {
        let response = responses.into_iter().next().ok_or(ReplyError::Missing)?;
        Ok(on_response(response, context))
    })
}

/// As [`forward`], for an answer that may hold only once facts are kept; `otherwise` turns it into what the client
/// gets when they cannot be.
pub(crate) fn forward_keeping<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &Q,
    facts: impl FnOnce(&R, &ReplyContext<'_>) -> Vec<Fact> + Send + 'static,
    otherwise: impl FnOnce(R) -> R + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Encodable + Decodable + 'static,
{
    let upstream = upstream_request(context, request.version, upstream)?;
    let reply = KeepingReply { exchange: Exchange::of(request), facts, otherwise, response: PhantomData };
    Ok(Outcome::Forward { requests: vec![upstream], reply: Box::new(reply) })
}

/// As [`forward`], for an answer after which bindings may not hold any more.
pub(crate) fn forward_forgetting<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &Q,
    on_response: impl FnOnce(R) -> (R, Vec<Unbound>) + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Encodable + Decodable + 'static,
{
    let upstream = upstream_request(context, request.version, upstream)?;
    let reply = ForgettingReply { exchange: Exchange::of(request), on_response, response: PhantomData };
    Ok(Outcome::Forward { requests: vec![upstream], reply: Box::new(reply) })
}

/// Asks upstream once for each of `upstream` and turns all answers into the client's one.
pub(crate) fn forward_each<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &[Q],
    on_responses: impl FnOnce(Vec<R>, &ReplyContext<'_>) -> Result<R, ReplyError> + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Encodable + Decodable + 'static,
{
    let requests: Result<Vec<_>, _> =
        upstream.iter().map(|message| upstream_request(context, request.version, message)).collect();
    let reply = TypedReply { exchange: Exchange::of(request), on_responses, response: PhantomData };
    Ok(Outcome::Forward { requests: requests?, reply: Box::new(reply) })
}

fn upstream_request<Q: Guarded + Encodable>(
    context: &mut RequestContext<'_>,
    version: i16,
    message: &Q,
) -> Result<UpstreamRequest, CodecError> {
    let correlation_id = context.connection.next_correlation_id();
    let frame = request_frame(context.client_id, version, correlation_id, message)?;
    Ok(UpstreamRequest { correlation_id, frame })
}

/// A request as a frame for the upstream.
pub(crate) fn request_frame<Q: Guarded + Encodable>(
    client_id: &str,
    version: i16,
    correlation_id: i32,
    message: &Q,
) -> Result<Outgoing, CodecError> {
    let mut out = EnvelopeWriter::with_capacity(SMALL_FRAME, 0);
    header::write_request(out.buffer(), Q::KEY, version, correlation_id, client_id);
    codec::encode(message, version, out.buffer())?;
    Ok(out.finish())
}

struct TypedReply<R, F> {
    exchange: Exchange,
    on_responses: F,
    response: PhantomData<fn() -> R>,
}

impl<R, F> Reply for TypedReply<R, F>
where
    R: Guarded + Encodable + Decodable,
    F: FnOnce(Vec<R>, &ReplyContext<'_>) -> Result<R, ReplyError> + Send,
{
    fn on_response(
        self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError> {
        let version = self.exchange.version;
        let responses: Result<Vec<R>, ReplyError> =
            frames.iter().map(|frame| decode_response(frame, version)).collect();
        let response = (self.on_responses)(responses?, context)?;
        Ok(self.exchange.encode(&response)?.into())
    }
}

struct KeepingReply<R, F, O> {
    exchange: Exchange,
    facts: F,
    otherwise: O,
    response: PhantomData<fn() -> R>,
}

impl<R, F, O> Reply for KeepingReply<R, F, O>
where
    R: Guarded + Encodable + Decodable,
    F: FnOnce(&R, &ReplyContext<'_>) -> Vec<Fact> + Send,
    O: FnOnce(R) -> R + Send,
{
    fn on_response(
        self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError> {
        let frame = frames.first().ok_or(ReplyError::Missing)?;
        let response: R = decode_response(frame, self.exchange.version)?;
        let facts = (self.facts)(&response, context);
        let then = self.exchange.encode(&response)?;
        if facts.is_empty() {
            return Ok(then.into());
        }
        let otherwise = self.exchange.encode(&(self.otherwise)(response))?;
        Ok(Replied::Keep { facts, then, otherwise })
    }
}

struct ForgettingReply<R, F> {
    exchange: Exchange,
    on_response: F,
    response: PhantomData<fn() -> R>,
}

impl<R, F> Reply for ForgettingReply<R, F>
where
    R: Guarded + Encodable + Decodable,
    F: FnOnce(R) -> (R, Vec<Unbound>) + Send,
{
    fn on_response(self: Box<Self>, _: &ReplyContext<'_>, frames: &[Bytes]) -> Result<Replied, ReplyError> {
        let frame = frames.first().ok_or(ReplyError::Missing)?;
        let (response, unbound) = (self.on_response)(decode_response(frame, self.exchange.version)?);
        let then = self.exchange.encode(&response)?;
        Ok(if unbound.is_empty() { then.into() } else { Replied::Forget { unbound, then } })
    }
}

/// Reads the body of an upstream answer frame.
pub(crate) fn decode_response<R: Guarded + Decodable>(frame: &Bytes, version: i16) -> Result<R, ReplyError> {
    let (_, body) = header::parse_response(frame, R::KEY, version)?;
    Ok(codec::decode(version, &frame.slice(body..))?)
}

/// A frame made of an encoded body alone, for tests that play the upstream.
#[cfg(test)]
pub(crate) fn frame_of<R: Guarded + Encodable>(version: i16, correlation_id: i32, response: &R) -> Bytes {
    let exchange = Exchange { version, correlation_id };
    exchange.encode(response).unwrap().joined()
}
