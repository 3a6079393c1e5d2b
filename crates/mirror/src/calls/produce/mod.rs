//! Produce (KIP-98, KIP-516): stamped batches of many partitions, appended by the broker that leads them.
//!
//! The way of every record of a mirror. Several requests are on their way at once, and records are written from where the answer
//! to a Fetch left them. Nothing is ever sent again: a request without an answer may have been carried out or not.
//!
//! Always with `acks` -1 and without a transaction; one batch for each partition, as brokers take no more. The
//! producer id and sequence in each header are what guards its append.

mod answer;
mod batches;
mod pipe;
mod request;

use std::time::Duration;

use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

use super::Leader;

pub use batches::Batches;
pub use pipe::{ProduceAnswers, ProduceSender, open};

const KEY: ApiKey = ApiKey::Produce;

/// From the first flexible version on; 12 is another contract of transactions (KIP-890).
const BY_NAME: Versions = Versions::new(9, 11);

const BY_ID: Versions = Versions::new(13, 13);

/// What a broker answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProduceAnswer {
    /// How long the broker wants to be left alone, for quotas (KIP-219); a minute at most. What is on its way it answers after that.
    pub throttle: Duration,
    /// One for each batch, in the order in which they were added.
    pub partitions: Vec<Appended>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Why it was not appended. REQUEST_TIMED_OUT says only that not all replicas have it: it is in the leader's log.
    pub error: ErrorCode,
    /// The offset that its first record has; that of the first time for a batch that came again. -1 with most errors.
    pub base_offset: i64,
    /// When the broker appended it, in milliseconds since 1970; -1 on a topic whose timestamps are those of the records. Of a
    /// batch that came again it is the greatest timestamp of its records there, so such an answer can be told.
    pub log_append_time_ms: i64,
    /// The first offset of the log; may be -1 with an error.
    pub log_start_offset: i64,
    /// The broker's text, its printable part; empty without one.
    pub message: String,
    /// The leader, when the one asked leads no more (KIP-951).
    pub leader: Option<Leader>,
}

const fn is_by_id(version: i16) -> bool {
    version >= BY_ID.min
}
