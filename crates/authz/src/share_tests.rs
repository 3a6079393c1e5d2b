//! A share at the rules: its partner's groups go up as they are, other groups and every write are refused here.

use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, FindCoordinatorRequest, FindCoordinatorResponse, GroupId, HeartbeatRequest,
    HeartbeatResponse, InitProducerIdRequest, InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, LeaveGroupResponse, MetadataRequest, MetadataResponse, OffsetFetchRequest,
    OffsetFetchResponse, SyncGroupRequest, SyncGroupResponse, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use crate::rules::{
    consumer_group_describe, consumer_group_heartbeat, delete_groups, describe_groups, find_coordinator,
    heartbeat, init_producer_id, join_group, leave_group, metadata, offset_fetch, sync_group,
};
use crate::testing::{self, Bench};

const OWN: &str = "stream-share.ss-1.reader";
const FOREIGN: &str = "stream-share.ss-10";

fn bench() -> Bench {
    Bench::of(testing::share("stream-share.ss-1"))
}

fn group(name: &'static str) -> GroupId {
    GroupId(StrBytes::from_static_str(name))
}

#[test]
fn own_groups_go_up_as_they_are() {
    let asked = HeartbeatRequest::default().with_group_id(group(OWN));
    let (sent, _) = bench()
        .exchange(&heartbeat::Heartbeat, 4, &asked, |_: &HeartbeatRequest| HeartbeatResponse::default());
    assert_eq!(sent[0].group_id.as_str(), OWN);
}

#[test]
fn groups_outside_the_share_are_not_authorized() {
    let asked = HeartbeatRequest::default().with_group_id(group(FOREIGN));
    let got: HeartbeatResponse = bench().answer(&heartbeat::Heartbeat, 4, &asked);
    assert_eq!(got.error_code, 30);
    let asked = OffsetFetchRequest::default().with_group_id(group(FOREIGN)).with_topics(None);
    let got: OffsetFetchResponse = bench().answer(&offset_fetch::OffsetFetch, 5, &asked);
    assert_eq!(got.error_code, 30);
}

#[test]
fn coordinators_of_transactions_and_of_other_groups_are_not_found() {
    for (key_type, key, error) in [(0, FOREIGN, 30), (1, OWN, 53)] {
        let asked = FindCoordinatorRequest::default()
            .with_key_type(key_type)
            .with_coordinator_keys(vec![StrBytes::from_static_str(key)]);
        let got: FindCoordinatorResponse = bench().answer(&find_coordinator::FindCoordinator, 4, &asked);
        assert_eq!((got.coordinators[0].error_code, got.coordinators[0].node_id.0), (error, -1));
    }
}

#[test]
fn nobody_gets_a_producer_id() {
    for (id, error) in [(None, 31), (Some("t"), 53)] {
        let id = id.map(|id| TransactionalId(StrBytes::from_static_str(id)));
        let asked = InitProducerIdRequest::default().with_transactional_id(id);
        let got: InitProducerIdResponse = bench().answer(&init_producer_id::InitProducerId, 4, &asked);
        assert_eq!((got.error_code, got.producer_id.0), (error, -1));
    }
}

#[test]
fn no_topic_shows_the_right_to_write() {
    let asked = MetadataRequest::default().with_topics(None).with_include_topic_authorized_operations(true);
    let got: MetadataResponse = bench().answer(&metadata::Metadata, 12, &asked);
    assert_eq!(got.topics.len(), 2);
    assert!(got.topics.iter().all(|topic| topic.topic_authorized_operations & (1 << 4) == 0));
}

#[test]
fn every_rule_of_groups_refuses_those_outside_the_share() {
    let asked = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(FOREIGN))
        .with_member_id(StrBytes::from_static_str("member"))
        .with_subscribed_topic_names(Some(Vec::new()));
    let got: ConsumerGroupHeartbeatResponse =
        bench().answer(&consumer_group_heartbeat::ConsumerGroupHeartbeat, 1, &asked);
    assert_eq!(got.error_code, 30);
    let asked = JoinGroupRequest::default().with_group_id(group(FOREIGN));
    let got: JoinGroupResponse = bench().answer(&join_group::JoinGroup, 5, &asked);
    assert_eq!(got.error_code, 30);
    let asked = SyncGroupRequest::default().with_group_id(group(FOREIGN));
    let got: SyncGroupResponse = bench().answer(&sync_group::SyncGroup, 5, &asked);
    assert_eq!(got.error_code, 30);
    let asked = LeaveGroupRequest::default().with_group_id(group(FOREIGN));
    let got: LeaveGroupResponse = bench().answer(&leave_group::LeaveGroup, 5, &asked);
    assert_eq!(got.error_code, 30);
    let asked = DescribeGroupsRequest::default().with_groups(vec![group(FOREIGN)]);
    let got: DescribeGroupsResponse = bench().answer(&describe_groups::DescribeGroups, 5, &asked);
    assert_eq!(got.groups[0].error_code, 30);
    let asked = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(FOREIGN)]);
    let got: ConsumerGroupDescribeResponse =
        bench().answer(&consumer_group_describe::ConsumerGroupDescribe, 0, &asked);
    assert_eq!(got.groups[0].error_code, 30);
    // Not even its own.
    let asked = DeleteGroupsRequest::default().with_groups_names(vec![group(OWN)]);
    let got: DeleteGroupsResponse = bench().answer(&delete_groups::DeleteGroups, 2, &asked);
    assert_eq!(got.results[0].error_code, 30);
}
