//! One request about one topic for every API that takes topics, undecoded answer included.

use anyhow::Result;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, BrokerId, FetchRequest, GroupId, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetFetchRequest, OffsetForLeaderEpochRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::{StrBytes, VersionRange};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::batch;
use uuid::Uuid;

/// What a request is about.
pub(crate) enum Subject {
    Name(String),
    Id(Uuid),
}

impl Subject {
    /// As it stands in a request, and in an answer that echoes it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Name(name) => name.clone().into_bytes(),
            Self::Id(id) => id.as_bytes().to_vec(),
        }
    }

    /// The field for the name: empty when the request goes by id.
    fn name(&self) -> TopicName {
        match self {
            Self::Name(name) => TopicName(StrBytes::from_string(name.clone())),
            Self::Id(_) => TopicName::default(),
        }
    }

    /// The field for the id: zero when the request goes by name.
    fn id(&self) -> Uuid {
        match self {
            Self::Name(_) => Uuid::nil(),
            Self::Id(id) => *id,
        }
    }
}

/// The versions that the codec can write.
pub(crate) fn versions(key: ApiKey) -> VersionRange {
    key.valid_versions()
}

pub(crate) fn metadata(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let by_name = matches!(topic, Subject::Name(_));
    let asked =
        MetadataRequestTopic::default().with_topic_id(topic.id()).with_name(by_name.then(|| topic.name()));
    // Creation is asked for where the version can say so: the gateway never passes it on.
    connection.exchange_body(version, &MetadataRequest::default().with_topics(Some(vec![asked])))
}

pub(crate) fn produce(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(b"value")?));
    let data = TopicProduceData::default()
        .with_name(topic.name())
        .with_topic_id(topic.id())
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
    connection.exchange_body(version, &request)
}

pub(crate) fn fetch(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(1024 * 1024);
    let asked = FetchTopic::default()
        .with_topic(topic.name())
        .with_topic_id(topic.id())
        .with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(100)
        .with_min_bytes(1)
        .with_max_bytes(1024 * 1024)
        .with_session_epoch(-1)
        .with_topics(vec![asked]);
    connection.exchange_body(version, &request)
}

pub(crate) fn list_offsets(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let partition = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
    let asked = ListOffsetsTopic::default().with_name(topic.name()).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
    connection.exchange_body(version, &request)
}

pub(crate) fn offset_for_leader_epoch(
    connection: &mut Connection,
    version: i16,
    topic: &Subject,
) -> Result<Vec<u8>> {
    let partition = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(0);
    let asked = OffsetForLeaderTopic::default().with_topic(topic.name()).with_partitions(vec![partition]);
    let request =
        OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
    connection.exchange_body(version, &request)
}

pub(crate) fn offset_commit(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(0)
        .with_committed_metadata(Some(StrBytes::default()));
    let asked = OffsetCommitRequestTopic::default().with_name(topic.name()).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![asked]);
    connection.exchange_body(version, &request)
}

pub(crate) fn offset_fetch(connection: &mut Connection, version: i16, topic: &Subject) -> Result<Vec<u8>> {
    let request = if version < 8 {
        let asked =
            OffsetFetchRequestTopic::default().with_name(topic.name()).with_partition_indexes(vec![0]);
        OffsetFetchRequest::default().with_group_id(group()).with_topics(Some(vec![asked]))
    } else {
        let asked =
            OffsetFetchRequestTopics::default().with_name(topic.name()).with_partition_indexes(vec![0]);
        let group = OffsetFetchRequestGroup::default().with_group_id(group()).with_topics(Some(vec![asked]));
        OffsetFetchRequest::default().with_groups(vec![group])
    };
    connection.exchange_body(version, &request)
}

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str("readers"))
}
