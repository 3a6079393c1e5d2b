//! The store that a configuration names.

use std::sync::Arc;
use std::time::Duration;

use tidegate_client::Endpoint;
use tidegate_core::Facts;
use tidegate_core::facts::{BINDING_RETENTION_S, FactKeys};
use tidegate_core::store::{Sealer, Store, StoreKeys};
use tidegate_store::{KafkaFacts, KafkaStore, KafkaStoreOptions, SqliteStore};

use crate::config::{Config, HostPort, StoreKind, TopicConfig};
use crate::error::GatewayError;
use crate::upstream::connect_options;

/// A store, and what seals the secrets in its records.
#[derive(Debug, Clone)]
pub struct StoreParts {
    /// The records.
    pub store: Arc<dyn Store>,
    /// What secrets in them are sealed with.
    pub sealer: Arc<Sealer>,
}

/// Opens the store of a configuration that names one.
///
/// # Errors
/// [`GatewayError::NoStore`], [`GatewayError::State`] while a gateway owns the file, [`GatewayError::Store`].
pub async fn open_store(config: &Config) -> Result<StoreParts, GatewayError> {
    let store = config.store.as_ref().ok_or(GatewayError::NoStore)?;
    let sealer = Arc::new(store.sealer(&config.root_key)?);
    let records: Arc<dyn Store> = match &store.kind {
        StoreKind::Sqlite => Arc::new(open_file(config)?),
        StoreKind::Kafka(topic) => Arc::new(open_topic(config, topic).await?),
    };
    Ok(StoreParts { store: records, sealer })
}

/// What a gateway keeps, of which it owns everything that no replica shares: facts, and the store if there is one.
///
/// # Errors
/// As [`open_store`].
pub async fn open_all(config: &Config) -> Result<(Arc<dyn Facts>, Option<StoreParts>), GatewayError> {
    let Some(store) = &config.store else { return Ok((Arc::new(open_file(config)?), None)) };
    let sealer = Arc::new(store.sealer(&config.root_key)?);
    match &store.kind {
        StoreKind::Sqlite => {
            let file = Arc::new(open_file(config)?);
            let facts = Arc::clone(&file) as Arc<dyn Facts>;
            Ok((facts, Some(StoreParts { store: file, sealer })))
        }
        StoreKind::Kafka(topic) => {
            let records: Arc<dyn Store> = Arc::new(open_topic(config, topic).await?);
            let facts = Arc::new(open_facts(config, topic).await?);
            Ok((facts, Some(StoreParts { store: records, sealer })))
        }
    }
}

fn open_file(config: &Config) -> Result<SqliteStore, GatewayError> {
    Ok(SqliteStore::open(&config.state_file, StoreKeys::new(&config.root_key))?)
}

async fn open_topic(config: &Config, topic: &TopicConfig) -> Result<KafkaStore, GatewayError> {
    let opened = KafkaStore::open(options(config, topic)?, StoreKeys::new(&config.root_key)).await;
    opened.map_err(|error| GatewayError::Store(Box::new(error)))
}

/// Facts are in a topic of their own, which is written with every new producer and group.
async fn open_facts(config: &Config, topic: &TopicConfig) -> Result<KafkaFacts, GatewayError> {
    let mut options = options(config, topic)?;
    options.topic.push_str(FACTS);
    let retention = config.limits.producer_id_retention.max(Duration::from_secs(BINDING_RETENTION_S));
    let opened = KafkaFacts::open(options, FactKeys::new(&config.root_key), retention + DAY).await;
    opened.map_err(|error| GatewayError::Store(Box::new(error)))
}

/// What the name of the topic of facts has behind that of the store.
const FACTS: &str = "-facts";

/// Clocks differ, and segments are closed once a day.
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn options(config: &Config, topic: &TopicConfig) -> Result<KafkaStoreOptions, GatewayError> {
    let cluster = config.cluster(&topic.cluster).ok_or(GatewayError::NoStore)?;
    let endpoint = |server: &HostPort| Endpoint::new(server.host.clone(), server.port);
    let security = connect_options(cluster, &config.limits)?.security;
    let bootstrap = cluster.bootstrap.iter().map(endpoint).collect();
    let mut options = KafkaStoreOptions::new(bootstrap, security, topic.topic.as_str());
    options.replication = topic.replication;
    options.writers.clone_from(&topic.writers);
    Ok(options)
}
