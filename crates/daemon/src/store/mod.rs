//! Where a daemon keeps its records.

mod open;
mod read;

use tidegate_core::store::{SealError, Sealer, SealingKey};
use tidegate_core::{ClusterName, RootKey};

pub use open::{StoreParts, open_file, open_store, open_topic, topic_options};
pub use read::read;

/// What the name of the topic of facts has behind that of the store.
pub const FACTS: &str = "-facts";

/// Where records are kept, and what seals the secrets in there.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where.
    pub kind: StoreKind,
    /// What seals; `None` is a key derived from the root key.
    pub sealing_key: Option<SealingKey>,
    /// What sealed before, until everything is sealed anew.
    pub previous_sealing_key: Option<SealingKey>,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// In the state file, which one daemon owns.
    Sqlite,
    /// In a compacted topic, which any number of replicas share.
    Kafka(TopicConfig),
}

/// The topic of a store. Facts of a gateway are in another, whose name ends in `-facts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicConfig {
    /// The cluster of the topic, entered with the daemon's own user.
    pub cluster: ClusterName,
    /// The topic.
    pub topic: String,
    /// Its replicas, if it has to be made.
    pub replication: Option<i16>,
    /// Principals of other replicas that may write it.
    pub writers: Vec<String>,
}

impl StoreConfig {
    /// What secrets in records are sealed with.
    ///
    /// # Errors
    /// [`SealError::Key`]: never, since every key has the right length.
    pub fn sealer(&self, root_key: &RootKey) -> Result<Sealer, SealError> {
        let present = match &self.sealing_key {
            Some(key) => key.clone(),
            None => SealingKey::derived(root_key)?,
        };
        let sealer = Sealer::new(present);
        Ok(match &self.previous_sealing_key {
            Some(previous) => sealer.with_previous(previous.clone()),
            // Whoever names a key for the first time has sealed with the derived one before.
            None if self.sealing_key.is_some() => sealer.with_previous(SealingKey::derived(root_key)?),
            None => sealer,
        })
    }
}
