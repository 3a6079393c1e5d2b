//! The store that a configuration names.

use std::sync::Arc;

use tidegate_client::Endpoint;
use tidegate_core::store::{Sealer, Store, StoreKeys};
use tidegate_store::{KafkaStore, KafkaStoreOptions, SqliteStore};

use crate::config::{Config, StoreConfig, StoreKind};
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
    match &store.kind {
        StoreKind::Sqlite => open(config, store, Arc::new(open_file(config)?)).await,
        StoreKind::Kafka { .. } => open_topic(config, store).await,
    }
}

/// The state file.
///
/// # Errors
/// [`GatewayError::State`].
pub(crate) fn open_file(config: &Config) -> Result<SqliteStore, GatewayError> {
    Ok(SqliteStore::open(&config.state_file, StoreKeys::new(&config.root_key))?)
}

/// Opens the store while the state file is open already.
///
/// # Errors
/// As [`open_store`].
pub(crate) async fn open(
    config: &Config,
    store: &StoreConfig,
    file: Arc<SqliteStore>,
) -> Result<StoreParts, GatewayError> {
    match &store.kind {
        StoreKind::Sqlite => Ok(StoreParts { store: file, sealer: sealer(config, store)? }),
        StoreKind::Kafka { .. } => open_topic(config, store).await,
    }
}

async fn open_topic(config: &Config, store: &StoreConfig) -> Result<StoreParts, GatewayError> {
    let StoreKind::Kafka { cluster, topic, replication, writers } = &store.kind else {
        return Err(GatewayError::NoStore);
    };
    let cluster = config.cluster(cluster).ok_or(GatewayError::NoStore)?;
    let endpoint = |server: &crate::config::HostPort| Endpoint::new(server.host.clone(), server.port);
    let security = connect_options(cluster, &config.limits)?.security;
    let mut options =
        KafkaStoreOptions::new(cluster.bootstrap.iter().map(endpoint).collect(), security, topic.as_str());
    options.replication = *replication;
    options.writers.clone_from(writers);
    let opened = KafkaStore::open(options, StoreKeys::new(&config.root_key)).await;
    let opened = opened.map_err(|error| GatewayError::Store(Box::new(error)))?;
    Ok(StoreParts { store: Arc::new(opened), sealer: sealer(config, store)? })
}

fn sealer(config: &Config, store: &StoreConfig) -> Result<Arc<Sealer>, GatewayError> {
    Ok(Arc::new(store.sealer(&config.root_key)?))
}
