//! The store that a configuration names.

use std::path::Path;
use std::sync::Arc;

use tidegate_core::RootKey;
use tidegate_core::store::{Sealer, Store, StoreKeys};
use tidegate_store::{KafkaStore, KafkaStoreOptions, SqliteStore};

use super::{StoreConfig, StoreKind, TopicConfig};
use crate::DaemonError;
use crate::cluster::Cluster;

/// A store, and what seals the secrets in its records.
#[derive(Debug, Clone)]
pub struct StoreParts {
    /// The records.
    pub store: Arc<dyn Store>,
    /// What secrets in them are sealed with.
    pub sealer: Arc<Sealer>,
}

/// Opens the store that `config` says: the state file, or a topic in one of the clusters.
///
/// # Errors
/// [`DaemonError::State`] while another daemon owns the file, else as [`open_topic`].
pub async fn open_store<C: AsRef<Cluster>>(
    config: &StoreConfig,
    clusters: &[C],
    root_key: &RootKey,
    state_file: &Path,
) -> Result<StoreParts, DaemonError> {
    let sealer = Arc::new(config.sealer(root_key)?);
    let store: Arc<dyn Store> = match &config.kind {
        StoreKind::Sqlite => Arc::new(open_file(state_file, root_key)?),
        StoreKind::Kafka(topic) => Arc::new(open_topic(topic, clusters, root_key).await?),
    };
    Ok(StoreParts { store, sealer })
}

/// Opens the state file.
///
/// # Errors
/// [`DaemonError::State`].
pub fn open_file(state_file: &Path, root_key: &RootKey) -> Result<SqliteStore, DaemonError> {
    Ok(SqliteStore::open(state_file, StoreKeys::new(root_key))?)
}

/// Opens the store in a topic.
///
/// # Errors
/// [`DaemonError::Store`], or as [`topic_options`].
pub async fn open_topic<C: AsRef<Cluster>>(
    topic: &TopicConfig,
    clusters: &[C],
    root_key: &RootKey,
) -> Result<KafkaStore, DaemonError> {
    let opened = KafkaStore::open(topic_options(topic, clusters)?, StoreKeys::new(root_key)).await;
    opened.map_err(|error| DaemonError::Store(Box::new(error)))
}

/// Where the topic is and how it is made.
///
/// # Errors
/// [`DaemonError::StoreCluster`], [`DaemonError::ClusterTls`].
pub fn topic_options<C: AsRef<Cluster>>(
    topic: &TopicConfig,
    clusters: &[C],
) -> Result<KafkaStoreOptions, DaemonError> {
    let named = clusters.iter().map(AsRef::as_ref).find(|cluster: &&Cluster| cluster.name == topic.cluster);
    let cluster = named.ok_or_else(|| DaemonError::StoreCluster(topic.cluster.clone()))?;
    let mut options = KafkaStoreOptions::new(cluster.endpoints(), cluster.security()?, topic.topic.as_str());
    options.replication = topic.replication;
    options.writers.clone_from(&topic.writers);
    Ok(options)
}
