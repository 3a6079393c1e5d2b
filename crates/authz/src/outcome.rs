//! What a rule asks of the shell.

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tidegate_core::facts::{Fact, Unbound};
use tidegate_wire::codec::CodecError;
use tidegate_wire::fetch::PassError;
use tidegate_wire::frame::Outgoing;
use tidegate_wire::produce::ProduceError;
use tidegate_wire::reader::ReadError;

use crate::context::ReplyContext;

/// What is to happen with a request.
pub enum Outcome {
    /// The gateway answers by itself; the answer waits its turn behind earlier ones.
    Answer(Outgoing),
    /// Upstream is asked: one frame, or several where one request may not name a backing topic twice. The
    /// reply turns all answers into the client's one, joining what was refused here.
    Forward {
        /// Frames to send, in this order.
        requests: Vec<UpstreamRequest>,
        /// Makes the client's answer.
        reply: Box<dyn Reply>,
    },
    /// Upstream is told and nobody answers: Produce with acks=0.
    Tell(UpstreamRequest),
    /// The shell asks its store and then puts the same request to the rule once more; the rule has done nothing yet.
    /// When the store does not answer the connection ends: the request is neither refused nor let through.
    Ask(Question),
    /// The connection ends; Kafka knows no error answer for this case.
    Close(&'static str),
}

/// What a rule must know, or must have kept, before it can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Make these facts durable and [take](crate::ZoneView::take) them into the zone.
    Keep(Vec<Fact>),
    /// Which of these producer ids was the zone issued? Those it was are taken into the zone, the others stand in
    /// [`RequestContext::absent_producers`](crate::RequestContext::absent_producers) the next time.
    Producers(Vec<i64>),
}

/// What a reply makes of the upstream's answer.
#[derive(Debug)]
pub enum Replied {
    /// The client's answer.
    Answer(Outgoing),
    /// An answer that holds only once facts are durable.
    Keep {
        /// What to make durable and take into the zone first.
        facts: Vec<Fact>,
        /// The client's answer then.
        then: Outgoing,
        /// The client's answer when that fails: nothing has been promised.
        otherwise: Outgoing,
    },
    /// An answer after which bindings do not hold any more: the store forgets them, then the zone
    /// [does](crate::ZoneView::forget). Should the store fail they stay, which refuses too much and never too little.
    Forget {
        /// The bindings.
        unbound: Vec<Unbound>,
        /// The client's answer.
        then: Outgoing,
    },
}

impl From<Outgoing> for Replied {
    fn from(answer: Outgoing) -> Self {
        Self::Answer(answer)
    }
}

/// One frame for the upstream broker.
#[derive(Debug)]
pub struct UpstreamRequest {
    /// The mark that its answer must carry.
    pub correlation_id: i32,
    /// The frame.
    pub frame: Outgoing,
}

/// The way back of a forwarded request; consumed by its answer.
pub trait Reply: Send {
    /// Turns the upstream's frames, one for each request, into the client's answer.
    ///
    /// # Errors
    /// [`ReplyError`]: the upstream answered nonsense and both connections must be closed.
    fn on_response(
        self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError>;

    /// Whether a large answer that begins so may be changed and sent on piece by piece with [`Reply::pass`], in the zone as
    /// it is now. Some tens of bytes tell it; where fewer are there than it takes, the answer may not.
    fn may_pass(&self, context: &ReplyContext<'_>, beginning: &[u8]) -> bool {
        let (_, _) = (context, beginning);
        false
    }

    /// Takes off `received` as much of the upstream's one answer as can be understood so far, and gives it as the client
    /// is to have it; what stays is the beginning of something, or of the next frame. Once anything was taken there is
    /// no other way to answer, and a zone that changes so that [`Reply::give_up`] has an answer ends the connection.
    ///
    /// # Errors
    /// [`ReplyError`]: the upstream answered nonsense and both connections must be closed.
    fn pass(&mut self, context: &ReplyContext<'_>, received: &mut BytesMut) -> Result<Passed, ReplyError> {
        let (_, _) = (context, received);
        Err(ReplyError::Missing)
    }

    /// The client's answer when the zone has just changed under a request that still waits for the broker, or `None`
    /// to wait on. After an answer the broker's own is thrown away.
    ///
    /// # Errors
    /// [`ReplyError`].
    fn give_up(&self, context: &ReplyContext<'_>) -> Result<Option<Outgoing>, ReplyError> {
        let _ = context;
        Ok(None)
    }
}

/// A part of an answer on its way.
#[derive(Debug)]
pub struct Passed {
    /// The part; it may be empty.
    pub part: Outgoing,
    /// Whether it was the last one.
    pub is_last: bool,
}

/// A request that cannot be read; the client is at fault and its connection must be closed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The body is not what its key and version promise.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// As above, for Produce.
    #[error(transparent)]
    MalformedProduce(#[from] ProduceError),
}

/// An upstream answer that cannot be read; the broker is at fault.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The body is not what its key and version promise.
    #[error("malformed upstream answer: {0}")]
    Malformed(#[from] CodecError),
    /// As above, in the header or in a Fetch answer.
    #[error("malformed upstream answer: {0}")]
    MalformedFrame(#[from] ReadError),
    /// As above, in a Fetch answer that is sent on while it arrives.
    #[error("malformed upstream answer: {0}")]
    MalformedPart(#[from] PassError),
    /// Fewer frames than requests.
    #[error("upstream answer is missing")]
    Missing,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer(frame) => f.debug_tuple("Answer").field(&frame.len()).finish(),
            Self::Forward { requests, .. } => f.debug_tuple("Forward").field(&requests.len()).finish(),
            Self::Tell(_) => f.write_str("Tell"),
            Self::Ask(question) => f.debug_tuple("Ask").field(question).finish(),
            Self::Close(why) => f.debug_tuple("Close").field(why).finish(),
        }
    }
}
