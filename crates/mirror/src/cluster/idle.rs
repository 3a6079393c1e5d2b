//! Connections that are kept for questions: one to each broker, and on each one question at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_client::Endpoint;
use tokio::sync::{Mutex as TurnMutex, MutexGuard};
use tokio::time::Instant;

use super::Cluster;
use crate::kept::Kept;

/// One line to each broker.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<HashMap<Endpoint, Arc<Line>>>);

/// Where questions to one broker wait for their turn.
#[derive(Debug)]
pub(crate) struct Line {
    broker: Endpoint,
    slot: TurnMutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    kept: Option<Kept>,
    /// When the broker could not be reached last.
    failed: Option<Instant>,
}

/// A turn: whoever has it asks alone.
pub(crate) struct Turn<'a> {
    slot: MutexGuard<'a, Slot>,
    pub(crate) kept: Kept,
}

impl Cluster {
    /// Where questions to a broker wait.
    pub(crate) fn line(&self, broker: &Endpoint) -> Arc<Line> {
        let mut lines = self.idle.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = || Arc::new(Line { broker: broker.clone(), slot: TurnMutex::default() });
        Arc::clone(lines.entry(broker.clone()).or_insert_with(line))
    }
}

impl Line {
    /// Waits for a turn; none if the broker cannot be reached. All who waited meanwhile are told the same: each trying for itself would keep
    /// the last one from ever hearing of another leader.
    pub(crate) async fn turn(&self, cluster: &Cluster) -> Option<Turn<'_>> {
        let begun = Instant::now();
        let mut slot = self.slot.lock().await;
        if slot.failed.is_some_and(|failed| failed >= begun) {
            return None;
        }
        let kept = match slot.kept.take().filter(Kept::serves) {
            Some(kept) => kept,
            None => match cluster.connect(&self.broker).await {
                Ok(connection) => Kept::new(connection),
                Err(error) => {
                    tracing::debug!(broker = %self.broker, %error, "no connection for questions");
                    slot.failed = Some(Instant::now());
                    return None;
                }
            },
        };
        Some(Turn { slot, kept })
    }
}

impl Turn<'_> {
    /// Ends it, and leaves the connection to the next.
    pub(crate) fn end(self) {
        let Self { mut slot, kept } = self;
        slot.kept = Some(kept);
    }
}
