//! Records in a compacted topic of one partition, shared by any number of replicas.
//!
//! Kafka has no compare-and-set. A writer takes the store's transactional id, which fences every other, reads to the end,
//! compares, and writes all records of a change in one transaction; readers are read_committed. Every record is signed:
//! what others write into the topic is ignored and told ([`Store::alarms`]).
//!
//! `options` say where, `topic` makes and checks it, `session` and `produce` write, `fetch` and `follow` read, `format` is how a record
//! lies there, `log` is what was read, `worker` owns it all. `facts` is a second topic,
//! without transactions, for what partners' requests must make durable.

mod cluster;
mod error;
mod facts;
mod fetch;
mod follow;
mod format;
mod log;
mod options;
mod produce;
mod session;
mod status;
mod topic;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::store::{Answer, Change, CommitError, Image, Revision, Store, StoreError, StoreKeys};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::status::Status;
use self::worker::{Job, Worker};
use crate::published::Published;

pub use self::error::KafkaStoreError;
pub use self::facts::KafkaFacts;
pub use self::options::KafkaStoreOptions;

/// Records in a topic of the user's own Kafka.
pub struct KafkaStore {
    jobs: mpsc::UnboundedSender<Job>,
    published: Arc<Published>,
    status: Arc<Status>,
    worker: JoinHandle<()>,
}

impl KafkaStore {
    /// Opens the topic, or makes it, and reads all of it. The records in it must be signed with `keys`.
    ///
    /// Works on the runtime that it is called on, until it is dropped.
    ///
    /// # Errors
    /// [`KafkaStoreError`].
    pub async fn open(options: KafkaStoreOptions, keys: StoreKeys) -> Result<Self, KafkaStoreError> {
        topic::prepare(&options, topic::Content::Records).await?;
        let (published, status) = (Arc::new(Published::default()), Arc::new(Status::new()));
        let worker = Worker::start(options, keys, Arc::clone(&published), Arc::clone(&status)).await?;
        let (jobs, waiting) = mpsc::unbounded_channel();
        let worker = tokio::spawn(worker.serve(waiting));
        Ok(Self { jobs, published, status, worker })
    }
}

const GONE: &str = "its task has ended";

impl Store for KafkaStore {
    fn image(&self) -> Arc<Image> {
        self.published.image()
    }

    fn later(&self, than: Revision) -> Answer<Arc<Image>> {
        self.published.later(than)
    }

    fn commit(&self, change: Change) -> Answer<Revision, CommitError> {
        let (committed, done) = oneshot::channel();
        let sent = self.jobs.send(Job { change, committed });
        Box::pin(async move {
            sent.map_err(|_| CommitError::Failed(StoreError(GONE.to_owned())))?;
            done.await.map_err(|_| CommitError::Unknown(StoreError(GONE.to_owned())))?
        })
    }

    fn behind(&self) -> Duration {
        self.status.behind()
    }

    fn alarms(&self) -> Vec<String> {
        self.status.alarms()
    }
}

impl Drop for KafkaStore {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl fmt::Debug for KafkaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaStore").field("revision", &self.image().revision()).finish_non_exhaustive()
    }
}
