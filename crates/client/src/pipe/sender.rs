//! The half that writes.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tidegate_wire::codec::Guarded;
use tidegate_wire::frame::{EnvelopeWriter, Outgoing};
use tidegate_wire::header;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use super::pieces::Pieces;
use super::{PipeOptions, Sent};
use crate::error::{CallError, CallFailure};
use crate::receive::io_failure;
use crate::{ApiVersions, Endpoint, Stream};

/// Room for what leads the records of a request.
const HEAD: usize = 1024;

/// The half of a pipe that sends requests `Q`, each with a mark `T`.
#[derive(Debug)]
pub struct PipeSender<Q, T> {
    writer: WriteHalf<Stream>,
    about: About,
    sent: mpsc::UnboundedSender<Sent<T>>,
    places: Arc<Semaphore>,
    client_id: String,
    limit: Duration,
    next_correlation_id: i32,
    request: PhantomData<fn(Q)>,
}

/// What is known of the other side.
#[derive(Debug)]
pub(super) struct About {
    pub(super) endpoint: Endpoint,
    pub(super) versions: ApiVersions,
    pub(super) session_ends_at: Option<Instant>,
}

impl<Q, T> PipeSender<Q, T> {
    pub(super) fn new(
        writer: WriteHalf<Stream>,
        about: About,
        sent: mpsc::UnboundedSender<Sent<T>>,
        places: Arc<Semaphore>,
        options: PipeOptions,
    ) -> Self {
        let PipeOptions { client_id, limit, next_correlation_id, most: _ } = options;
        Self { writer, about, sent, places, client_id, limit, next_correlation_id, request: PhantomData }
    }

    /// Where it leads.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.about.endpoint
    }

    /// What the broker speaks.
    #[must_use]
    pub fn versions(&self) -> &ApiVersions {
        &self.about.versions
    }

    /// When the broker will close (KIP-368); `None` is never. A pipe cannot be logged in again: open another one before.
    #[must_use]
    pub fn session_ends_at(&self) -> Option<Instant> {
        self.about.session_ends_at
    }

    /// Whether a failure of either half has ended the pipe.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.places.is_closed()
    }

    /// How many requests could be sent now without waiting for an answer.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }
}

impl<Q: Guarded, T> PipeSender<Q, T> {
    /// Waits for a place, as long as that takes, and writes a request, within the request timeout. What `body` splices in is written
    /// from where it lies, except over TLS.
    ///
    /// A request that was sent comes out of the answers, exactly once; one whose sending failed, or was dropped half way, does not.
    ///
    /// # Errors
    /// [`CallError`]; the pipe is then broken.
    pub async fn send(
        &mut self,
        version: i16,
        tag: T,
        body: impl FnOnce(&mut EnvelopeWriter),
    ) -> Result<(), CallError> {
        let failed = |failure| CallError { api: Q::KEY, version, failure };
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| failed(CallFailure::Poisoned))?;
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        let mut frame = EnvelopeWriter::with_capacity(HEAD, 0);
        header::write_request(frame.buffer(), Q::KEY, version, correlation_id, &self.client_id);
        body(&mut frame);
        self.write(frame.finish()).await.map_err(failed)?;
        let sent = Sent { tag, version, correlation_id, at: Instant::now(), _place: place };
        self.sent.send(sent).map_err(|_| failed(CallFailure::Poisoned))
    }

    async fn write(&mut self, frame: Outgoing) -> Result<(), CallFailure> {
        let unfinished = Unfinished(&self.places);
        let mut pieces = Pieces::from(frame);
        let writer = &mut self.writer;
        let written = timeout(self.limit, async {
            writer.write_all_buf(&mut pieces).await?;
            writer.flush().await
        });
        match written.await {
            Ok(done) => done.map_err(io_failure)?,
            Err(_) => return Err(CallFailure::Timeout(self.limit)),
        }
        unfinished.done();
        Ok(())
    }
}

/// Breaks the pipe when it is dropped: half of a request spoils all behind it.
struct Unfinished<'a>(&'a Semaphore);

impl Unfinished<'_> {
    fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
