//! What tests ask most over a [`Connection`], by name or by id, at versions that 3.9 and 4.1 both serve.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, FindCoordinatorRequest, GroupId, InitProducerIdRequest,
    JoinGroupRequest, LeaveGroupRequest, MetadataRequest, MetadataResponse, OffsetCommitRequest,
    OffsetFetchRequest, ProduceRequest, ProducerId, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use uuid::Uuid;

use crate::raw::Connection;

/// The version of [`metadata`]; it takes names and ids.
pub const METADATA: i16 = 12;

/// A topic as a client may name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic<'a> {
    /// By name.
    Name(&'a str),
    /// By id; Produce takes ids since Kafka 4.1.
    Id(Uuid),
}

impl Topic<'_> {
    /// The version of Produce that names topics in this way.
    pub fn produce_version(self) -> i16 {
        if matches!(self, Self::Name(_)) { 9 } else { 13 }
    }

    /// The version of Fetch that names topics in this way.
    pub fn fetch_version(self) -> i16 {
        if matches!(self, Self::Name(_)) { 12 } else { 16 }
    }

    fn parts(self) -> (TopicName, Uuid) {
        match self {
            Self::Name(name) => (topic_name(name), Uuid::nil()),
            Self::Id(id) => (TopicName::default(), id),
        }
    }
}

/// Metadata of `topics`, or of all.
pub fn metadata(connection: &mut Connection, topics: Option<&[Topic<'_>]>) -> Result<MetadataResponse> {
    let asked = |topic: &Topic<'_>| match *topic {
        Topic::Name(name) => MetadataRequestTopic::default().with_name(Some(topic_name(name))),
        Topic::Id(id) => MetadataRequestTopic::default().with_name(None).with_topic_id(id),
    };
    let topics = topics.map(|topics| topics.iter().map(asked).collect());
    connection.call(METADATA, &MetadataRequest::default().with_topics(topics))
}

/// Metadata of one topic.
pub fn described(connection: &mut Connection, topic: Topic<'_>) -> Result<MetadataResponseTopic> {
    metadata(connection, Some(&[topic]))?.topics.pop().context("the topic is not answered")
}

/// Every name in the list of all topics, sorted.
pub fn listed(connection: &mut Connection) -> Result<Vec<String>> {
    let answer = metadata(connection, None)?;
    let mut names: Vec<String> =
        answer.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect();
    names.sort();
    Ok(names)
}

/// Writes one record to a partition, for all replicas, and returns the partition's error code.
pub fn produce(connection: &mut Connection, topic: Topic<'_>, partition: i32, value: &str) -> Result<i16> {
    let answer = connection.call(topic.produce_version(), &produce_request(topic, partition, value)?)?;
    Ok(answer.responses[0].partition_responses[0].error_code)
}

/// The request of [`produce`].
pub fn produce_request(topic: Topic<'_>, partition: i32, value: &str) -> Result<ProduceRequest> {
    let partition =
        PartitionProduceData::default().with_index(partition).with_records(Some(batch(value.as_bytes())?));
    let (name, id) = topic.parts();
    let data =
        TopicProduceData::default().with_name(name).with_topic_id(id).with_partition_data(vec![partition]);
    Ok(ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]))
}

/// Writes one record with a key to partition 0 of a topic, by name, and returns the partition's error code.
pub fn produce_keyed(connection: &mut Connection, topic: &str, key: &str, value: &str) -> Result<i16> {
    produce_records(connection, topic, keyed_batch(Some(key.as_bytes()), value.as_bytes())?)
}

/// Reads partition 0 from `offset` on, and waits at most `max_wait_ms` for a record.
pub fn fetch(
    connection: &mut Connection,
    topic: Topic<'_>,
    offset: i64,
    max_wait_ms: i32,
) -> Result<FetchResponse> {
    connection.call(topic.fetch_version(), &fetch_request(topic, offset, max_wait_ms))
}

/// The request of [`fetch`].
pub fn fetch_request(topic: Topic<'_>, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1024 * 1024);
    let (name, id) = topic.parts();
    let asked = FetchTopic::default().with_topic(name).with_topic_id(id).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1024 * 1024)
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

/// The error codes of a Fetch, one for each partition.
pub fn fetch_errors(answer: &FetchResponse) -> Vec<i16> {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.error_code).collect()
}

/// The values of all records of a Fetch.
pub fn fetched_values(answer: &FetchResponse) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
        let mut records = partition.records.clone().unwrap_or_default();
        for record in RecordBatchDecoder::decode_all(&mut records)?.into_iter().flat_map(|set| set.records) {
            values.push(String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned());
        }
    }
    Ok(values)
}

/// Commits an offset of partition 0 for a group without members, and returns the error code.
pub fn commit(connection: &mut Connection, group: &str, topic: &str, offset: i64) -> Result<i16> {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(StrBytes::default()));
    let asked =
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![asked]);
    Ok(connection.call(9, &request)?.topics[0].partitions[0].error_code)
}

/// The error code and committed offset of partition 0; -1 for none.
pub fn committed(connection: &mut Connection, group: &str, topic: &str) -> Result<(i16, i64)> {
    let topics = vec![
        OffsetFetchRequestTopics::default().with_name(topic_name(topic)).with_partition_indexes(vec![0]),
    ];
    let group = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(Some(topics));
    let answer = connection.call(9, &OffsetFetchRequest::default().with_groups(vec![group]))?;
    let answered = answer.groups.first().context("no group was answered")?;
    ensure!(answered.error_code == 0, "{answered:?}");
    let partition = &answered.topics[0].partitions[0];
    Ok((partition.error_code, partition.committed_offset))
}

/// Joins a group as a consumer of `topics` and leaves it at once; returns the error code of the join.
pub fn join_and_leave(connection: &mut Connection, group: &str, topics: &[&str]) -> Result<i16> {
    let range = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(subscription(topics)?);
    let request = JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![range]);
    // From version 4 on a broker wants to see the member id that it gives a second time.
    let joined = connection.call(3, &request)?;
    if joined.error_code == 0 {
        let member = MemberIdentity::default().with_member_id(joined.member_id);
        let request = LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(vec![member]);
        let left = connection.call(4, &request)?;
        ensure!(left.error_code == 0, "{left:?}");
    }
    Ok(joined.error_code)
}

/// The error code of a request for a producer id.
pub fn init_producer_id(connection: &mut Connection) -> Result<i16> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    Ok(connection.call(4, &request)?.error_code)
}

/// The error code, node, host and port of a group's coordinator.
pub fn coordinator(connection: &mut Connection, group: &str) -> Result<(i16, i32, String, i32)> {
    let key = StrBytes::from_string(group.to_owned());
    let ask = FindCoordinatorRequest::default().with_coordinator_keys(vec![key]);
    let found = connection.call(4, &ask)?.coordinators.pop().context("the group is not answered")?;
    Ok((found.error_code, found.node_id.0, found.host.to_string(), found.port))
}

/// Whether a group has a coordinator that serves it; the coordinators' topic is made at its first use.
pub fn has_coordinator(connection: &mut Connection, group: &str) -> Result<bool> {
    if coordinator(connection, group)?.0 != 0 {
        return Ok(false);
    }
    let group = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(None);
    let answer = connection.call(9, &OffsetFetchRequest::default().with_groups(vec![group]))?;
    Ok(answer.groups[0].error_code == 0)
}

/// Today, for records made by hand: brokers delete what is older than a week, also soon after they start.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
    i64::try_from(now.as_millis()).expect("it is not yet the year 292 million")
}

/// A topic's name as messages hold it.
pub fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

/// What a classic consumer says in JoinGroup: version 0, topics, no user data.
fn subscription(topics: &[&str]) -> Result<Bytes> {
    let mut blob = BytesMut::new();
    blob.put_i16(0);
    blob.put_i32(i32::try_from(topics.len())?);
    for topic in topics {
        blob.put_i16(i16::try_from(topic.len())?);
        blob.put_slice(topic.as_bytes());
    }
    blob.put_i32(-1);
    Ok(blob.freeze())
}

/// One record without a key as a batch of its own, uncompressed, of no producer.
pub fn batch(value: &[u8]) -> Result<Bytes> {
    keyed_batch(None, value)
}

/// As [`batch`], with a key.
pub fn batch_of(key: &str, value: &str) -> Result<Bytes> {
    keyed_batch(Some(key.as_bytes()), value.as_bytes())
}

/// One record of an idempotent producer as a batch of its own.
pub fn idempotent_batch(producer_id: i64, producer_epoch: i16, sequence: i32) -> Result<Bytes> {
    of_producer(None, b"idempotent", (producer_id, producer_epoch, sequence))
}

/// Writes a batch to partition 0 of a topic, by name, and returns the partition's error code.
pub fn produce_records(connection: &mut Connection, topic: &str, records: Bytes) -> Result<i16> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(records));
    let data = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![partition]);
    let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
    Ok(connection.call(9, &request)?.responses[0].partition_responses[0].error_code)
}

fn keyed_batch(key: Option<&[u8]>, value: &[u8]) -> Result<Bytes> {
    of_producer(key, value, (-1, -1, -1))
}

fn of_producer(
    key: Option<&[u8]>,
    value: &[u8],
    (producer_id, producer_epoch, sequence): (i64, i16, i32),
) -> Result<Bytes> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence,
        timestamp: now_ms(),
        key: key.map(Bytes::copy_from_slice),
        value: Some(Bytes::copy_from_slice(value)),
        headers: IndexMap::new(),
    };
    let mut buffer = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut buffer, [&record], &options)?;
    Ok(buffer.freeze())
}
