//! What a link is to do.

use std::num::NonZeroU64;

use tidegate_core::LinkName;
use tidegate_core::registry::WantedMirror;
use tidegate_link::copy::CopyLimits;
use tokio::time::Duration;

/// What a link is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpec {
    /// Its name.
    pub name: LinkName,
    /// Whether all of it is to wait.
    pub is_paused: bool,
    /// Its mirror topics, each named once.
    pub mirrors: Vec<WantedMirror>,
    /// How gaps are filled.
    pub gaps: Gaps,
    /// How many replicas its mirror topics are made with; the cluster's default if not said.
    pub replication_factor: Option<i16>,
    /// How much at once, for each partition.
    pub limits: CopyLimits,
    /// Most bytes that each worker reads of the source in a second; none is as fast as it can.
    pub bytes_per_second: Option<NonZeroU64>,
    /// Without a word from a worker for so long others have its partitions.
    pub session_timeout: Duration,
}

/// What takes the offsets for which the source has no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaps {
    /// Markers of transactions that never were, which no reader sees. The link's user needs ALTER on the cluster for them
    /// (CLUSTER_ACTION before Kafka 4).
    #[default]
    Markers,
    /// Empty records, which whoever reads the mirror directly sees, and whoever reads it through a gateway does not.
    Records,
}
