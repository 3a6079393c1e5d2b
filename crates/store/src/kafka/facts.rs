//! Facts in a topic that replicas share.
//!
//! No transaction and no lock: a fact is written, read back in the order of the log, and what stands then is the same for
//! everybody ([`SharedFacts`]). What waits together is written together. A producer id that is not known here may have been
//! issued by another replica a moment ago, so the end of the topic is read before it is refused.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use tidegate_client::Connection;
use tidegate_core::facts::{
    Fact, FactError, FactKeys, FactRecord, Facts, FactsError, Pending, SharedFacts, Timestamp, Unbound,
};
use tidegate_core::{CredentialId, ZoneId};
use tidegate_wire::record::Record;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::KafkaStoreOptions;
use super::cluster;
use super::error::KafkaStoreError;
use super::fetch::{Fetched, Isolation, earliest, fetch};
use super::follow::{Followed, Follower};
use super::produce::{Said, batch, fitting, produce};
use super::topic::{self, Content};
use super::worker::now_ms;

const SIGNATURE: &str = "signature";

/// Jobs that are written together; each is some facts of some hundred bytes.
const MAX_TOGETHER: usize = 256;

/// How long a job is tried for; whoever waits has given up before.
const DEADLINE: Duration = Duration::from_secs(10);

/// Between attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Facts in a topic.
pub struct KafkaFacts {
    jobs: mpsc::UnboundedSender<Job>,
    known: Arc<Mutex<SharedFacts>>,
    keys: FactKeys,
    worker: JoinHandle<()>,
}

/// Writes records, if any, and reads to the end.
struct Job {
    records: Vec<FactRecord>,
    /// Who waits; `None` when nobody does.
    done: Option<oneshot::Sender<Result<(), FactsError>>>,
}

impl KafkaFacts {
    /// Opens the topic of `options`, or makes it, and reads all of it. It drops by itself what was not in use for
    /// `retention`, which must be longer than any fact is good for.
    ///
    /// # Errors
    /// [`KafkaStoreError`].
    pub async fn open(
        options: KafkaStoreOptions,
        keys: FactKeys,
        retention: Duration,
    ) -> Result<Self, KafkaStoreError> {
        topic::prepare(&options, Content::Facts(retention)).await?;
        let options = Arc::new(options);
        let mut leader = cluster::leader(&options).await?;
        let position = earliest(&mut leader, &options.topic).await?;
        let known = Arc::new(Mutex::new(SharedFacts::default()));
        let mut log = Log { keys: keys.clone(), known: Arc::clone(&known), position, foreign: 0 };
        log.catch_up(&mut leader, &options.topic).await?;
        let follower = Follower::start(Arc::clone(&options), Isolation::Uncommitted, log.position);
        let (jobs, waiting) = mpsc::unbounded_channel();
        let worker = Worker { options, log, leader: Some(leader), follower };
        let worker = tokio::spawn(worker.serve(waiting));
        Ok(Self { jobs, known, keys, worker })
    }

    fn known<T>(known: &Mutex<SharedFacts>, look: impl FnOnce(&mut SharedFacts) -> T) -> T {
        look(&mut known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes records and reads to the end.
    fn job(&self, records: Vec<FactRecord>) -> impl Future<Output = Result<(), FactsError>> + Send + use<> {
        let (done, ended) = oneshot::channel();
        let sent = self.jobs.send(Job { records, done: Some(done) });
        async move {
            sent.map_err(|_| FactsError(GONE.to_owned()))?;
            ended.await.map_err(|_| FactsError(GONE.to_owned()))?
        }
    }
}

const GONE: &str = "its task has ended";

impl Facts for KafkaFacts {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>> {
        let stated = Self::known(&self.known, |known| {
            facts.iter().filter_map(|fact| known.state(&self.keys, zone, fact)).collect()
        });
        let (job, known, keys, jobs) =
            (self.job(stated), Arc::clone(&self.known), self.keys.clone(), self.jobs.clone());
        Box::pin(async move {
            job.await?;
            let standing: Vec<Fact> = Self::known(&known, |known| {
                facts.iter().map(|fact| known.standing(zone, fact.clone())).collect()
            });
            // Who lost says so, or it would win once the first is given up.
            let lost = facts.iter().zip(&standing).filter_map(|pair| lost(pair.0, pair.1));
            let records: Vec<_> =
                lost.filter_map(|unbound| SharedFacts::take_back(&keys, zone, &unbound)).collect();
            if !records.is_empty() {
                let _ = jobs.send(Job { records, done: None });
            }
            Ok(standing)
        })
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>> {
        let find = move |known: &SharedFacts, ids: &[i64]| -> Vec<(i64, Timestamp)> {
            ids.iter().filter_map(|id| Some((*id, known.producer(zone, *id)?))).collect()
        };
        let found = Self::known(&self.known, |known| find(known, &ids));
        if found.len() == ids.len() {
            return Box::pin(std::future::ready(Ok(found)));
        }
        let (job, known) = (self.job(Vec::new()), Arc::clone(&self.known));
        Box::pin(async move {
            job.await?;
            Ok(Self::known(&known, |known| find(known, &ids)))
        })
    }

    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>> {
        let bindings = Self::known(&self.known, |known| known.bindings().collect());
        Box::pin(std::future::ready(Ok(bindings)))
    }

    fn logins(&self, zone: ZoneId) -> Pending<Vec<(CredentialId, Timestamp)>> {
        let logins = Self::known(&self.known, |known| known.logins(zone).collect());
        Box::pin(std::future::ready(Ok(logins)))
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()> {
        let records = bindings.iter().filter_map(|unbound| SharedFacts::take_back(&self.keys, zone, unbound));
        Box::pin(self.job(records.collect()))
    }

    fn expire(&self, limit: Timestamp) -> Pending<()> {
        Self::known(&self.known, |known| known.expire(limit));
        // The topic forgets by itself; that it can be reached is what is asked for besides.
        Box::pin(self.job(Vec::new()))
    }
}

/// A claim that another one stands against.
fn lost(stated: &Fact, standing: &Fact) -> Option<Unbound> {
    match (stated, standing) {
        (Fact::Binding { group, backing, alias, .. }, Fact::Binding { alias: first, .. })
            if alias != first =>
        {
            Some(Unbound { group: group.clone(), backing: backing.clone(), alias: alias.clone() })
        }
        _ => None,
    }
}

impl Drop for KafkaFacts {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl fmt::Debug for KafkaFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KafkaFacts")
    }
}

/// The topic up to a position.
struct Log {
    keys: FactKeys,
    known: Arc<Mutex<SharedFacts>>,
    position: i64,
    /// Records that are not ours, of which some are told.
    foreign: u64,
}

impl Log {
    async fn catch_up(&mut self, leader: &mut Connection, topic: &str) -> Result<(), KafkaStoreError> {
        loop {
            let fetched = fetch(leader, topic, self.position, Isolation::Uncommitted, Duration::ZERO).await?;
            let is_end = fetched.is_end;
            self.take(fetched);
            if is_end {
                return Ok(());
            }
        }
    }

    fn take(&mut self, fetched: Fetched) {
        let Self { keys, known, position, foreign } = self;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        for line in fetched.lines.iter().filter(|line| line.offset >= *position) {
            let record = line.record.as_ref().ok().and_then(fact);
            let taken = record.map(|record| known.take(keys, line.offset, &record));
            // One of a later version is signed, and says what this one need not know.
            if !matches!(taken, Some(Ok(()) | Err(FactError::Unknown(_)))) {
                *foreign += 1;
                if foreign.is_power_of_two() {
                    tracing::error!(
                        offset = line.offset,
                        count = *foreign,
                        "a record in the topic of facts is not this installation's: it is passed over"
                    );
                }
            }
        }
        *position = (*position).max(fetched.next);
    }
}

/// A record of the topic as a fact.
fn fact(record: &Record) -> Option<FactRecord> {
    let signature = record.headers.iter().find(|(name, _)| name == SIGNATURE.as_bytes());
    Some(FactRecord {
        key: record.key.as_deref()?.to_vec(),
        value: record.value.as_deref().map(<[u8]>::to_vec),
        signature: signature?.1.as_deref()?.try_into().ok()?,
    })
}

struct Worker {
    options: Arc<KafkaStoreOptions>,
    log: Log,
    leader: Option<Connection>,
    follower: Follower,
}

impl Worker {
    async fn serve(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        loop {
            tokio::select! {
                job = jobs.recv() => {
                    let Some(first) = job else { return };
                    let mut together = vec![first];
                    while together.len() < MAX_TOGETHER && let Ok(job) = jobs.try_recv() {
                        together.push(job);
                    }
                    self.work(together).await;
                }
                followed = self.follower.followed.recv() => match followed {
                    Some(Followed::Fetched(fetched)) => self.log.take(fetched),
                    // What was there is known; what comes is read from where the topic begins now.
                    Some(Followed::Gone) => self.begin_anew().await,
                    // It ends only by a fault; another one goes on where the log is.
                    None => {
                        sleep(PAUSE).await;
                        let (options, position) = (Arc::clone(&self.options), self.log.position);
                        self.follower = Follower::start(options, Isolation::Uncommitted, position);
                    }
                },
            }
        }
    }

    /// After somebody cut the topic or made it anew.
    async fn begin_anew(&mut self) {
        tracing::error!(topic = self.options.topic, "the topic of facts was cut or made anew");
        if let Ok(mut leader) = cluster::leader(&self.options).await
            && let Ok(position) = earliest(&mut leader, &self.options.topic).await
        {
            self.log.position = position;
            self.leader = Some(leader);
            self.follower = Follower::start(Arc::clone(&self.options), Isolation::Uncommitted, position);
        }
    }

    async fn work(&mut self, mut jobs: Vec<Job>) {
        // Whoever waits no longer has been told that it failed: it must not happen behind their back, nor keep others waiting.
        jobs.retain(|job| job.done.as_ref().is_none_or(|done| !done.is_closed()));
        if jobs.is_empty() {
            return;
        }
        let records: Vec<FactRecord> = jobs.iter().flat_map(|job| job.records.iter().cloned()).collect();
        let begin = Instant::now();
        let outcome = loop {
            match self.attempt(&records).await {
                Ok(()) => break Ok(()),
                Err(error) => {
                    self.leader = None;
                    if error.is_final() || begin.elapsed() > DEADLINE {
                        break Err(FactsError(error.to_string()));
                    }
                    tracing::warn!(%error, "facts are not kept yet");
                    sleep(PAUSE).await;
                }
            }
        };
        for job in jobs {
            if let Some(done) = job.done {
                // Who asked may be gone.
                let _ = done.send(outcome.clone());
            }
        }
    }

    async fn attempt(&mut self, records: &[FactRecord]) -> Result<(), KafkaStoreError> {
        let leader = match &mut self.leader {
            Some(leader) => leader,
            None => self.leader.insert(cluster::leader(&self.options).await?),
        };
        // One that is written twice says the same twice.
        let mut rest = records;
        while !rest.is_empty() {
            let (some, after) = rest.split_at(fitting(rest.iter().map(size)));
            let batch = batch(some.iter().map(said), None, now_ms())?;
            produce(leader, &self.options.topic, None, batch).await?;
            rest = after;
        }
        self.log.catch_up(leader, &self.options.topic).await
    }
}

fn size(record: &FactRecord) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Vec::len)
}

fn said(record: &FactRecord) -> Said {
    let signature = Bytes::copy_from_slice(&record.signature);
    Said {
        key: Bytes::copy_from_slice(&record.key),
        value: record.value.as_deref().map(Bytes::copy_from_slice),
        headers: IndexMap::from([(StrBytes::from_static_str(SIGNATURE), Some(signature))]),
    }
}
