//! Fetch (KIP-74, KIP-320, KIP-516): batches of many partitions that one broker leads, as the bytes that they are.
//!
//! [`fetch`] says all that it wants in each request; [`FetchSession`] what has changed since the last one (KIP-227). Either way a lost
//! answer loses nothing but time.

mod answer;
mod request;
mod session;

use std::time::Duration;

use bytes::Bytes;
use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

use super::order::{About, have_ids};
use super::{Isolation, Leader, TopicPartition, version};

pub use session::FetchSession;

const KEY: ApiKey = ApiKey::Fetch;

/// From when isolation levels are known, to when topics have names.
const BY_NAME: Versions = Versions::new(4, 12);

/// Above are only fields of replicas.
const BY_ID: Versions = Versions::new(13, 17);

/// What is wanted of one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// What is read of transactions.
    pub isolation: Isolation,
    /// How long the broker may wait until there are `min_bytes`.
    pub max_wait: Duration,
    /// Bytes for which the broker waits; 0 never waits.
    pub min_bytes: i32,
    /// Bytes of all records together; the first batch comes whole, however large it is.
    pub max_bytes: i32,
    /// The partitions, each once. The broker begins to fill the answer with the first.
    pub partitions: Vec<FetchPartition>,
}

/// What is wanted of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartition {
    /// The partition.
    pub at: TopicPartition,
    /// The offset to begin with; the first batch may begin before it.
    pub offset: i64,
    /// Bytes of its records.
    pub max_bytes: i32,
    /// As [`LedPartition::leader_epoch`](super::LedPartition::leader_epoch).
    pub leader_epoch: Option<i32>,
    /// The epoch of the batch before `offset` (KIP-595): a log that differs there answers with [`Fetched::diverging`]. Brokers that do
    /// not know it (before 2.7) never tell.
    pub last_fetched_epoch: Option<i32>,
}

/// What a broker answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchAnswer {
    /// How long the broker wants to be left alone, for quotas (KIP-219); a minute at most.
    pub throttle: Duration,
    /// One for each partition of the request, in its order; none at all if the broker has throttled the request: it is to be asked again.
    pub partitions: Vec<Fetched>,
}

/// What a broker answers where there is something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchNews {
    /// As [`FetchAnswer::throttle`].
    pub throttle: Duration,
    /// One for each partition of the request, in its order; none where nothing is new since the last answer of the session. A request that
    /// the broker has throttled tells of none: it is to be asked again.
    pub partitions: Vec<Option<Fetched>>,
}

impl From<FetchAnswer> for FetchNews {
    fn from(FetchAnswer { throttle, partitions }: FetchAnswer) -> Self {
        Self { throttle, partitions: partitions.into_iter().map(Some).collect() }
    }
}

/// What there is of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Why there is nothing; then the offsets say nothing.
    pub error: ErrorCode,
    /// The end of what all replicas in sync have.
    pub high_watermark: i64,
    /// The end of what belongs to no open transaction.
    pub last_stable_offset: i64,
    /// The first offset; -1 from brokers before 0.11.
    pub log_start_offset: i64,
    /// Where the log is no longer the one that was read so far (KIP-595); then there are no records.
    pub diverging: Option<EpochEnd>,
    /// The leader, when the one asked leads no more (KIP-951).
    pub leader: Option<Leader>,
    /// Transactions that were aborted and have records among these; only with [`Isolation::ReadCommitted`], in no order.
    pub aborted: Vec<Aborted>,
    /// Batches, as slices of the answer's one buffer. The first may begin before the offset asked for, the last may be cut.
    pub records: Bytes,
}

/// The largest epoch that a log has and its reader knows, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: i32,
    /// The offset behind its last record.
    pub end_offset: i64,
}

/// An aborted transaction; its marker ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Aborted {
    /// Whose it is.
    pub producer_id: i64,
    /// Its first offset.
    pub first_offset: i64,
}

/// Reads from partitions that the broker leads; by topic id where the broker and all topics have it.
///
/// # Errors
/// [`AskError`]; what is wrong with one partition is in [`Fetched::error`].
pub async fn fetch(connection: &mut Connection, fetch: &Fetch) -> Result<FetchAnswer, AskError> {
    let version = version_for(connection, fetch)?;
    let request = request::request(version, fetch);
    let answer = connection.call_within(limit(connection, fetch), version, &request).await?;
    answer::read(version, fetch, answer)
}

fn version_for(connection: &Connection, fetch: &Fetch) -> Result<i16, AskError> {
    let by_id = have_ids(&fetch.partitions).then_some(BY_ID);
    match by_id.and_then(|ours| connection.versions().version_for(KEY, ours)) {
        Some(version) => Ok(version),
        None => version(connection.versions(), KEY, BY_NAME),
    }
}

/// The broker may take its own time on top of ours.
fn limit(connection: &Connection, fetch: &Fetch) -> Duration {
    connection.request_timeout().saturating_add(fetch.max_wait)
}

const fn is_by_id(version: i16) -> bool {
    version >= BY_ID.min
}

impl About for FetchPartition {
    fn at(&self) -> &TopicPartition {
        &self.at
    }
}
