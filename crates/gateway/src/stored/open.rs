//! What the configuration names to keep records and facts in.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::Facts;
use tidegate_core::facts::{BINDING_RETENTION_S, FactKeys};
use tidegate_daemon::DaemonError;
use tidegate_daemon::store::{self, FACTS, StoreParts, open_file, open_topic, topic_options};
use tidegate_store::KafkaFacts;

use crate::config::{Config, StoreKind, TopicConfig};
use crate::error::GatewayError;

/// Opens the store of a configuration that names one.
///
/// # Errors
/// [`GatewayError::NoStore`], [`GatewayError::Daemon`]: also while a gateway owns the file.
pub async fn open_store(config: &Config) -> Result<StoreParts, GatewayError> {
    let store = config.store.as_ref().ok_or(GatewayError::NoStore)?;
    Ok(store::open_store(store, &config.clusters, &config.root_key, &config.state_file).await?)
}

/// What a gateway keeps, of which it owns everything that no replica shares: facts, and the store if there is one.
///
/// # Errors
/// As [`open_store`].
pub async fn open_all(config: &Config) -> Result<(Arc<dyn Facts>, Option<StoreParts>), GatewayError> {
    let Config { clusters, root_key, state_file, .. } = config;
    let Some(store) = &config.store else { return Ok((Arc::new(open_file(state_file, root_key)?), None)) };
    let sealer = Arc::new(store.sealer(root_key).map_err(DaemonError::from)?);
    match &store.kind {
        StoreKind::Sqlite => {
            let file = Arc::new(open_file(state_file, root_key)?);
            let facts = Arc::clone(&file) as Arc<dyn Facts>;
            Ok((facts, Some(StoreParts { store: file, sealer })))
        }
        StoreKind::Kafka(topic) => {
            let store = Arc::new(open_topic(topic, clusters, root_key).await?);
            let facts = Arc::new(open_facts(config, topic).await?);
            Ok((facts, Some(StoreParts { store, sealer })))
        }
    }
}

/// Facts are in a topic of their own, which is written with every new producer and group.
async fn open_facts(config: &Config, topic: &TopicConfig) -> Result<KafkaFacts, DaemonError> {
    let mut options = topic_options(topic, &config.clusters)?;
    options.topic.push_str(FACTS);
    let retention = config.limits.producer_id_retention.max(Duration::from_secs(BINDING_RETENTION_S));
    let opened = KafkaFacts::open(options, FactKeys::new(&config.root_key), retention + DAY).await;
    opened.map_err(|error| DaemonError::Store(Box::new(error)))
}

/// Clocks differ, and segments are closed once a day.
const DAY: Duration = Duration::from_secs(24 * 3_600);
