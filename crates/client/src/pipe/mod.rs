//! A connection on which several requests of one API are on their way.
//!
//! A broker takes the requests of a connection one after the other and answers in that order, so whoever waits for each answer
//! leaves it idle for a round trip. Here the [sender](PipeSender) writes while there are places, and the
//! [answers](PipeAnswers) come out in order, each with the mark of its request. The two halves may live in different tasks.
//!
//! The first failure of either half ends both: a request whose answer is missing may have been carried out or not, and
//! nothing behind it is believed. The socket closes when both halves are dropped.

mod answers;
mod pieces;
mod sender;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::split;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

pub use answers::PipeAnswers;
pub use sender::PipeSender;

use crate::ConnectionParts;
use crate::receive::Receiver;

/// What a pipe takes over from its connection, and how much may be on its way.
pub(crate) struct PipeOptions {
    pub(crate) client_id: String,
    /// For writing a request, and for its answer once it is the next.
    pub(crate) limit: Duration,
    pub(crate) next_correlation_id: i32,
    pub(crate) most: usize,
}

/// A request that was written whole and has no answer yet.
#[derive(Debug)]
struct Sent<T> {
    tag: T,
    version: i16,
    correlation_id: i32,
    at: Instant,
    /// Given back with the answer.
    _place: OwnedSemaphorePermit,
}

pub(crate) fn open<Q, T>(
    parts: ConnectionParts,
    receiver: Receiver,
    options: PipeOptions,
) -> (PipeSender<Q, T>, PipeAnswers<Q, T>) {
    let ConnectionParts { endpoint, stream, versions, session_ends_at } = parts;
    let (reader, writer) = split(stream);
    // Closed for good by the first failure: whoever holds it sees that.
    let places = Arc::new(Semaphore::new(options.most.clamp(1, Semaphore::MAX_PERMITS)));
    let (into_sent, sent) = mpsc::unbounded_channel();
    let answers = PipeAnswers::new(reader, receiver, sent, places.clone(), options.limit);
    let about = sender::About { endpoint, versions, session_ends_at };
    (PipeSender::new(writer, about, into_sent, places, options), answers)
}
