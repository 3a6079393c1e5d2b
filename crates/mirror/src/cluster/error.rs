//! Why a cluster cannot be asked.

use std::sync::Arc;

use tidegate_client::{AskError, ConnectError};
use tidegate_wire::error_code::ErrorCode;

/// Why a cluster cannot be asked. All who waited for the same answer have the same reason.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No broker of the configuration or of the cluster itself can be reached.
    #[error(
        "no broker can be reached: check the bootstrap servers, and whether this machine may connect to them"
    )]
    Unreachable(#[source] Option<Arc<ConnectError>>),
    /// A broker does not answer.
    #[error("the cluster does not say where its partitions are")]
    Metadata(#[source] Arc<AskError>),
    /// A topic or a partition that is not there, or has no leader.
    #[error("{at} is not to be had: {code}; it is looked for again, create it if it is missing")]
    Partition {
        /// Which.
        at: String,
        /// What the cluster says of it.
        code: ErrorCode,
    },
}
