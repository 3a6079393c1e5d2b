//! A zone's groups are its own.

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, JoinGroupRequest, OffsetCommitRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;

use crate::Site;
use crate::requests::topic_name;
use crate::site::{ORDERS, RIVAL};

const INVALID_GROUP_ID: i16 = 24;
const OFFSET_METADATA_TOO_LARGE: i16 = 12;
const NOTHING: i64 = -1;

#[test]
fn a_group_of_the_cluster_is_neither_seen_nor_moved() -> Result<()> {
    let site = Site::start()?;
    let group = random::name("group-");
    let mut direct = site.kafka.internal(1)?;
    wait_for_coordinator(&mut direct, &group)?;
    assert_eq!(commit(&mut direct, 8, &group, &site.orders.name, 3)?, 0);
    let mut partner = site.connect()?;
    for version in [1, 2, 7] {
        assert_eq!(committed_v7(&mut partner, version, &group, ORDERS)?, NOTHING, "version {version}");
    }
    for version in [8, 9] {
        assert_eq!(committed(&mut partner, version, &group, Some(ORDERS))?, [NOTHING], "version {version}");
        assert_eq!(committed(&mut partner, version, &group, None)?, [0; 0], "version {version}");
    }
    for version in [2, 8, 9] {
        assert_eq!(commit(&mut partner, version, &group, ORDERS, 5)?, 0);
    }
    assert_eq!(committed(&mut partner, 9, &group, None)?, [5]);
    assert_eq!(committed(&mut direct, 9, &group, Some(&site.orders.name))?, [3]);
    site.finish()
}

#[test]
fn two_zones_with_the_same_group_do_not_meet() -> Result<()> {
    let site = Site::start()?;
    let group = random::name("group-");
    let (mut one, mut two) = (site.connect()?, site.connect_as(RIVAL)?);
    wait_for_coordinator(&mut one, &group)?;
    assert_eq!(commit(&mut one, 9, &group, ORDERS, 5)?, 0);
    assert_eq!(committed(&mut two, 9, &group, Some(ORDERS))?, [NOTHING]);
    assert_eq!(committed(&mut two, 9, &group, None)?, [0; 0]);
    assert_eq!(commit(&mut two, 9, &group, ORDERS, 9)?, 0);
    assert_eq!(committed(&mut one, 9, &group, None)?, [5]);
    assert_eq!(committed(&mut two, 9, &group, None)?, [9]);
    site.finish()
}

#[test]
fn an_empty_group_is_no_prefix() -> Result<()> {
    let site = Site::start()?;
    let mut partner = site.connect()?;
    for version in [2, 9] {
        assert_eq!(commit(&mut partner, version, "", ORDERS, 5)?, INVALID_GROUP_ID, "version {version}");
    }
    let fetched = partner.call(9, &fetch_offsets("", None))?;
    assert_eq!(fetched.groups[0].error_code, INVALID_GROUP_ID);
    let joined = partner.call(5, &JoinGroupRequest::default().with_session_timeout_ms(10_000))?;
    assert_eq!(joined.error_code, INVALID_GROUP_ID);
    site.finish()
}

#[test]
fn commit_metadata_that_is_too_large_is_refused_by_the_broker() -> Result<()> {
    let site = Site::start()?;
    let group = random::name("group-");
    let mut partner = site.connect()?;
    wait_for_coordinator(&mut partner, &group)?;
    // `offset.metadata.max.bytes` of a stock broker.
    for (length, error) in
        [(4_096, 0), (4_097, OFFSET_METADATA_TOO_LARGE), (30_000, OFFSET_METADATA_TOO_LARGE)]
    {
        let metadata = "m".repeat(length);
        let code = commit_with(&mut partner, 9, &group, ORDERS, 5, &metadata)?;
        assert_eq!(code, error, "{length} bytes");
    }
    site.finish()
}

fn commit(connection: &mut Connection, version: i16, group: &str, topic: &str, offset: i64) -> Result<i16> {
    commit_with(connection, version, group, topic, offset, "")
}

fn commit_with(
    connection: &mut Connection,
    version: i16,
    group: &str,
    topic: &str,
    offset: i64,
    metadata: &str,
) -> Result<i16> {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(StrBytes::from_string(metadata.to_owned())));
    let asked =
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![asked]);
    Ok(connection.call(version, &request)?.topics[0].partitions[0].error_code)
}

/// Committed offsets of a group, for versions from 8 on.
fn committed(
    connection: &mut Connection,
    version: i16,
    group: &str,
    topic: Option<&str>,
) -> Result<Vec<i64>> {
    let answer = connection.call(version, &fetch_offsets(group, topic))?;
    let answered = answer.groups.first().context("no group was answered")?;
    ensure!(answered.error_code == 0, "{answered:?}");
    ensure!(answered.group_id.as_str() == group, "{answered:?}");
    let partitions = answered.topics.iter().flat_map(|topic| &topic.partitions);
    Ok(partitions.map(|partition| partition.committed_offset).collect())
}

fn fetch_offsets(group: &str, topic: Option<&str>) -> OffsetFetchRequest {
    let topics = topic.map(|topic| {
        vec![OffsetFetchRequestTopics::default().with_name(topic_name(topic)).with_partition_indexes(vec![0])]
    });
    let group = OffsetFetchRequestGroup::default().with_group_id(group_id(group)).with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![group])
}

fn committed_v7(connection: &mut Connection, version: i16, group: &str, topic: &str) -> Result<i64> {
    let topic =
        OffsetFetchRequestTopic::default().with_name(topic_name(topic)).with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default().with_group_id(group_id(group)).with_topics(Some(vec![topic]));
    let answer = connection.call(version, &request)?;
    let partition = &answer.topics[0].partitions[0];
    ensure!(answer.error_code == 0 && partition.error_code == 0, "{answer:?}");
    Ok(partition.committed_offset)
}

/// The coordinator's topic is made at its first use.
fn wait_for_coordinator(connection: &mut Connection, group: &str) -> Result<()> {
    let key = StrBytes::from_string(group.to_owned());
    for _ in 0..80 {
        let ask = FindCoordinatorRequest::default().with_coordinator_keys(vec![key.clone()]);
        let found = connection.call(4, &ask)?.coordinators[0].error_code == 0;
        let ready = |connection: &mut Connection| -> Result<bool> {
            Ok(connection.call(9, &fetch_offsets(group, None))?.groups[0].error_code == 0)
        };
        if found && ready(connection)? {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    anyhow::bail!("no coordinator")
}

fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}
