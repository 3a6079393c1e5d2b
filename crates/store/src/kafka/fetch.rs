//! Reading the topic: what is committed, and how far that is from the end.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use bytes::Bytes;
use tidegate_client::Connection;
use tidegate_wire::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::fetch_request::{FetchPartition, FetchTopic};
use tidegate_wire::messages::fetch_response::{AbortedTransaction, PartitionData};
use tidegate_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidegate_wire::messages::{BrokerId, FetchRequest, ListOffsetsRequest, TopicName};
use tidegate_wire::record::{self, Record, RecordError};
use tokio::time::Instant;

use super::cluster::{PARTITION, version};
use super::error::KafkaStoreError;
use super::format::Producer;

/// From when isolation levels are known, to when topics are named by name.
const FETCH: Versions = Versions::new(4, 12);
const LIST_OFFSETS: Versions = Versions::new(2, 9);

/// What of open and aborted transactions is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Nothing: a log whose changes are transactions.
    Committed,
    /// All of it: a log without transactions, which nobody can hold up with one.
    Uncommitted,
}

impl Isolation {
    const fn code(self) -> i8 {
        match self {
            Self::Uncommitted => 0,
            Self::Committed => 1,
        }
    }
}

const EARLIEST: i64 = -2;

/// Bytes of one answer; a broker sends one whole batch whatever its size. Records of a few bytes, as somebody hostile may
/// write them, take twenty times as much here.
const MAX_BYTES: i32 = 1024 * 1024;

/// What a Fetch tells.
#[derive(Debug)]
pub(super) struct Fetched {
    /// When it was asked: what it tells was true then or later.
    pub(super) asked: Instant,
    /// Where the next one begins.
    pub(super) next: i64,
    /// Whether nothing at all was there behind `next`.
    pub(super) is_end: bool,
    /// Whether a transaction that is still open kept everything behind `next` back.
    pub(super) is_blocked: bool,
    /// What is committed, in order.
    pub(super) lines: Vec<Line>,
}

/// A record, or a batch that nobody can read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) offset: i64,
    /// Whose transaction it lies in, if in one.
    pub(super) producer: Option<Producer>,
    pub(super) record: Result<Record, RecordError>,
}

/// Reads from `offset` on; waits for something to come for as long as `wait`.
pub(super) async fn fetch(
    leader: &mut Connection,
    topic: &str,
    offset: i64,
    isolation: Isolation,
    wait: Duration,
) -> Result<Fetched, KafkaStoreError> {
    let version = version(leader, ApiKey::Fetch, FETCH)?;
    let partition = FetchPartition::default()
        .with_partition(PARTITION)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(MAX_BYTES);
    let asked = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(i32::try_from(wait.as_millis()).unwrap_or(i32::MAX))
        .with_min_bytes(1)
        .with_max_bytes(MAX_BYTES)
        .with_isolation_level(isolation.code())
        .with_session_epoch(-1)
        .with_topics(vec![asked]);
    let at = Instant::now();
    let answer = leader.call(version, &request).await?;
    let refused = |code| refused(ApiKey::Fetch, topic, code);
    if answer.error_code != 0 {
        return Err(refused(answer.error_code));
    }
    let throttled = answer.throttle_time_ms > 0;
    let partition = answer.responses.into_iter().flat_map(|topic| topic.partitions).next();
    let partition = partition.ok_or(KafkaStoreError::Malformed {
        api: ApiKey::Fetch,
        what: "the partition asked for is missing",
    })?;
    match partition.error_code {
        0 => Ok(read(at, offset, isolation, throttled, partition)),
        code => Err(refused(code)),
    }
}

/// Where the topic begins.
pub(super) async fn earliest(leader: &mut Connection, topic: &str) -> Result<i64, KafkaStoreError> {
    let version = version(leader, ApiKey::ListOffsets, LIST_OFFSETS)?;
    let partition = ListOffsetsPartition::default().with_partition_index(PARTITION).with_timestamp(EARLIEST);
    let asked = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(Isolation::Committed.code())
        .with_topics(vec![asked]);
    let answer = leader.call(version, &request).await?;
    let partition = answer.topics.iter().flat_map(|topic| &topic.partitions).next();
    let partition = partition.ok_or(KafkaStoreError::Malformed {
        api: ApiKey::ListOffsets,
        what: "the partition asked for is missing",
    })?;
    match partition.error_code {
        0 => Ok(partition.offset),
        code => Err(refused(ApiKey::ListOffsets, topic, code)),
    }
}

pub(super) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub(super) fn refused(api: ApiKey, topic: &str, code: i16) -> KafkaStoreError {
    KafkaStoreError::Refused { api, subject: format!("topic {topic}"), code: ErrorCode(code) }
}

fn read(
    asked: Instant,
    offset: i64,
    isolation: Isolation,
    throttled: bool,
    partition: PartitionData,
) -> Fetched {
    let records = partition.records.unwrap_or_default();
    let nothing = records.is_empty();
    let aborted = partition.aborted_transactions.unwrap_or_default();
    let (next, lines) = committed(offset, &records, aborted);
    let end = partition.high_watermark;
    let stable = match isolation {
        Isolation::Committed => partition.last_stable_offset,
        Isolation::Uncommitted => end,
    };
    // What lay behind `next` may have been compacted away, and only an answer without records tells so. A broker that
    // throttles answers without records as well.
    let is_last = next >= stable || (nothing && !throttled);
    Fetched { asked, next, is_end: is_last && stable >= end, is_blocked: is_last && stable < end, lines }
}

/// Leaves out what was aborted, as the Java client does: `aborted` says where each such transaction began, and a marker
/// ends it.
fn committed(offset: i64, records: &Bytes, aborted: Vec<AbortedTransaction>) -> (i64, Vec<Line>) {
    let mut waiting: BTreeSet<(i64, i64)> =
        aborted.iter().map(|one| (one.first_offset, one.producer_id.0)).collect();
    let mut open = HashSet::new();
    let (mut next, mut lines) = (offset, Vec::new());
    for (header, batch) in record::batches(records) {
        let last = header.base_offset.saturating_add(i64::from(header.last_offset_delta));
        while let Some((_, producer)) = waiting.first().copied().filter(|(first, _)| *first <= last) {
            waiting.pop_first();
            open.insert(producer);
        }
        next = next.max(last.saturating_add(1));
        if header.is_control() {
            open.remove(&header.producer_id);
        } else if !(header.is_transactional() && open.contains(&header.producer_id)) {
            lines.extend(of_batch(&header, &batch).into_iter().filter(|line| line.offset >= offset));
        }
    }
    (next, lines)
}

fn of_batch(header: &BatchHeader, batch: &Bytes) -> Vec<Line> {
    let producer = Producer { id: header.producer_id, epoch: header.producer_epoch };
    let producer = header.is_transactional().then_some(producer);
    match record::records(header, batch) {
        Ok(records) => records
            .into_iter()
            .map(|record| Line { offset: record.offset, producer, record: Ok(record) })
            .collect(),
        Err(error) => vec![Line { offset: header.base_offset, producer, record: Err(error) }],
    }
}

#[cfg(test)]
mod tests;
