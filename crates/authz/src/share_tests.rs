//! A share at the rules: its partner's groups go up as they are, other groups and every write are refused here.

use kafka_protocol::messages::{
    FindCoordinatorRequest, FindCoordinatorResponse, GroupId, HeartbeatRequest, HeartbeatResponse,
    InitProducerIdRequest, InitProducerIdResponse, MetadataRequest, MetadataResponse, OffsetFetchRequest,
    OffsetFetchResponse, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use crate::rules::{find_coordinator, heartbeat, init_producer_id, metadata, offset_fetch};
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
