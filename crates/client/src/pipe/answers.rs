//! The half that reads.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::protocol::Request;
use tidegate_wire::codec::{self, Guarded};
use tokio::io::ReadHalf;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use super::Sent;
use crate::Stream;
use crate::error::{CallError, CallFailure};
use crate::receive::{Receiver, body};

/// The half of a pipe that yields the answers to requests `Q`, each with the mark `T` of its request. Dropping it breaks the pipe.
#[derive(Debug)]
pub struct PipeAnswers<Q, T> {
    reader: ReadHalf<Stream>,
    receiver: Receiver,
    sent: mpsc::UnboundedReceiver<Sent<T>>,
    /// The request whose answer is the next.
    next: Option<Sent<T>>,
    places: Arc<Semaphore>,
    limit: Duration,
    /// When the last answer came, or later: the broker has begun with the next request only then.
    last: Instant,
    request: PhantomData<fn(Q)>,
}

impl<Q, T> PipeAnswers<Q, T> {
    pub(super) fn new(
        reader: ReadHalf<Stream>,
        receiver: Receiver,
        sent: mpsc::UnboundedReceiver<Sent<T>>,
        places: Arc<Semaphore>,
        limit: Duration,
    ) -> Self {
        let (next, last) = (None, Instant::now());
        Self { reader, receiver, sent, next, places, limit, last, request: PhantomData }
    }
}

impl<Q, T> PipeAnswers<Q, T>
where
    Q: Request + Guarded,
    Q::Response: Guarded,
{
    /// The answer to the oldest request without one, or why there is none; `None` when the sender is gone and everything has been
    /// answered. Each answer has the request timeout, from when the one before it came.
    ///
    /// A call that is dropped loses nothing. When the sender fails, a call that waits already learns of it by its own limit. After a failure every request that is left comes out with
    /// [`CallFailure::Poisoned`].
    pub async fn next(&mut self) -> Option<(T, Result<Q::Response, CallError>)> {
        if self.next.is_none() {
            self.next = Some(self.sent.recv().await?);
        }
        let answer = self.answer().await;
        let Sent { tag, version, .. } = self.next.take()?;
        self.last = Instant::now();
        let answer = answer.and_then(|body| codec::decode(version, &body).map_err(CallFailure::Decode));
        if answer.is_err() {
            self.places.close();
        }
        Some((tag, answer.map_err(|failure| CallError { api: <Q as Guarded>::KEY, version, failure })))
    }

    /// Gives the next answer so much more time: the broker has said that it will not look at this connection until then (KIP-219).
    pub fn wait_longer(&mut self, by: Duration) {
        self.last = self.last.checked_add(by).unwrap_or(self.last);
    }

    /// Breaks the pipe, for an answer that makes no sense to who reads it.
    pub fn poison(&mut self) {
        self.places.close();
    }

    async fn answer(&mut self) -> Result<Bytes, CallFailure> {
        let Some(sent) = self.next.as_ref().filter(|_| !self.places.is_closed()) else {
            return Err(CallFailure::Poisoned);
        };
        let (begins, now) = (sent.at.max(self.last), Instant::now());
        let left = self.limit.saturating_add(begins.saturating_duration_since(now));
        let left = left.saturating_sub(now.saturating_duration_since(begins));
        match timeout(left, self.receiver.frame(&mut self.reader)).await {
            Ok(frame) => body(frame?, <Q as Guarded>::KEY, sent.version, sent.correlation_id),
            Err(_) => Err(CallFailure::Timeout(self.limit)),
        }
    }
}

impl<Q, T> Drop for PipeAnswers<Q, T> {
    fn drop(&mut self) {
        self.places.close();
    }
}
