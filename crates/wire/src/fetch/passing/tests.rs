use bytes::{Buf, BufMut};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{BrokerId, ProducerId};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use uuid::Uuid;

use super::*;
use crate::api::ApiKey;
use crate::fetch::{RefusedTopic, Target, rewrite_response};
use crate::header;

const VERSIONS: std::ops::RangeInclusive<i16> = 13..=18;
const CORRELATION_ID: i32 = 42;

/// Topics 1 and 2 are shown as 11 and 12; node 1 is advertised.
struct Plan([(u8, Target); 2]);

impl Default for Plan {
    fn default() -> Self {
        let target = |shown| Target {
            shown: TopicKey::Id([shown; 16]),
            partitions: Partitions::All,
            refuse: None,
            hides_fillers: false,
        };
        Self([(1, target(11)), (2, target(12))])
    }
}

impl ResponsePlan for Plan {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        let found = self.0.iter().find(|(id, _)| topic == TopicRef::Id([*id; 16]));
        found.map_or(&[], |(_, target)| std::slice::from_ref(target))
    }

    fn refused(&self) -> &[RefusedTopic] {
        &[]
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        (node == 1).then_some(("gateway.example", 19_101))
    }

    fn throttle_ms(&self, upstream: i32) -> i32 {
        upstream + 30
    }
}

/// Two topics; nothing in it is of a kind that is made neutral.
fn plain() -> FetchResponse {
    let partition = |index: i32, records: &'static [u8]| {
        let aborted =
            |first| AbortedTransaction::default().with_producer_id(ProducerId(5)).with_first_offset(first);
        PartitionData::default()
            .with_partition_index(index)
            .with_error_code(if index == 3 { 1 } else { 0 })
            .with_high_watermark(100)
            .with_last_stable_offset(99)
            .with_log_start_offset(2)
            .with_aborted_transactions(if index == 0 { Some(vec![aborted(1), aborted(2)]) } else { None })
            .with_preferred_read_replica(BrokerId(index % 2 + 1))
            .with_diverging_epoch(EpochEndOffset::default().with_epoch(4).with_end_offset(44))
            .with_current_leader(LeaderIdAndEpoch::default().with_leader_id(BrokerId(1)).with_leader_epoch(6))
            .with_records(Some(Bytes::from_static(records)))
    };
    let topic = |id, partitions| {
        FetchableTopicResponse::default()
            .with_topic_id(Uuid::from_bytes([id; 16]))
            .with_partitions(partitions)
    };
    FetchResponse::default().with_throttle_time_ms(11).with_session_id(123).with_responses(vec![
        topic(1, vec![partition(0, &[b'r'; 300]), partition(1, b"")]),
        topic(2, vec![partition(3, b"s")]),
    ])
}

fn framed(version: i16, response: &FetchResponse) -> BytesMut {
    let mut body = BytesMut::new();
    header::write_response(&mut body, ApiKey::Fetch, version, 1);
    response.encode(&mut body, version).unwrap();
    let mut frame = BytesMut::new();
    frame.put_i32(i32::try_from(body.len()).unwrap());
    frame.put_slice(&body);
    frame
}

/// Lets a frame arrive in pieces of so many bytes; what passed, and what stayed behind the end.
fn passed(frame: &[u8], piece: usize, plan: &Plan) -> Result<(Vec<u8>, BytesMut), PassError> {
    let mut passing = Passing::new(CORRELATION_ID);
    let (mut received, mut out) = (BytesMut::new(), Vec::new());
    for bytes in frame.chunks(piece) {
        received.extend_from_slice(bytes);
        out.extend_from_slice(&passing.pass(&mut received, plan)?);
    }
    assert!(passing.is_done(), "{passing:?}");
    Ok((out, received))
}

fn decoded(version: i16, frame: &[u8]) -> FetchResponse {
    let (correlation_id, body) = header::parse_response(frame, ApiKey::Fetch, version).unwrap();
    assert_eq!(correlation_id, CORRELATION_ID);
    let mut rest = Bytes::copy_from_slice(&frame[body..]);
    let decoded = FetchResponse::decode(&mut rest, version).unwrap();
    assert!(!rest.has_remaining());
    decoded
}

#[test]
fn whatever_pieces_it_comes_in_it_is_what_the_whole_would_be() {
    for version in VERSIONS {
        let frame = framed(version, &plain());
        let whole =
            rewrite_response(&frame.clone().freeze(), version, CORRELATION_ID, &Plan::default()).unwrap();
        let whole = whole.joined();
        for piece in (1..40).chain([100, 1_000, 100_000]) {
            let (out, behind) = passed(&frame, piece, &Plan::default()).unwrap();
            assert_eq!(out, whole, "version {version}, pieces of {piece}");
            assert!(behind.is_empty());
        }
    }
}

#[test]
fn nothing_of_the_next_frame_is_touched() {
    let frame = framed(16, &plain());
    let both = [&frame[..], &frame].concat();
    let (out, behind) = passed(&both, 100_000, &Plan::default()).unwrap();
    assert_eq!((out.len(), &behind[..]), (frame.len(), &frame[..]));
}

#[test]
fn records_leave_in_the_buffer_in_which_they_came_and_before_the_rest_is_there() {
    let frame = framed(17, &plain());
    let mut received = BytesMut::from(&frame[..200]);
    let begin = received.as_ptr();
    let mut passing = Passing::new(CORRELATION_ID);
    let first = passing.pass(&mut received, &Plan::default()).unwrap();
    assert_eq!((first.as_ptr(), first.len()), (begin, 200));
}

#[test]
fn what_must_not_be_shown_is_made_neutral_and_the_rest_stands() {
    for version in VERSIONS {
        let mut response = plain();
        let secret = || Bytes::from_static(b"upstream secret");
        response.unknown_tagged_fields.insert(99, secret());
        response.responses[0].unknown_tagged_fields.insert(0, secret());
        for partition in &mut response.responses[0].partitions {
            partition.current_leader.leader_id = BrokerId(2);
            partition.unknown_tagged_fields.insert(77, secret());
            partition.unknown_tagged_fields.insert(300, secret());
        }
        if version >= 16 {
            let node = NodeEndpoint::default()
                .with_node_id(BrokerId(2))
                .with_host(StrBytes::from_static_str("upstream-2"))
                .with_port(9092)
                .with_rack(Some(StrBytes::from_static_str("upstream-rack")));
            response.node_endpoints = vec![node];
        }
        let frame = framed(version, &response);
        for piece in [1, 7, 100_000] {
            let (out, _) = passed(&frame, piece, &Plan::default()).unwrap();
            assert_eq!(out.len(), frame.len());
            assert!(!out.windows(8).any(|window| window == b"upstream"), "version {version}");
            let shown = decoded(version, &out);
            assert_eq!((shown.session_id, shown.throttle_time_ms), (0, 41));
            assert!(shown.node_endpoints.is_empty());
            let partition = &shown.responses[0].partitions[0];
            assert_eq!(partition.current_leader, LeaderIdAndEpoch::default());
            assert_eq!(partition.diverging_epoch.end_offset, 44);
            assert_eq!(partition.records.as_ref().unwrap().len(), 300);
            assert!(
                partition.unknown_tagged_fields.values().all(|value| value.iter().all(|byte| *byte == 0))
            );
            let other = &shown.responses[1].partitions[0];
            assert_eq!(other.current_leader.leader_id, BrokerId(1));
        }
    }
}

#[test]
fn a_topic_that_does_not_belong_there_ends_it() {
    let mut response = plain();
    response.responses[1].topic_id = Uuid::from_bytes([3; 16]);
    let unplanned = passed(&framed(17, &response), 10, &Plan::default());
    assert_eq!(unplanned.unwrap_err(), PassError::Unplanned);
    let mut revoked = Plan::default();
    revoked.0[1].1.refuse = Some(ErrorCode::UNKNOWN_TOPIC_ID);
    assert_eq!(passed(&framed(17, &plain()), 10, &revoked).unwrap_err(), PassError::Unplanned);
}

#[test]
fn a_topic_whose_fillers_are_hidden_does_not_pass() {
    let mut mirror = Plan::default();
    mirror.0[1].1.hides_fillers = true;
    let admitted = mirror.0.each_ref().map(|(_, target)| Passing::admits(std::slice::from_ref(target)));
    assert_eq!(admitted, [true, false]);
    assert_eq!(passed(&framed(17, &plain()), 10, &mirror).unwrap_err(), PassError::Unplanned);
}

#[test]
fn a_size_that_lies_ends_it() {
    let frame = framed(17, &plain());
    let size = u32::try_from(frame.len() - 4).unwrap();
    // One of them ends the frame in the middle of records.
    for lie in [size - 1, size + 1, 0, 30, 250] {
        let mut lying = frame.clone();
        lying[..4].copy_from_slice(&lie.to_be_bytes());
        lying.extend_from_slice(&[0; 8]);
        let mut passing = Passing::new(CORRELATION_ID);
        assert!(passing.pass(&mut lying, &Plan::default()).is_err(), "{lie} for {size}");
    }
}

#[test]
fn a_part_without_end_is_not_waited_for() {
    let frame = framed(17, &plain());
    let mut received = BytesMut::from(&frame[..4]);
    received[..4].copy_from_slice(&i32::MAX.to_be_bytes());
    received.put_i32(1);
    // Tags of the header that announce more than ever comes.
    received.extend_from_slice(&[1, 5, 0xff, 0xff, 0xff, 0x7f]);
    received.extend_from_slice(&vec![0; LARGEST_PART]);
    let mut passing = Passing::new(CORRELATION_ID);
    assert!(matches!(passing.pass(&mut received, &Plan::default()), Err(PassError::Endless(_))));
}
