//! Why a daemon cannot use what its configuration names.

use thiserror::Error;
use tidegate_client::{Fault, TlsError};
use tidegate_core::ClusterName;
use tidegate_core::store::SealError;
use tidegate_store::{KafkaStoreError, OpenError};

/// What the configuration names cannot be used. The operator is at fault unless it says so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The TLS options of a cluster cannot be used.
    #[error("cluster `{cluster}`: {source}")]
    ClusterTls {
        /// The cluster.
        cluster: ClusterName,
        /// What is wrong.
        source: TlsError,
    },
    /// The store is in a cluster that nobody knows.
    #[error("the store: there is no cluster `{0}`; name one of `clusters`")]
    StoreCluster(ClusterName),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] OpenError),
    /// The store cannot be opened.
    #[error("the store: {0}")]
    Store(Box<KafkaStoreError>),
    /// The sealing key cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl DaemonError {
    /// Whether the same may work later without anybody's doing: the brokers are not there yet.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Store(error) if error.fault() == Fault::Network)
    }
}
