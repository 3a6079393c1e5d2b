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
///
/// # Errors
/// [`RuleError`] when the answer has no form at the request's version.
pub fn answer<R: Guarded + Encodable>(request: &Request, response: &R) -> Result<Outcome, RuleError> {
    Ok(Outcome::Answer(Exchange::of(request).encode(response)?))
}

/// Asks upstream once and turns the answer into the client's with `on_response`.
///
/// # Errors
/// [`RuleError`] when the request has no form at its version.
pub fn forward<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &Q,
    on_response: impl FnOnce(R, &ReplyContext<'_>) -> R + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Encodable + Decodable + 'static,
{
    forward_one(context, request, upstream, move |response, context, exchange| {
        Ok(exchange.encode(&on_response(response, context))?.into())
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
    forward_one(context, request, upstream, move |response: R, context, exchange| {
        let facts = facts(&response, context);
        let then = exchange.encode(&response)?;
        if facts.is_empty() {
            return Ok(then.into());
        }
        let otherwise = exchange.encode(&otherwise(response))?;
        Ok(Replied::Keep { facts, then, otherwise })
    })
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
    forward_one(context, request, upstream, move |response, _, exchange| {
        let (response, unbound) = on_response(response);
        let then = exchange.encode(&response)?;
        Ok(if unbound.is_empty() { then.into() } else { Replied::Forget { unbound, then } })
    })
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
    forward_all(context, request, upstream, move |responses, context, exchange| {
        Ok(exchange.encode(&on_responses(responses, context)?)?.into())
    })
}

fn forward_one<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &Q,
    reply: impl FnOnce(R, &ReplyContext<'_>, Exchange) -> Result<Replied, ReplyError> + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Decodable + 'static,
{
    forward_all(context, request, std::slice::from_ref(upstream), move |responses, context, exchange| {
        reply(responses.into_iter().next().ok_or(ReplyError::Missing)?, context, exchange)
    })
}

fn forward_all<Q, R>(
    context: &mut RequestContext<'_>,
    request: &Request,
    upstream: &[Q],
    reply: impl FnOnce(Vec<R>, &ReplyContext<'_>, Exchange) -> Result<Replied, ReplyError> + Send + 'static,
) -> Result<Outcome, RuleError>
where
    Q: Guarded + Encodable,
    R: Guarded + Decodable + 'static,
{
    let requests: Result<Vec<_>, _> =
        upstream.iter().map(|message| upstream_request(context, request.version, message)).collect();
    let reply = TypedReply { exchange: Exchange::of(request), reply, response: PhantomData };
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
    reply: F,
    response: PhantomData<fn() -> R>,
}

impl<R, F> Reply for TypedReply<R, F>
where
    R: Guarded + Decodable,
    F: FnOnce(Vec<R>, &ReplyContext<'_>, Exchange) -> Result<Replied, ReplyError> + Send,
{
    fn on_response(
        self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError> {
        let version = self.exchange.version;
        let responses: Result<Vec<R>, ReplyError> =
            frames.iter().map(|frame| decode_response(frame, version)).collect();
        (self.reply)(responses?, context, self.exchange)
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
