//! Why a cluster cannot be asked.

use std::sync::Arc;

use tidegate_client::{AskError, ConnectError};
use tidegate_wire::error_code::ErrorCode;

/// Why a cluster cannot be asked. All who waited for the same answer have the same reason.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No broker of the configuration or of the cluster itself can be reached.
    #[error("{}", unreachable(.0.as_deref()))]
    Unreachable(Option<Arc<ConnectError>>),
    /// A broker does not answer.
    #[error("the cluster does not say where its partitions are: {0}")]
    Metadata(Arc<AskError>),
    /// A topic or a partition that is not there, or has no leader.
    #[error("{at} is not to be had: {code}; it is looked for again, create it if it is missing")]
    Partition {
        /// Which.
        at: String,
        /// What the cluster says of it.
        code: ErrorCode,
    },
}

/// What the last of them said: a login that is refused is nothing that bootstrap servers could be checked for.
fn unreachable(why: Option<&ConnectError>) -> String {
    match why {
        Some(why) => format!("no broker can be used: {why}"),
        None => "no broker can be reached: check the bootstrap servers, and whether this machine may connect to them".to_owned(),
    }
}
