mod hostile;
mod whole;

use bytes::{Buf, BufMut, Bytes};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{BrokerId, ProducerId, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use uuid::Uuid;

use super::*;
use crate::api::ApiKey;
use crate::error_code::ErrorCode;
use crate::fetch::{
    BY_ID_SINCE, FLEXIBLE_SINCE, LOG_START_SINCE, PREFERRED_REPLICA_SINCE, RefusedTopic, SESSION_SINCE,
    rewrite_response,
};
use crate::header;
use crate::topic::{TopicKey, TopicRef};

const VERSIONS: std::ops::RangeInclusive<i16> = 4..=18;
const BY_NAME: std::ops::RangeInclusive<i16> = 4..=12;
const CORRELATION_ID: i32 = 42;
/// Its length takes two bytes in the compact form, and that of the name before it one.
const LONG: &str = "an-alias-so-much-longer-than-the-name-of-its-topic-that-the-length-of-it-needs-one-byte-more-where-\
                    lengths-are-written-in-the-compact-form";

/// What is asked for upstream, and what is shown of it; node 1 is advertised.
struct Plan(Vec<(TopicKey, Target)>);

impl Plan {
    /// Two topics.
    fn of(version: i16) -> Self {
        Self::between(version, [("backing-1", "a"), ("backing-2", LONG)])
    }

    fn between<'a>(version: i16, names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pair = |(number, (upstream, shown)): (u8, (&str, &str))| {
            let shown = key(version, number + 100, shown);
            let target = Target { shown, partitions: Partitions::All, refuse: None, hides_fillers: false };
            (key(version, number, upstream), target)
        };
        Self((1..).zip(names).map(pair).collect())
    }
}

fn key(version: i16, number: u8, name: &str) -> TopicKey {
    if version >= BY_ID_SINCE { TopicKey::Id([number; 16]) } else { TopicKey::Name(name.into()) }
}

impl ResponsePlan for Plan {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        let found = self.0.iter().find(|(key, _)| topic == key.borrowed());
        found.map_or(&[], |(_, target)| std::slice::from_ref(target))
    }

    fn asked(&self) -> impl Iterator<Item = (TopicRef<'_>, &[Target])> {
        self.0.iter().map(|(key, target)| (key.borrowed(), std::slice::from_ref(target)))
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
fn plain(version: i16) -> FetchResponse {
    let partition = |index: i32, records: &'static [u8]| {
        let aborted =
            |first| AbortedTransaction::default().with_producer_id(ProducerId(5)).with_first_offset(first);
        let mut partition = PartitionData::default()
            .with_partition_index(index)
            .with_error_code(if index == 3 { 1 } else { 0 })
            .with_high_watermark(100)
            .with_last_stable_offset(99)
            .with_aborted_transactions(if index == 0 { Some(vec![aborted(1), aborted(2)]) } else { None })
            .with_records(Some(Bytes::from_static(records)));
        if version >= LOG_START_SINCE {
            partition.log_start_offset = 2;
        }
        if version >= PREFERRED_REPLICA_SINCE {
            partition.preferred_read_replica = BrokerId(index % 2 + 1);
        }
        if version >= FLEXIBLE_SINCE {
            partition.diverging_epoch = EpochEndOffset::default().with_epoch(4).with_end_offset(44);
            partition.current_leader =
                LeaderIdAndEpoch::default().with_leader_id(BrokerId(1)).with_leader_epoch(6);
        }
        partition
    };
    let first = vec![partition(0, &[b'r'; 300]), partition(1, b"")];
    response(
        version,
        vec![topic(version, 1, "backing-1", first), topic(version, 2, "backing-2", vec![partition(3, b"s")])],
    )
}

fn topic(version: i16, number: u8, name: &str, partitions: Vec<PartitionData>) -> FetchableTopicResponse {
    let topic = FetchableTopicResponse::default().with_partitions(partitions);
    match version >= BY_ID_SINCE {
        true => topic.with_topic_id(Uuid::from_bytes([number; 16])),
        false => topic.with_topic(TopicName(StrBytes::from_string(name.to_owned()))),
    }
}

fn response(version: i16, topics: Vec<FetchableTopicResponse>) -> FetchResponse {
    let response = FetchResponse::default().with_throttle_time_ms(11).with_responses(topics);
    if version >= SESSION_SINCE { response.with_session_id(123) } else { response }
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
fn passed(version: i16, frame: &[u8], piece: usize, plan: &Plan) -> Result<(Vec<u8>, BytesMut), PassError> {
    let (mut out, mut received) = (Vec::new(), BytesMut::new());
    passed_into(&mut out, version, frame.chunks(piece), &mut received, plan)?;
    Ok((out, received))
}

/// As [`passed`]; what passed before an error is in `out`.
fn passed_into<'a>(
    out: &mut Vec<u8>,
    version: i16,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    received: &mut BytesMut,
    plan: &Plan,
) -> Result<(), PassError> {
    let mut passing = Passing::new(version, CORRELATION_ID);
    for bytes in chunks {
        received.extend_from_slice(bytes);
        passing.pass(received, plan)?.pieces().for_each(|piece| out.extend_from_slice(&piece));
    }
    assert!(passing.is_done(), "{passing:?}");
    Ok(())
}

fn decoded(version: i16, frame: &[u8]) -> FetchResponse {
    assert_eq!(frame[..4], i32::try_from(frame.len() - 4).unwrap().to_be_bytes());
    let (correlation_id, body) = header::parse_response(frame, ApiKey::Fetch, version).unwrap();
    assert_eq!(correlation_id, CORRELATION_ID);
    let mut rest = Bytes::copy_from_slice(&frame[body..]);
    let decoded = FetchResponse::decode(&mut rest, version).unwrap();
    assert!(!rest.has_remaining());
    decoded
}

fn whole(version: i16, frame: &[u8], plan: &Plan) -> Bytes {
    let frame = Bytes::copy_from_slice(frame);
    rewrite_response(&frame, version, CORRELATION_ID, plan).unwrap().joined()
}

#[test]
fn whatever_pieces_it_comes_in_it_is_what_the_whole_would_be() {
    for version in VERSIONS {
        let (frame, plan) = (framed(version, &plain(version)), Plan::of(version));
        let whole = whole(version, &frame, &plan);
        for piece in (1..40).chain([100, 1_000, 100_000]) {
            let (out, behind) = passed(version, &frame, piece, &plan).unwrap();
            assert_eq!(out, whole, "version {version}, pieces of {piece}");
            assert!(behind.is_empty());
        }
    }
}

#[test]
fn nothing_of_the_next_frame_is_touched() {
    for version in VERSIONS {
        let frame = framed(version, &plain(version));
        let both = [&frame[..], &frame].concat();
        let (out, behind) = passed(version, &both, 100_000, &Plan::of(version)).unwrap();
        assert_eq!((&out[..], &behind[..]), (&whole(version, &frame, &Plan::of(version))[..], &frame[..]));
    }
}

#[test]
fn records_leave_in_the_buffer_in_which_they_came_and_before_the_rest_is_there() {
    for version in VERSIONS {
        let frame = framed(version, &plain(version));
        let mut received = BytesMut::from(&frame[..200]);
        let came = received.as_ptr_range();
        let mut passing = Passing::new(version, CORRELATION_ID);
        let first: Vec<_> = passing.pass(&mut received, &Plan::of(version)).unwrap().pieces().collect();
        assert_eq!(first.len(), if version >= BY_ID_SINCE { 1 } else { 3 });
        let records = first.last().unwrap();
        assert!(records.ends_with(&[b'r'; 60]) && records.as_ptr_range().end == came.end, "{version}");
        assert!(came.contains(&records.as_ptr()) && received.is_empty());
    }
}

#[test]
fn what_must_not_be_shown_is_made_neutral_and_the_rest_stands() {
    for version in FLEXIBLE_SINCE..=18 {
        let mut response = plain(version);
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
            let (out, _) = passed(version, &frame, piece, &Plan::of(version)).unwrap();
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
fn a_topic_whose_fillers_are_hidden_does_not_pass() {
    for version in VERSIONS {
        let mut mirror = Plan::of(version);
        mirror.0[1].1.hides_fillers = true;
        let admitted: Vec<_> = mirror.asked().map(|(_, targets)| Passing::admits(targets)).collect();
        assert_eq!(admitted, [true, false]);
        let ended = passed(version, &framed(version, &plain(version)), 10, &mirror);
        assert_eq!(ended.unwrap_err(), PassError::Unplanned);
    }
}

#[test]
fn an_answer_that_repeats_a_topic_or_cannot_be_told_yet_is_taken_whole() {
    for version in VERSIONS {
        let (plan, mut answer) = (Plan::of(version), plain(version));
        let fits = |frame: &[u8]| Passing::new(version, CORRELATION_ID).fits(frame, &plan);
        let by_id = version >= BY_ID_SINCE;
        let frame = framed(version, &answer);
        assert!(fits(&frame[..32]));
        assert_eq!(fits(&frame[..15]), by_id);
        // As a broker answers that does not know one of the partitions.
        answer.responses.push(answer.responses[0].clone());
        assert_eq!(fits(&framed(version, &answer)), by_id);
        answer.responses.clear();
        assert_eq!(fits(&framed(version, &answer)), by_id);
        let empty = Plan(Vec::new());
        assert_eq!(Passing::new(version, 1).fits(&framed(version, &answer), &empty), by_id);
    }
}
