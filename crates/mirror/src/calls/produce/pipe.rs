//! Several requests on their way on one connection.

use std::time::Duration;

use tidegate_client::{AskError, Connection, PipeAnswers, PipeSender};
use tidegate_wire::messages::ProduceRequest;
use tokio::time::Instant;

use super::batches::Batches;
use super::{BY_ID, BY_NAME, KEY, ProduceAnswer, answer, is_by_id, request};
use crate::calls::order::have_ids;
use crate::calls::{TopicPartition, version};

/// Takes a connection for appends, of which up to `most` are on their way at once; `None` when the connection is broken.
///
/// The broker waits for replicas up to `wait`, which should be well below the request timeout of the connection. That one
/// is for each answer, from when the one before it came; what is late breaks the pipe.
#[must_use]
pub fn open<T>(
    connection: Connection,
    most: usize,
    wait: Duration,
) -> Option<(ProduceSender<T>, ProduceAnswers<T>)> {
    let (sender, answers) = connection.into_pipe(most)?;
    Some((ProduceSender { pipe: sender, wait }, ProduceAnswers { pipe: answers }))
}

/// The half that appends.
#[derive(Debug)]
pub struct ProduceSender<T> {
    pipe: PipeSender<ProduceRequest, Asked<T>>,
    wait: Duration,
}

/// The half that yields what became of it. Dropping it breaks the pipe.
#[derive(Debug)]
pub struct ProduceAnswers<T> {
    pipe: PipeAnswers<ProduceRequest, Asked<T>>,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Asked<T> {
    tag: T,
    by_id: bool,
    places: Vec<TopicPartition>,
}

impl<T> ProduceSender<T> {
    /// Waits for a place and sends batches; by topic id where the broker and all topics have it, so that a topic that was made anew under
    /// the old name refuses.
    ///
    /// What was sent comes out of the answers with its `tag`, exactly once; what was not, does not.
    ///
    /// # Errors
    /// [`AskError`]; [`AskError::Call`] breaks the pipe, and nobody knows whether the batches were appended.
    pub async fn send(&mut self, tag: T, batches: Batches) -> Result<(), AskError> {
        let version = self.version(&batches)?;
        let places = batches.entries().iter().map(|entry| entry.at.clone()).collect();
        let asked = Asked { tag, by_id: is_by_id(version), places };
        let wait = self.wait;
        let body = |out: &mut _| request::write(out, version, &batches, wait);
        Ok(self.pipe.send(version, asked, body).await?)
    }

    /// How many requests could be sent now without waiting for an answer.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.pipe.free_places()
    }

    /// Whether a failure of either half has ended the pipe.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.pipe.is_broken()
    }

    /// When the broker will close (KIP-368); `None` is never. Open another pipe before.
    #[must_use]
    pub fn session_ends_at(&self) -> Option<Instant> {
        self.pipe.session_ends_at()
    }

    fn version(&self, batches: &Batches) -> Result<i16, AskError> {
        let versions = self.pipe.versions();
        let by_id = have_ids(batches.entries()).then_some(BY_ID);
        match by_id.and_then(|ours| versions.version_for(KEY, ours)) {
            Some(version) => Ok(version),
            None => version(versions, KEY, BY_NAME),
        }
    }
}

impl<T> ProduceAnswers<T> {
    /// The answer to the oldest request without one, or why there is none; `None` when the sender is gone and everything has been
    /// answered. A call that is dropped loses nothing. After a failure all that is left fails, too.
    pub async fn next(&mut self) -> Option<(T, Result<ProduceAnswer, AskError>)> {
        let (Asked { tag, by_id, places }, answer) = self.pipe.next().await?;
        let answer = answer.map_err(AskError::from);
        let answer = answer.and_then(|answer| answer::read(by_id, &places, &answer));
        match &answer {
            Ok(answer) => self.pipe.wait_longer(answer.throttle),
            Err(_) => self.pipe.poison(),
        }
        Some((tag, answer))
    }
}
