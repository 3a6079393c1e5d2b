//! Every request that a mirror needs, typed in and out; one file for each Kafka API.
//!
//! All of them take what both this side and the broker know, and the highest version of that: Kafka 3.9 and 4.1 are
//! tested. A call fails with [`AskError`] when there is no answer to speak of; what a broker says about one partition or
//! topic of many is a [`Refusal`] in its place. Answers stand in the order of what was asked, whatever the order in which
//! a broker gives them.
//!
//! Requests about a log go to the leader of the partition, those about topics and configs to any broker, those about the
//! configs of a broker to that one. Nothing is tried again here.

pub mod alter_configs;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_records;
pub mod describe_configs;
pub mod describe_producers;
pub mod fetch;
pub mod group;
pub mod leader_epoch;
pub mod list_offsets;
mod order;
mod place;
pub mod produce;
mod refusal;
#[cfg(test)]
pub(crate) mod testing;
mod text;
pub mod write_markers;

use std::time::Duration;

use tidegate_client::{ApiVersions, AskError};
use tidegate_wire::api::{ApiKey, Versions};

pub use place::{LedPartition, Topic, TopicPartition};
pub use refusal::Refusal;

/// What is read of open and aborted transactions (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Everything, up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset, and which transactions in it were aborted.
    ReadCommitted,
}

impl Isolation {
    const fn code(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}

/// The leader of a partition as a broker tells it beside an answer (KIP-951).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leader {
    /// Its node id.
    pub id: i32,
    /// Its epoch.
    pub epoch: i32,
}

impl Leader {
    /// Kafka writes "not told" as -1.
    fn told(id: i32, epoch: i32) -> Option<Self> {
        (id >= 0).then_some(Self { id, epoch })
    }
}

/// How requests write that an epoch is not known.
const NO_EPOCH: i32 = -1;

fn version(versions: &ApiVersions, api: ApiKey, ours: Versions) -> Result<i16, AskError> {
    versions.version_for(api, ours).ok_or(AskError::Unsupported { api, ours })
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// How long a broker held an answer back, or wants to be left alone, for quotas (KIP-219).
fn throttle(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
