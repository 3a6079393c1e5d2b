//! Facts in one SQLite file.
//!
//! One thread owns the connection. It takes every job that waits, writes them in one transaction and tells each caller
//! after the commit: however many partners wait, they share one flush of the disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Transaction, params};
use tidegate_core::facts::{Fact, Facts, FactsError, Pending, Timestamp, Unbound};
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
        let started =
            thread::Builder::new().name("state".to_owned()).spawn(move || serve(connection, &waiting));
        match started {
            Ok(_) => Ok(Self { jobs }),
            Err(error) => Err(OpenError::System { path: path.to_owned(), what: error.to_string() }),
        }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Pending<'_, T> {
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
fn serve(mut connection: Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let jobs: Vec<Job> =
            std::iter::once(first).chain(waiting.try_iter().take(MAX_TOGETHER - 1)).collect();
        let (work, callers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.work, job.committed)).unzip();
        let outcome = together(&mut connection, work).map_err(|error| FactsError(error.to_string()));
        for caller in callers {
            let _ = caller.send(outcome.clone());
        }
    }
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
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<'_, ()> {
        self.run(move |transaction| {
            for fact in &facts {
                match fact {
                    Fact::Producer { id, used } => transaction
                        .prepare_cached("INSERT OR REPLACE INTO producers (zone, id, used) VALUES (?1, ?2, ?3)")?
                        .execute(params![zone.as_bytes(), id, seconds(*used)])?,
                    Fact::Binding { group, backing, alias, used } => transaction
                        .prepare_cached(
                            "INSERT OR REPLACE INTO bindings (zone, consumer_group, backing, alias, used) VALUES (?1, ?2, ?3, ?4, ?5)",
                        )?
                        .execute(params![
                            zone.as_bytes(),
                            group,
                            backing.as_str(),
                            alias.as_str(),
                            seconds(*used)
                        ])?,
                };
            }
            Ok(())
        })
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<'_, Vec<(i64, Timestamp)>> {
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

    fn bindings(&self) -> Pending<'_, Vec<(ZoneId, Fact)>> {
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

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<'_, ()> {
        self.run(move |transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM bindings WHERE zone = ?1 AND consumer_group = ?2 AND backing = ?3",
            )?;
            for Unbound { group, backing } in &bindings {
                delete.execute(params![zone.as_bytes(), group, backing.as_str()])?;
            }
            Ok(())
        })
    }

    fn expire(&self, limit: Timestamp) -> Pending<'_, ()> {
        self.run(move |transaction| {
            transaction.execute("DELETE FROM producers WHERE used < ?1", [seconds(limit)])?;
            transaction.execute("DELETE FROM bindings WHERE used < ?1", [seconds(limit)])?;
            Ok(())
        })
    }
}

fn seconds(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or_default())
}
