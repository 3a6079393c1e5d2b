//! The thread that owns the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::{Connection, Transaction};
use tidegate_core::facts::FactsError;
use tidegate_core::store::{Change, CommitError, Replay, Revision, Signed, StoreError, StoreKeys};
use tokio::sync::oneshot;

use super::open::{self, OpenError};
use super::records::{self, LoadError};
use crate::published::Published;
use crate::random;

/// Jobs written in one transaction, so that the first of a flood does not wait for the last.
const MAX_TOGETHER: usize = 256;

/// What a caller wants done to facts inside a transaction.
pub(super) type Work = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

/// What a caller wants.
pub(super) enum Job {
    /// Something done to facts.
    Facts { work: Work, committed: oneshot::Sender<Result<(), FactsError>> },
    /// Records changed.
    Change { change: Change, committed: oneshot::Sender<Result<Revision, CommitError>> },
}

/// Owns the connection and knows the records that are in the file.
pub(super) struct Worker {
    connection: Connection,
    file: PathBuf,
    keys: StoreKeys,
    /// Ahead of the file only while a transaction is open; `None` after a failure, until it is read again.
    replay: Option<Replay>,
    published: Arc<Published>,
}

/// Jobs as they are written together.
#[derive(Default)]
struct Batch {
    work: Vec<Work>,
    facts: Vec<oneshot::Sender<Result<(), FactsError>>>,
    records: Vec<Signed>,
    changes: Vec<(Revision, oneshot::Sender<Result<Revision, CommitError>>)>,
}

impl Worker {
    /// A worker that has read all records.
    pub(super) fn new(
        connection: Connection,
        file: &Path,
        keys: StoreKeys,
        published: Arc<Published>,
    ) -> Result<Self, OpenError> {
        let replay = records::load(&connection, keys.clone()).map_err(|error| match error {
            LoadError::Sqlite(error) => open::tell(file, &error),
            other => OpenError::Records { path: file.to_owned(), what: other.to_string() },
        })?;
        published.publish(Arc::clone(replay.image()));
        Ok(Self { connection, file: file.to_owned(), keys, replay: Some(replay), published })
    }

    /// Until the last caller is gone.
    pub(super) fn serve(mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = Batch::default();
            for job in std::iter::once(first).chain(waiting.try_iter().take(MAX_TOGETHER - 1)) {
                self.add(&mut batch, job);
            }
            self.write(batch);
        }
    }

    fn add(&mut self, batch: &mut Batch, job: Job) {
        match job {
            // Whoever waits no longer has been told that it failed: it must not happen behind their back.
            Job::Facts { work, committed } if !committed.is_closed() => {
                batch.work.push(work);
                batch.facts.push(committed);
            }
            Job::Facts { .. } => {}
            Job::Change { change, committed } => match self.plan(&change, batch.records.is_empty()) {
                Ok((revision, records)) => {
                    batch.records.extend(records);
                    batch.changes.push((revision, committed));
                }
                Err(error) => drop(committed.send(Err(error))),
            },
        }
    }

    /// The records of a change; from here on the next change builds upon it. `fresh` is whether the file has all that was
    /// planned so far.
    fn plan(&mut self, change: &Change, fresh: bool) -> Result<(Revision, Vec<Signed>), CommitError> {
        if self.replay.is_none() && !fresh {
            return Err(CommitError::Failed(StoreError("a change before it went wrong".to_owned())));
        }
        let replay = self.replay()?;
        let records = replay.plan(change, random::change_id().map_err(CommitError::Failed)?)?;
        match take_all(replay, &records) {
            Ok(()) => Ok((replay.image().revision(), records)),
            Err(what) => {
                self.replay = None;
                Err(CommitError::Failed(StoreError(what)))
            }
        }
    }

    /// The records as they are in the file, read again if that is not certain.
    fn replay(&mut self) -> Result<&mut Replay, CommitError> {
        let replay = match self.replay.take() {
            Some(replay) => replay,
            None => records::load(&self.connection, self.keys.clone())
                .map_err(|error| CommitError::Failed(StoreError(self.told(&error))))?,
        };
        Ok(self.replay.insert(replay))
    }

    /// Writes it, all or nothing, and tells everybody.
    fn write(&mut self, batch: Batch) {
        let Batch { work, facts, records, changes } = batch;
        let outcome = together(&mut self.connection, work, &records).map_err(|error| self.told(&error));
        if outcome.is_err() {
            self.replay = None;
        }
        if !changes.is_empty()
            && let Ok(replay) = self.replay()
        {
            let image = Arc::clone(replay.image());
            self.published.publish(image);
        }
        for (revision, committed) in changes {
            let _ = committed.send(match &outcome {
                Ok(()) => Ok(revision),
                Err(what) => Err(self.failed(revision, what)),
            });
        }
        for committed in facts {
            let _ = committed.send(outcome.clone().map_err(FactsError));
        }
    }

    /// After a flush that failed nobody knows what is on the disk, unless it could be read again.
    fn failed(&self, revision: Revision, what: &str) -> CommitError {
        let what = StoreError(what.to_owned());
        match &self.replay {
            Some(replay) if replay.image().revision() < revision => CommitError::Failed(what),
            _ => CommitError::Unknown(what),
        }
    }

    fn told(&self, error: &impl std::fmt::Display) -> String {
        format!("{}: {error} (is the disk full, or the file gone?)", self.file.display())
    }
}

/// Takes records that were just planned; that one is refused never happens.
fn take_all(replay: &mut Replay, records: &[Signed]) -> Result<(), String> {
    for signed in records {
        let taken = replay.take(signed.clone()).map_err(|lost| lost.to_string())?;
        taken.map_err(|rejected| rejected.to_string())?;
    }
    Ok(())
}

/// All of it or nothing.
fn together(connection: &mut Connection, work: Vec<Work>, records: &[Signed]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for work in work {
        work(&transaction)?;
    }
    for signed in records {
        records::write(&transaction, signed)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use tidegate_core::RootKey;
    use tidegate_core::store::{Body, RecordKey};

    use super::*;

    fn keys() -> StoreKeys {
        StoreKeys::new(&RootKey::from_bytes([1; 32]))
    }

    fn create(name: &str, size: usize) -> Change {
        Change::new().create(RecordKey::parse(name).unwrap(), Body::new(1, &"x".repeat(size)))
    }

    /// Makes changes in one batch; how each ended.
    fn commit(worker: &mut Worker, changes: Vec<Change>) -> Vec<Result<Revision, CommitError>> {
        let mut batch = Batch::default();
        let waiting: Vec<_> = changes
            .into_iter()
            .map(|change| {
                let (committed, done) = oneshot::channel();
                worker.add(&mut batch, Job::Change { change, committed });
                done
            })
            .collect();
        worker.write(batch);
        waiting.into_iter().map(|done| done.blocking_recv().unwrap()).collect()
    }

    #[test]
    fn a_full_disk_changes_nothing_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let published = Arc::new(Published::default());
        let connection = open::open(&path).unwrap();
        let mut worker = Worker::new(connection, &path, keys(), Arc::clone(&published)).unwrap();
        assert_eq!(commit(&mut worker, vec![create("zone/a", 10)])[0].as_ref().unwrap(), &Revision(1));
        let before = published.image();
        let pages: i64 = worker.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        worker.connection.pragma_update(None, "max_page_count", pages + 4).unwrap();
        // One that would fit goes under together with the one that does not.
        for error in commit(&mut worker, vec![create("zone/b", 10), create("zone/c", 700_000)]) {
            let error = error.unwrap_err();
            assert!(matches!(error, CommitError::Failed(_)), "{error:?}");
            assert!(error.to_string().contains("is the disk full"), "{error}");
        }
        assert_eq!(published.image(), before);
        // What fits goes on, from where it was.
        assert_eq!(commit(&mut worker, vec![create("zone/d", 10)])[0].as_ref().unwrap(), &Revision(2));
        drop(worker);
        let replay = records::load(&open::open(&path).unwrap(), keys()).unwrap();
        assert_eq!(replay.image(), &published.image());
        assert_eq!(replay.image().len(), 2);
    }
}
