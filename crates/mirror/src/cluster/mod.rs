//! One of the two clusters of a link: where its partitions are led, and connections to whoever leads them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_client::metadata::{self, TopicMetadata};
use tidegate_client::{AskError, ConnectError, ConnectOptions, Connection, Endpoint, connect};
use tidegate_wire::error_code::ErrorCode;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::calls::{Topic, TopicPartition};

/// What a broker says about its cluster is asked again at the earliest after this: elections take about as long.
const REFRESH: Duration = Duration::from_millis(250);

/// A cluster.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: Vec<Endpoint>,
    options: ConnectOptions,
    known: Mutex<Known>,
    /// One connection to each broker, for questions: one at a time.
    idle: Mutex<HashMap<Endpoint, Arc<Mutex<Option<Connection>>>>>,
}

#[derive(Debug, Default)]
struct Known {
    brokers: HashMap<i32, Endpoint>,
    topics: HashMap<String, TopicMetadata>,
    asked: Option<Instant>,
}

/// Why a cluster cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No broker of the configuration or of the cluster itself can be reached.
    #[error(
        "no broker can be reached: check the bootstrap servers, and whether this machine may connect to them"
    )]
    Unreachable(#[source] Option<ConnectError>),
    /// A broker does not answer.
    #[error("the cluster does not say where its partitions are")]
    Metadata(#[source] AskError),
    /// A topic or a partition that is not there, or has no leader.
    #[error("{at} is not to be had: {code}; it is looked for again, create it if it is missing")]
    Partition {
        /// Which.
        at: String,
        /// What the cluster says of it.
        code: ErrorCode,
    },
}

impl Cluster {
    /// A cluster that is reached over these brokers, the first that answers.
    #[must_use]
    pub fn new(bootstrap: Vec<Endpoint>, options: ConnectOptions) -> Self {
        Self { bootstrap, options, known: Mutex::default(), idle: Mutex::default() }
    }

    /// A connection of the caller's own to a broker.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self, broker: &Endpoint) -> Result<Connection, ConnectError> {
        connect(broker, &self.options).await
    }

    /// The broker that leads a partition.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn leader(&self, at: &TopicPartition) -> Result<Endpoint, ClusterError> {
        let mut known = self.known.lock().await;
        if let Some(leader) = known.leader(at) {
            return Ok(leader.clone());
        }
        self.refresh(&mut known, at.topic.name()).await?;
        known.leader(at).cloned().ok_or_else(|| known.missing(at))
    }

    /// The topic as the cluster has it now.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn topic(&self, name: &str) -> Result<TopicMetadata, ClusterError> {
        let mut known = self.known.lock().await;
        known.topics.remove(name);
        known.asked = None;
        self.refresh(&mut known, name).await?;
        known.topics.get(name).cloned().ok_or_else(|| ClusterError::Partition {
            at: name.to_owned(),
            code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        })
    }

    /// Forgets who leads the partitions of a topic: whoever was asked does not.
    pub async fn forget(&self, topic: &Topic) {
        self.known.lock().await.topics.remove(topic.name());
    }

    /// A broker to ask what is about no partition.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn any(&self) -> Result<Endpoint, ClusterError> {
        let mut known = self.known.lock().await;
        if known.brokers.is_empty() {
            self.refresh(&mut known, "").await?;
        }
        let broker = known.brokers.values().next().or(self.bootstrap.first());
        broker.cloned().ok_or(ClusterError::Unreachable(None))
    }

    /// The node id of some broker; none as long as the cluster has not told of any.
    pub(crate) async fn any_id(&self) -> Result<Option<i32>, ClusterError> {
        let mut known = self.known.lock().await;
        if known.brokers.is_empty() {
            self.refresh(&mut known, "").await?;
        }
        Ok(known.brokers.keys().next().copied())
    }

    /// The connection for questions to a broker; whoever has it has it alone.
    pub(crate) async fn questions(&self, broker: &Endpoint) -> Arc<Mutex<Option<Connection>>> {
        let mut idle = self.idle.lock().await;
        Arc::clone(idle.entry(broker.clone()).or_default())
    }

    async fn refresh(&self, known: &mut Known, topic: &str) -> Result<(), ClusterError> {
        if let Some(asked) = known.asked {
            tokio::time::sleep_until(asked + REFRESH).await;
        }
        known.asked = Some(Instant::now());
        let mut topics: Vec<String> = known.topics.keys().cloned().collect();
        if !topic.is_empty() {
            topics.push(topic.to_owned());
        }
        let mut connection = self.first(known).await?;
        let told = metadata::fetch(&mut connection, &topics).await.map_err(ClusterError::Metadata)?;
        known.brokers = told.brokers.into_iter().map(|broker| (broker.id, broker.endpoint)).collect();
        known.topics = told.topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
        Ok(())
    }

    /// A connection to whichever broker answers first; those that were told are as good as those of the configuration.
    async fn first(&self, known: &Known) -> Result<Connection, ClusterError> {
        let mut error = None;
        for broker in self.bootstrap.iter().chain(known.brokers.values()) {
            match self.connect(broker).await {
                Ok(connection) => return Ok(connection),
                Err(failed) => error = Some(failed),
            }
        }
        Err(ClusterError::Unreachable(error))
    }
}

impl Known {
    fn leader(&self, at: &TopicPartition) -> Option<&Endpoint> {
        let topic = self.topics.get(at.topic.name())?;
        // A topic that was made anew is another one.
        if at.topic.id().is_some_and(|id| !topic.id.is_nil() && id != topic.id) {
            return None;
        }
        let partition = topic.partitions.iter().find(|partition| partition.index == at.partition)?;
        self.brokers.get(&partition.leader?)
    }

    fn missing(&self, at: &TopicPartition) -> ClusterError {
        let topic = self.topics.get(at.topic.name());
        let code = match topic.map(|topic| topic.error) {
            Some(ErrorCode::NONE)
                if at.topic.id().is_some_and(|id| topic.is_some_and(|topic| topic.id != id)) =>
            {
                ErrorCode::UNKNOWN_TOPIC_ID
            }
            Some(ErrorCode::NONE) => ErrorCode::LEADER_NOT_AVAILABLE,
            Some(code) => code,
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        };
        ClusterError::Partition { at: at.to_string(), code }
    }
}
