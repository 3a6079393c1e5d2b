//! One of the two clusters of a link: where its partitions are led, and connections to whoever leads them.
//!
//! What is known is looked up without waiting. What is not is asked for by one at a time, and all who look for something meanwhile
//! have the same answer: a broker that does not answer holds up nobody who does not need it.

mod error;
mod idle;
mod known;
mod refresh;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_client::metadata::TopicMetadata;
use tidegate_client::{ConnectError, ConnectOptions, Connection, Endpoint, connect};
use tidegate_wire::error_code::ErrorCode;

pub use error::ClusterError;
pub(crate) use idle::Turn;

use crate::calls::{Topic, TopicPartition};
use idle::Idle;
use known::Known;
use refresh::{Pace, Refreshes};

/// A cluster.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: Vec<Endpoint>,
    options: Arc<ConnectOptions>,
    /// Never held while a broker is waited for.
    known: Mutex<Known>,
    refreshes: Refreshes,
    idle: Idle,
}

impl Cluster {
    /// A cluster that is reached over these brokers, the first that answers.
    #[must_use]
    pub fn new(bootstrap: Vec<Endpoint>, options: ConnectOptions) -> Self {
        Self {
            bootstrap,
            options: Arc::new(options),
            known: Mutex::default(),
            refreshes: Refreshes::default(),
            idle: Idle::default(),
        }
    }

    /// A connection of the caller's own to a broker.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self, broker: &Endpoint) -> Result<Connection, ConnectError> {
        let connection = connect(broker, &self.options).await;
        match &connection {
            Ok(_) => self.known().reached(broker),
            Err(_) => self.known().failed(broker),
        }
        connection
    }

    /// The broker that leads a partition.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn leader(&self, at: &TopicPartition) -> Result<Endpoint, ClusterError> {
        let leader = self.look_up(Some(at.topic.name()), Pace::Common, |known| known.leader(at)).await?;
        leader.ok_or_else(|| self.known().missing(at))
    }

    /// The broker that leads a partition, if that is known.
    pub(crate) fn known_leader(&self, at: &TopicPartition) -> Option<Endpoint> {
        self.known().leader(at)
    }

    /// The topic as the cluster has it now.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn topic(&self, name: &str) -> Result<TopicMetadata, ClusterError> {
        let begun = self.known().now().begun;
        let topic = self.look_up(Some(name), Pace::AtOnce, |known| known.topic_behind(begun, name)).await?;
        topic.ok_or_else(|| ClusterError::Partition {
            at: name.to_owned(),
            code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        })
    }

    /// Forgets who leads the partitions of a topic: whoever was asked does not.
    pub fn forget(&self, topic: &Topic) {
        self.known().forget(topic.name());
    }

    /// A broker to ask what is about no partition.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn any(&self) -> Result<Endpoint, ClusterError> {
        let any = self.look_up(None, Pace::Common, |known| known.any()).await?;
        let broker = any.map(|(_, broker)| broker).or_else(|| self.bootstrap.first().cloned());
        broker.ok_or(ClusterError::Unreachable(None))
    }

    /// The node id of some broker; none as long as the cluster has not told of any.
    pub(crate) async fn any_id(&self) -> Result<Option<i32>, ClusterError> {
        let any = self.look_up(None, Pace::Common, |known| known.any()).await?;
        Ok(any.map(|(id, _)| id))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
