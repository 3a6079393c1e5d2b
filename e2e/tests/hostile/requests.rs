//! The requests that the cases send.

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiVersionsRequest, BrokerId, FetchRequest, FetchResponse, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::batch;
use uuid::Uuid;

/// Topics go by name in this version, and in Fetch 12.
pub(crate) const PRODUCE: i16 = 9;
pub(crate) const METADATA: i16 = 12;

/// A frame with its size: the header of `key` and `version`, then `body`.
pub(crate) fn framed(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&key.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[0, 0, 0, 9, 0, 3]);
    frame.extend_from_slice(b"raw");
    frame.extend_from_slice(body);
    sized(&frame)
}

/// `frame` behind its size.
pub(crate) fn sized(frame: &[u8]) -> Vec<u8> {
    let size = u32::try_from(frame.len()).expect("a test's frame is small").to_be_bytes();
    [&size, frame].concat()
}

pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("raw"))
        .with_client_software_version(StrBytes::from_static_str("1"))
}

/// Every alias that is shown, sorted.
pub(crate) fn listed(connection: &mut Connection) -> Result<Vec<String>> {
    let answer = connection.call(METADATA, &MetadataRequest::default().with_topics(None))?;
    let mut names: Vec<String> =
        answer.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect();
    names.sort();
    Ok(names)
}

/// The id under which a topic is shown.
pub(crate) fn shown_id(connection: &mut Connection, name: &str) -> Result<Uuid> {
    let answer = connection.call(METADATA, &MetadataRequest::default().with_topics(None))?;
    let named = |topic: &&kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
        topic.name.as_ref().is_some_and(|found| found.as_str() == name)
    };
    Ok(answer.topics.iter().find(named).expect("the topic is shown").topic_id)
}

/// Writes one small record and returns the partition's error code.
pub(crate) fn produce(connection: &mut Connection, topic: &str) -> Result<i16> {
    let answer = connection.call(PRODUCE, &produce_request(topic, -1, b"value")?)?;
    Ok(answer.responses[0].partition_responses[0].error_code)
}

pub(crate) fn produce_request(topic: &str, acks: i16, value: &[u8]) -> Result<ProduceRequest> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(value)?));
    let data = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![partition]);
    Ok(ProduceRequest::default().with_acks(acks).with_timeout_ms(10_000).with_topic_data(vec![data]))
}

/// A Fetch from the beginning: by name up to version 12, later by `id`.
pub(crate) fn fetch_request(topic: &str, id: Uuid, max_bytes: i32) -> FetchRequest {
    let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(max_bytes);
    let asked = FetchTopic::default()
        .with_topic(topic_name(topic))
        .with_topic_id(id)
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(100)
        .with_min_bytes(1)
        .with_max_bytes(max_bytes)
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

/// The same as a follower would say it: in a field of its own up to version 14, later in a tagged one.
pub(crate) fn as_follower(request: FetchRequest, version: i16, replica: i32) -> FetchRequest {
    let replica = BrokerId(replica);
    match version {
        ..=14 => request.with_replica_id(replica),
        _ => {
            request.with_replica_state(ReplicaState::default().with_replica_id(replica).with_replica_epoch(1))
        }
    }
}

/// The code of the first partition and the bytes of its records.
pub(crate) fn first_partition(answer: &FetchResponse) -> (i16, usize) {
    let partition = &answer.responses[0].partitions[0];
    (partition.error_code, partition.records.as_ref().map_or(0, Bytes::len))
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
