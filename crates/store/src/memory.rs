//! Records that last as long as the process: for tests and for embedding without state.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::store::{Answer, Change, CommitError, Image, Revision, Store};

use crate::published::Published;

/// Records in memory; gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Published);

impl MemoryStore {
    /// A store without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn image(&self) -> Arc<Image> {
        self.0.image()
    }

    fn later(&self, than: Revision) -> Answer<Arc<Image>> {
        self.0.later(than)
    }

    fn commit(&self, change: Change) -> Answer<Revision, CommitError> {
        let done = self.0.change(|image| image.with(&change)).map_err(CommitError::from);
        Box::pin(std::future::ready(done))
    }

    fn behind(&self) -> Duration {
        Duration::ZERO
    }

    fn alarms(&self) -> Vec<String> {
        Vec::new()
    }
}
