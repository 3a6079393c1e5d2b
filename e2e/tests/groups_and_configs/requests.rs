//! The requests that the cases send.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DescribeConfigsRequest,
    DescribeGroupsRequest, FindCoordinatorRequest, GroupId, JoinGroupRequest, ListGroupsRequest,
    MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::raw::Connection;

/// Where the member that [`heartbeat`] makes says it stands.
pub(crate) const MEMBER_RACK: &str = "rack-of-a-member";

pub(crate) fn listed(connection: &mut Connection, version: i16) -> Result<Vec<String>> {
    let answer = connection.call(version, &ListGroupsRequest::default())?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let mut names: Vec<String> = answer.groups.iter().map(|group| group.group_id.to_string()).collect();
    names.sort();
    Ok(names)
}

pub(crate) fn describe(group: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group_id(group)])
}

pub(crate) fn describe_next(
    connection: &mut Connection,
    version: i16,
    group: &str,
) -> Result<DescribedGroup> {
    let request = ConsumerGroupDescribeRequest::default()
        .with_group_ids(vec![group_id(group)])
        .with_include_authorized_operations(true);
    connection.call(version, &request)?.groups.pop().context("no group was answered")
}

/// Makes a member of the KIP-848 protocol and waits until it is assigned something.
pub(crate) fn heartbeat(connection: &mut Connection, group: &str, topics: &[&str]) -> Result<()> {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text("member-1"))
        .with_member_epoch(0)
        .with_rebalance_timeout_ms(60_000)
        .with_rack_id(Some(text(MEMBER_RACK)))
        .with_subscribed_topic_names(Some(topics.iter().map(|name| topic_name(name)).collect()))
        .with_topic_partitions(Some(Vec::new()));
    let mut answer = connection.call(1, &request)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let next = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text("member-1"))
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None);
    for _ in 0..80 {
        if answer.assignment.as_ref().is_some_and(|assignment| !assignment.topic_partitions.is_empty()) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
        answer = connection.call(1, &next.clone().with_member_epoch(answer.member_epoch))?;
        ensure!(answer.error_code == 0, "{answer:?}");
    }
    anyhow::bail!("nothing was assigned in {group}")
}

/// Joins as the only member of a group of consumers and takes both partitions.
pub(crate) fn join(connection: &mut Connection, group: &str, topic: &str) -> Result<()> {
    let protocol =
        JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(blob(topic, &[]));
    // Before version 4 no member has to come a second time with the id it was given.
    let request = JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(300_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let joined = connection.call(3, &request)?;
    ensure!(joined.error_code == 0, "{joined:?}");
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(joined.member_id.clone())
        .with_assignment(blob(topic, &[0, 1]));
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id)
        .with_assignments(vec![assignment]);
    let synced = connection.call(2, &request)?;
    ensure!(synced.error_code == 0 && holds(&synced.assignment, topic.as_bytes()), "{synced:?}");
    Ok(())
}

/// A ConsumerProtocolAssignment of version 0 with these partitions, or a subscription without any.
fn blob(topic: &str, partitions: &[i32]) -> Bytes {
    let length = |number: usize| u32::try_from(number).expect("a test's blob is small").to_be_bytes();
    let mut blob = vec![0, 0];
    blob.extend(length(1));
    blob.extend(&length(topic.len())[2..]);
    blob.extend(topic.as_bytes());
    if !partitions.is_empty() {
        blob.extend(length(partitions.len()));
        blob.extend(partitions.iter().flat_map(|partition| partition.to_be_bytes()));
    }
    blob.extend((-1_i32).to_be_bytes());
    blob.into()
}

/// Commits as a simple consumer, once the group has a coordinator.
pub(crate) fn commit(connection: &mut Connection, group: &str, topic: &str) -> Result<()> {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(0)
        .with_committed_metadata(Some(StrBytes::default()));
    let asked =
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![asked]);
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
    let mut code = 0;
    for _ in 0..80 {
        if connection.call(4, &find)?.coordinators[0].error_code == 0 {
            code = connection.call(8, &request)?.topics[0].partitions[0].error_code;
            if code == 0 {
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    anyhow::bail!("the commit of {group} was refused with code {code}")
}

pub(crate) fn delete_offsets(group: &str, topics: &[&str]) -> OffsetDeleteRequest {
    let topic = |name: &&str| {
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![OffsetDeleteRequestPartition::default()])
    };
    OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.iter().map(topic).collect())
}

pub(crate) fn configs(resources: &[(i8, &str)]) -> DescribeConfigsRequest {
    let resource = |(kind, name): &(i8, &str)| {
        DescribeConfigsResource::default()
            .with_resource_type(*kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    DescribeConfigsRequest::default()
        .with_include_synonyms(true)
        .with_resources(resources.iter().map(resource).collect())
}

/// The id under which the only alias is shown.
pub(crate) fn shown_id(connection: &mut Connection) -> Result<uuid::Uuid> {
    Ok(connection.call(12, &MetadataRequest::default().with_topics(None))?.topics[0].topic_id)
}

pub(crate) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}
