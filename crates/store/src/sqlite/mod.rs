//! Records and facts in one SQLite file.
//!
//! One thread owns the connection. It takes every job that waits, writes them in one transaction and tells each caller
//! after the commit: however many wait, they share one flush of the disk.

mod facts;
mod open;
mod records;
mod schema;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use rusqlite::Transaction;
use tidegate_core::facts::{FactsError, Pending};
use tidegate_core::store::{Answer, Change, CommitError, Image, Revision, Store, StoreError, StoreKeys};
use tokio::sync::oneshot;

use self::worker::{Job, Work, Worker};
use crate::published::Published;

pub use self::open::OpenError;

/// Records and facts in a file that this process owns.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: Sender<Job>,
    published: Arc<Published>,
}

impl SqliteStore {
    /// Opens the file, or makes it. The records in it must be signed with `keys`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, keys: StoreKeys) -> Result<Self, OpenError> {
        let connection = open::open(path)?;
        let published = Arc::new(Published::default());
        let worker = Worker::new(connection, path, keys, Arc::clone(&published))?;
        let (jobs, waiting) = channel();
        let started = thread::Builder::new().name("state".to_owned()).spawn(move || worker.serve(&waiting));
        match started {
            Ok(_) => Ok(Self { jobs, published }),
            Err(error) => Err(OpenError::System { path: path.to_owned(), what: error.to_string() }),
        }
    }

    /// Does something to the facts.
    fn facts<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (value, found) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            // The caller may have given up waiting.
            let _ = value.send(work(transaction)?);
            Ok(())
        });
        let (committed, done) = oneshot::channel();
        let sent = self.jobs.send(Job::Facts { work, committed });
        Box::pin(async move {
            sent.map_err(|_| FactsError(GONE.to_owned()))?;
            done.await.map_err(|_| FactsError(GONE.to_owned()))??;
            found.await.map_err(|_| FactsError(GONE.to_owned()))
        })
    }
}

const GONE: &str = "its thread has ended";

impl Store for SqliteStore {
    fn image(&self) -> Arc<Image> {
        self.published.image()
    }

    fn later(&self, than: Revision) -> Answer<Arc<Image>> {
        self.published.later(than)
    }

    fn commit(&self, change: Change) -> Answer<Revision, CommitError> {
        let (committed, done) = oneshot::channel();
        let sent = self.jobs.send(Job::Change { change, committed });
        Box::pin(async move {
            sent.map_err(|_| CommitError::Failed(StoreError(GONE.to_owned())))?;
            done.await.map_err(|_| CommitError::Unknown(StoreError(GONE.to_owned())))?
        })
    }

    fn behind(&self) -> Duration {
        Duration::ZERO
    }

    fn alarms(&self) -> Vec<String> {
        Vec::new()
    }
}
