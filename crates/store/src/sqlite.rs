//! Facts in one SQLite file.
//!
//! One thread owns the connection. It takes every job that waits, writes them in one transaction and tells each caller
//! after the commit: however many partners wait, they share one flush of the disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Transaction, params};
use tidegate_core::facts::{BINDING_RETENTION_S, Fact, Facts, FactsError, Pending, Timestamp, Unbound};
use tidegate_core::{Alias, BackingTopic, ZoneId};
use tokio::sync::oneshot;

use crate::open::{OpenError, open};

/// Jobs written in one transaction, so that the first of a flood does not wait for the last.
const MAX_TOGETHER: usize = 256;

/// Facts in a file that this process owns.
#[derive(Debug)]
pub struct SqliteFacts {
    jobs: Sender<Job>,
}

/// What a caller wants done inside a transaction.
type Work = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

struct Job {
    work: Work,
    committed: oneshot::Sender<Result<(), FactsError>>,
}

impl SqliteFacts {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open(path)?;
        let (jobs, waiting) = channel();
        let file = path.to_owned();
        let started =
            thread::Builder::new().name("state".to_owned()).spawn(move || serve(connection, &waiting, &file));
        match started {
            Ok(_) => Ok(Self { jobs }),
            Err(error) => Err(OpenError::System { path: path.to_owned(), what: error.to_string() }),
        }
    }

    fn run<T: Send + 'static>(
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
        let sent = self.jobs.send(Job { work, committed });
        Box::pin(async move {
            sent.map_err(|_| gone())?;
            done.await.map_err(|_| gone())??;
            found.await.map_err(|_| gone())
        })
    }
}

fn gone() -> FactsError {
    FactsError("its thread has ended".to_owned())
}

/// The thread: until the last caller is gone.
fn serve(mut connection: Connection, waiting: &Receiver<Job>, file: &Path) {
    while let Ok(first) = waiting.recv() {
        let jobs = std::iter::once(first).chain(waiting.try_iter().take(MAX_TOGETHER - 1));
        // Whoever waits no longer has been told that it failed: it must not happen behind their back.
        let (work, callers): (Vec<_>, Vec<_>) =
            jobs.filter(|job| !job.committed.is_closed()).map(|job| (job.work, job.committed)).unzip();
        let outcome = together(&mut connection, work).map_err(|error| failed(file, &error));
        for caller in callers {
            let _ = caller.send(outcome.clone());
        }
    }
}

fn failed(file: &Path, error: &rusqlite::Error) -> FactsError {
    FactsError(format!("{}: {error} (is the disk full, or the file gone?)", file.display()))
}

/// All of it or nothing.
fn together(connection: &mut Connection, work: Vec<Work>) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for work in work {
        work(&transaction)?;
    }
    transaction.commit()
}

impl Facts for SqliteFacts {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>> {
        self.run(move |transaction| facts.into_iter().map(|fact| keep(transaction, zone, fact)).collect())
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>> {
        self.run(move |transaction| {
            let mut find =
                transaction.prepare_cached("SELECT used FROM producers WHERE zone = ?1 AND id = ?2")?;
            let mut found = Vec::new();
            for id in ids {
                let mut rows = find.query(params![zone.as_bytes(), id])?;
                if let Some(row) = rows.next()? {
                    found.push((id, timestamp(row.get(0)?)));
                }
            }
            Ok(found)
        })
    }

    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>> {
        self.run(|transaction| {
            let mut all = transaction
                .prepare_cached("SELECT zone, consumer_group, backing, alias, used FROM bindings")?;
            let rows = all.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                    row.get(4)?,
                ))
            })?;
            let mut bindings = Vec::new();
            for row in rows {
                let (zone, group, backing, alias, used) = row?;
                // Names are written as parsed; one that an older program allowed and this one does not binds nothing.
                if let (Ok(backing), Ok(alias)) = (BackingTopic::parse(&backing), Alias::parse(&alias)) {
                    let used = timestamp(used);
                    bindings.push((ZoneId::from_bytes(zone), Fact::Binding { group, backing, alias, used }));
                }
            }
            Ok(bindings)
        })
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()> {
        self.run(move |transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM bindings WHERE zone = ?1 AND consumer_group = ?2 AND backing = ?3 AND alias = ?4",
            )?;
            for Unbound { group, backing, alias } in &bindings {
                delete.execute(params![zone.as_bytes(), group, backing.as_str(), alias.as_str()])?;
            }
            Ok(())
        })
    }

    fn expire(&self, limit: Timestamp) -> Pending<()> {
        self.run(move |transaction| {
            transaction.execute("DELETE FROM producers WHERE used < ?1", [seconds(limit)])?;
            transaction.execute("DELETE FROM bindings WHERE used < ?1", [seconds(limit)])?;
            Ok(())
        })
    }
}

/// One fact, as it stands then.
fn keep(transaction: &Transaction<'_>, zone: ZoneId, fact: Fact) -> rusqlite::Result<Fact> {
    match fact {
        Fact::Producer { id, used } => {
            let mut keep = transaction
                .prepare_cached("INSERT OR REPLACE INTO producers (zone, id, used) VALUES (?1, ?2, ?3)")?;
            keep.execute(params![zone.as_bytes(), id, seconds(used)])?;
            Ok(fact)
        }
        Fact::Binding { group, backing, alias, used } => {
            let mut keep = transaction.prepare_cached(BIND)?;
            let retention = i64::try_from(BINDING_RETENTION_S).unwrap_or(i64::MAX);
            let key = (zone.as_bytes(), &group, backing.as_str());
            keep.execute(params![key.0, key.1, key.2, alias.as_str(), seconds(used), retention])?;
            let mut find = transaction.prepare_cached(
                "SELECT alias, used FROM bindings WHERE zone = ?1 AND consumer_group = ?2 AND backing = ?3",
            )?;
            let (bound, used): (String, i64) =
                find.query_row(params![key.0, key.1, key.2], |row| Ok((row.get(0)?, row.get(1)?)))?;
            // What is bound was parsed before it was written.
            let alias = Alias::parse(&bound).unwrap_or(alias);
            Ok(Fact::Binding { group, backing, alias, used: timestamp(used) })
        }
    }
}

/// The first alias stands, unless it is out of use.
const BIND: &str = "
INSERT INTO bindings (zone, consumer_group, backing, alias, used) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET alias = excluded.alias, used = excluded.used
WHERE bindings.alias = excluded.alias OR bindings.used <= excluded.used - ?6
";

fn seconds(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or_default())
}
