//! The task that owns the log: it takes what the follower reads, and makes one change after another.
//!
//! ```text
//! change --> session (fences others) --> read to the end --> plan --> join, write, commit --> read back --> acknowledged
//!               ^                                                        |
//!               +------ any failure: a new session, read, look whether it was made, try again
//! ```
//!
//! Nothing is written by a session that was fenced, so what was planned on the end of the log still is its end when it is
//! committed.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_client::Connection;
use tidegate_core::store::{
    Change, ChangeError, CommitError, Kind, MAX_WRITES, RecordKey, Revision, StoreError, StoreKeys,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::KafkaStoreOptions;
use super::error::KafkaStoreError;
use super::fetch::Isolation;
use super::follow::{Followed, Follower};
use super::log::{BLOCKED, Log, Outcome};
use super::session::Session;
use super::status::Status;
use super::{cluster, format};
use crate::published::Published;
use crate::random;

/// Between attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Between attempts to read the topic anew after something in it was lost.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// What a caller wants.
pub(super) struct Job {
    pub(super) change: Change,
    pub(super) committed: oneshot::Sender<Result<Revision, CommitError>>,
}

pub(super) struct Worker {
    options: Arc<KafkaStoreOptions>,
    keys: StoreKeys,
    log: Log,
    leader: Option<Connection>,
    session: Option<Session>,
    follower: Follower,
    /// Since when something that others wrote has lain in front of a good record.
    hidden: Option<Instant>,
    /// Since when an open transaction has kept the end back.
    blocked: Option<Instant>,
    /// What is wrong with the topic, and when it was last read anew for it.
    lost: Option<(KafkaStoreError, Option<Instant>)>,
    published: Arc<Published>,
    status: Arc<Status>,
}

/// Why an attempt did not end with a change.
enum Failure {
    /// The change is wrong, or somebody was faster.
    Change(ChangeError),
    /// It was made or not, and nobody can tell any more.
    Unknown,
    Kafka(KafkaStoreError),
    System(StoreError),
}

impl From<KafkaStoreError> for Failure {
    fn from(error: KafkaStoreError) -> Self {
        Self::Kafka(error)
    }
}

impl Worker {
    /// A worker that has read the whole topic.
    pub(super) async fn start(
        options: KafkaStoreOptions,
        keys: StoreKeys,
        published: Arc<Published>,
        status: Arc<Status>,
    ) -> Result<Self, KafkaStoreError> {
        let mut leader = cluster::leader(&options).await?;
        let (log, session) = match Log::load(&mut leader, &options.topic, keys.clone(), None).await {
            // What a writer left open that died is ended by the next one.
            Err(KafkaStoreError::Blocked(topic)) => {
                let session = Session::begin(&options).await?;
                (Log::load(&mut leader, &topic, keys.clone(), None).await?, Some(session))
            }
            log => (log?, None),
        };
        let options = Arc::new(options);
        let follower = Follower::start(Arc::clone(&options), Isolation::Committed, log.position());
        let worker = Self {
            options,
            keys,
            log,
            leader: Some(leader),
            session,
            follower,
            hidden: None,
            blocked: None,
            lost: None,
            published,
            status,
        };
        worker.tell();
        Ok(worker)
    }

    /// Until the store is dropped.
    pub(super) async fn serve(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        loop {
            tokio::select! {
                job = jobs.recv() => {
                    let Some(job) = job else { return };
                    let outcome = self.commit(&job.change).await;
                    self.tell();
                    // Who asked may be gone; the change is made all the same.
                    let _ = job.committed.send(outcome);
                }
                followed = self.follower.followed.recv() => {
                    self.followed(followed).await;
                    self.mend().await;
                }
            }
        }
    }

    async fn followed(&mut self, followed: Option<Followed>) {
        match followed {
            Some(Followed::Fetched(fetched)) if self.lost.is_none() => {
                self.unblock(fetched.is_blocked).await;
                if let Err(lost) = self.log.take(fetched) {
                    self.lose(KafkaStoreError::Lost { topic: self.options.topic.clone(), lost });
                }
            }
            Some(Followed::Fetched(_)) => {}
            Some(Followed::Gone) => {
                let what = "it was cut or made anew".to_owned();
                self.lose(KafkaStoreError::Topic { topic: self.options.topic.clone(), what });
            }
            // It ends only by a fault; another one goes on where the log is.
            None => {
                sleep(PAUSE).await;
                self.follower =
                    Follower::start(Arc::clone(&self.options), Isolation::Committed, self.log.position());
            }
        }
        if self.lost.as_ref().is_some_and(|(_, tried)| tried.is_none_or(|at| at.elapsed() >= RELOAD_EVERY))
            && let Err(error) = self.reload().await
        {
            self.lose(error);
        }
        self.tell();
    }

    /// Writes good records again that others wrote something in front of.
    async fn mend(&mut self) {
        let image = self.log.image();
        let named = self.log.replay().alarms_by_name().filter_map(|name| RecordKey::parse(name).ok());
        let named: Vec<_> = named.collect();
        let hidden = named.iter().filter_map(|key| image.get(key).cloned());
        let mut hidden: Vec<_> = hidden.take(MAX_WRITES).collect();
        if hidden.is_empty() && named.iter().any(|key| *key.kind() == Kind::HEAD) {
            // The word of the last change comes with any change.
            hidden.extend(image.iter().next().cloned());
        }
        if hidden.is_empty() {
            self.hidden = None;
            return;
        }
        let since = *self.hidden.get_or_insert_with(Instant::now);
        if since.elapsed() < self.options.mend_after {
            return;
        }
        self.hidden = None;
        tracing::warn!(
            records = hidden.len(),
            "good records are written again, in front of what others wrote"
        );
        let change =
            hidden.iter().fold(Change::new(), |change, record| change.update(record, record.body.clone()));
        // Another replica may be faster; then that is what was wanted.
        if let Err(error) = self.commit(&change).await {
            tracing::info!(%error, "good records are not written again");
        }
        self.tell();
    }

    /// Ends what a writer left open that died, as nobody may write for a long time.
    async fn unblock(&mut self, is_blocked: bool) {
        let since = *self.blocked.get_or_insert_with(Instant::now);
        if !is_blocked {
            self.blocked = None;
        } else if since.elapsed() >= BLOCKED {
            // If it is somebody else's, nothing comes of it; then it is not tried all the time.
            self.blocked = Some(Instant::now() + RELOAD_EVERY);
            match timeout(self.options.connect.request_timeout, Session::begin(&self.options)).await {
                Ok(Ok(session)) => self.session = Some(session),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "cannot end a transaction that is open in the store's topic");
                }
                Err(_) => {
                    tracing::warn!("cannot end a transaction that is open in the store's topic: no answer");
                }
            }
        }
    }

    /// Remembers that the log cannot go on; the image stays as it was, and grows old.
    fn lose(&mut self, error: KafkaStoreError) {
        tracing::error!(%error, "the store cannot be read");
        let tried = self.lost.take().map(|_| Instant::now());
        self.lost = Some((error, tried));
    }

    /// Reads the whole topic anew.
    async fn reload(&mut self) -> Result<(), KafkaStoreError> {
        let topic = &self.options.topic;
        let mut leader = cluster::leader(&self.options).await?;
        let log = Log::load(&mut leader, topic, self.keys.clone(), self.log.watched()).await?;
        let (before, after) = (self.published.image().revision(), log.image().revision());
        if after < before {
            let what = format!(
                "it ends with revision {after}, and revision {before} was there: it was cut or made anew; restore a backup and start again"
            );
            return Err(KafkaStoreError::Topic { topic: topic.clone(), what });
        }
        self.follower = Follower::start(Arc::clone(&self.options), Isolation::Committed, log.position());
        self.log = log;
        self.leader = Some(leader);
        self.lost = None;
        tracing::info!(topic = self.options.topic, revision = %after, "the store was read anew");
        Ok(())
    }

    /// Tells everybody what is known.
    fn tell(&self) {
        let image = self.log.image();
        if self.published.image().revision() < image.revision() {
            self.published.publish(Arc::clone(image));
        }
        let lost = self.lost.as_ref().map(|(error, _)| error.to_string());
        self.status.tell(self.log.confirmed(), self.log.replay().alarms().map(str::to_owned).chain(lost));
    }

    /// Makes a change, however often that must be tried.
    async fn commit(&mut self, change: &Change) -> Result<Revision, CommitError> {
        let deadline = Instant::now() + self.options.commit_deadline;
        let mut last = StoreError("no broker answered".to_owned());
        loop {
            let failure = match timeout_at(deadline, self.attempt(change)).await {
                Ok(Ok(revision)) => return Ok(revision),
                Ok(Err(Failure::Change(error))) => return Err(CommitError::Change(error)),
                Ok(Err(Failure::Unknown)) => return Err(CommitError::Unknown(last)),
                Ok(Err(Failure::System(error))) => return Err(CommitError::Failed(error)),
                Ok(Err(Failure::Kafka(error))) => Some(error),
                Err(_) => None,
            };
            let is_over =
                failure.as_ref().is_none_or(KafkaStoreError::is_final) || Instant::now() + PAUSE >= deadline;
            if let Some(error) = failure {
                tracing::warn!(%error, "a change is not made yet");
                last = StoreError(error.to_string());
                if matches!(error, KafkaStoreError::Lost { .. }) {
                    self.lose(error);
                }
            }
            if is_over {
                // Nobody will ask for it again.
                return Err(match self.log.watched() {
                    Some(_) => {
                        self.log.settle();
                        CommitError::Unknown(last)
                    }
                    None => CommitError::Failed(last),
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// Makes a change on what this replica reads at the end. A session and a connection that failed are not kept.
    async fn attempt(&mut self, change: &Change) -> Result<Revision, Failure> {
        let (mut session, mut leader) = self.take_write().await?;
        self.log.catch_up(&mut leader, &self.options.topic).await?;
        match self.log.settle() {
            Some((revision, Outcome::Made)) => return Ok(revision),
            Some((_, Outcome::Unknown)) => return Err(Failure::Unknown),
            Some((_, Outcome::NotMade)) | None => {}
        }
        let producer = session.producer();
        let id = producer.change_id(random::bytes().map_err(Failure::System)?);
        let records = match self.log.replay().plan(change, id) {
            Ok(records) => records,
            Err(error) => {
                (self.session, self.leader) = (Some(session), Some(leader));
                return Err(Failure::Change(error));
            }
        };
        let batches = format::batches(&records, producer, session.sequence(), now_ms())?;
        if !format::reads_back(&batches, &records, producer) {
            let what = "what would be written could not be read again".to_owned();
            return Err(KafkaStoreError::Batch(what).into());
        }
        let write = async {
            session.join().await?;
            for (batch, count) in batches {
                session.write(&mut leader, batch, count).await?;
            }
            Ok::<_, KafkaStoreError>(())
        };
        self.meanwhile(write).await?;
        self.log.watch(self.log.image().revision().next(), id);
        self.meanwhile(session.commit()).await?;
        // Who is told of its end must find it here.
        self.log.catch_up(&mut leader, &self.options.topic).await?;
        match self.log.settle() {
            Some((revision, Outcome::Made)) => {
                (self.session, self.leader) = (Some(session), Some(leader));
                Ok(revision)
            }
            // A leader that lost what another had: it is tried again, on what is there now.
            Some((_, Outcome::NotMade)) => {
                Err(KafkaStoreError::Unreadable(self.options.topic.clone()).into())
            }
            Some((_, Outcome::Unknown)) | None => Err(Failure::Unknown),
        }
    }

    /// The right to write and a way to do so, as they are or new.
    async fn take_write(&mut self) -> Result<(Session, Connection), Failure> {
        if self.lost.is_some() {
            self.reload().await?;
        }
        let options = Arc::clone(&self.options);
        let session = match self.session.take() {
            Some(session) => session,
            None => self.meanwhile(Session::begin(&options)).await?,
        };
        let leader = match self.leader.take() {
            Some(leader) => leader,
            None => self.meanwhile(cluster::leader(&options)).await?,
        };
        Ok((session, leader))
    }

    /// Goes on reading while something takes its time: a replica that waits to write must not look as if it were cut off.
    async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = Result<T, KafkaStoreError>>,
    ) -> Result<T, KafkaStoreError> {
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                Some(Followed::Fetched(fetched)) = self.follower.followed.recv(), if self.lost.is_none() => {
                    if let Err(lost) = self.log.take(fetched) {
                        self.lose(KafkaStoreError::Lost { topic: self.options.topic.clone(), lost });
                    }
                    self.tell();
                }
            }
        };
        // Nothing is written behind what cannot be read; the next attempt reads it anew.
        match &self.lost {
            Some(_) => Err(KafkaStoreError::Unreadable(self.options.topic.clone())),
            None => done,
        }
    }
}

/// Milliseconds since 1970, for people who look into the topic.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
