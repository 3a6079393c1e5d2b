mod fillers;

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_protocol::messages::{BrokerId, FetchResponse, ProducerId, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use uuid::Uuid;

use super::*;
use crate::api::ApiKey;
use crate::error_code::ErrorCode;
use crate::header;
use crate::topic::{TopicKey, TopicRef};

const BACKING_ID: [u8; 16] = [7; 16];
const SHOWN_ID: [u8; 16] = [9; 16];
const VERSIONS: std::ops::RangeInclusive<i16> = 4..=18;

#[derive(Default)]
struct Plan {
    targets: HashMap<String, Vec<Target>>,
    refused: Vec<RefusedTopic>,
}

impl ResponsePlan for Plan {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        let key = match topic {
            TopicRef::Name(name) => name.to_owned(),
            TopicRef::Id(id) => format!("{id:?}"),
        };
        self.targets.get(&key).map_or(&[], Vec::as_slice)
    }

    fn refused(&self) -> &[RefusedTopic] {
        &self.refused
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        (node == 1).then_some(("gateway.example", 19101))
    }
}

fn shown(version: i16, name: &str, id: [u8; 16]) -> TopicKey {
    if version >= BY_ID_SINCE { TopicKey::Id(id) } else { TopicKey::Name(name.into()) }
}

fn plan(version: i16, partitions: Partitions) -> Plan {
    let target =
        Target { shown: shown(version, "alias", SHOWN_ID), partitions, refuse: None, hides_fillers: false };
    let key = if version >= BY_ID_SINCE { format!("{BACKING_ID:?}") } else { "backing-topic".to_owned() };
    Plan { targets: HashMap::from([(key, vec![target])]), refused: Vec::new() }
}

fn partition(version: i16, index: i32, records: &'static [u8]) -> PartitionData {
    let mut data = PartitionData::default()
        .with_partition_index(index)
        .with_high_watermark(100)
        .with_last_stable_offset(99)
        .with_aborted_transactions(Some(vec![
            AbortedTransaction::default().with_producer_id(ProducerId(5)).with_first_offset(3),
        ]))
        .with_records(Some(Bytes::from_static(records)));
    if version >= LOG_START_SINCE {
        data.log_start_offset = 2;
    }
    if version >= PREFERRED_REPLICA_SINCE {
        data.preferred_read_replica = BrokerId(2);
    }
    if version >= FLEXIBLE_SINCE {
        data.diverging_epoch = EpochEndOffset::default().with_epoch(4).with_end_offset(44);
        data.current_leader = LeaderIdAndEpoch::default().with_leader_id(BrokerId(1)).with_leader_epoch(6);
        data.unknown_tagged_fields.insert(77, Bytes::from_static(b"upstream secret"));
    }
    data
}

fn response(version: i16, partitions: Vec<PartitionData>) -> FetchResponse {
    let mut topic = FetchableTopicResponse::default().with_partitions(partitions);
    if version >= BY_ID_SINCE {
        topic.topic_id = Uuid::from_bytes(BACKING_ID);
    } else {
        topic.topic = TopicName(StrBytes::from_static_str("backing-topic"));
    }
    let mut response = FetchResponse::default().with_throttle_time_ms(11).with_responses(vec![topic]);
    if version >= SESSION_SINCE {
        response.session_id = 123;
    }
    if version >= ENDPOINTS_SINCE {
        let node = |id, host| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(id))
                .with_host(StrBytes::from_static_str(host))
                .with_port(9092)
                .with_rack(Some(StrBytes::from_static_str("upstream-rack")))
        };
        response.node_endpoints = vec![node(1, "upstream-1"), node(2, "upstream-2")];
    }
    response
}

fn framed(version: i16, response: &FetchResponse) -> Bytes {
    let mut body = BytesMut::new();
    header::write_response(&mut body, ApiKey::Fetch, version, 1);
    response.encode(&mut body, version).unwrap();
    let mut frame = BytesMut::new();
    frame.put_i32(i32::try_from(body.len()).unwrap());
    frame.put_slice(&body);
    frame.freeze()
}

fn rewritten(version: i16, response: &FetchResponse, plan: &impl ResponsePlan) -> (FetchResponse, Bytes) {
    let frame = framed(version, response);
    let bytes = rewrite_response(&frame, version, 42, plan).unwrap().joined();
    assert_eq!(i32::try_from(bytes.len() - 4), Ok(i32::from_be_bytes(bytes[..4].try_into().unwrap())));
    let (correlation_id, body) = header::parse_response(&bytes, ApiKey::Fetch, version).unwrap();
    assert_eq!(correlation_id, 42);
    let mut rest = bytes.slice(body..);
    let decoded = FetchResponse::decode(&mut rest, version).unwrap();
    assert!(rest.is_empty());
    (decoded, bytes)
}

#[test]
fn every_version_shows_the_alias_and_the_untouched_partition() {
    for version in VERSIONS {
        let sent = response(version, vec![partition(version, 0, b"records"), partition(version, 1, b"")]);
        let (got, _) = rewritten(version, &sent, &plan(version, Partitions::All));
        assert_eq!((got.throttle_time_ms, got.session_id), (11, 0), "version {version}");
        let topic = &got.responses[0];
        if version >= BY_ID_SINCE {
            assert_eq!(topic.topic_id.into_bytes(), SHOWN_ID);
        } else {
            assert_eq!(topic.topic.as_str(), "alias");
        }
        for (got, sent) in topic.partitions.iter().zip(&sent.responses[0].partitions) {
            let mut expected = sent.clone();
            expected.unknown_tagged_fields.clear();
            expected.preferred_read_replica = BrokerId(-1);
            assert_eq!(got, &expected, "version {version}");
        }
    }
}

#[test]
fn no_upstream_host_rack_or_unknown_tag_survives() {
    for version in VERSIONS {
        let (got, bytes) = rewritten(
            version,
            &response(version, vec![partition(version, 0, b"r")]),
            &plan(version, Partitions::All),
        );
        for secret in [&b"upstream"[..], b"backing", &BACKING_ID] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "version {version}");
        }
        if version >= ENDPOINTS_SINCE {
            assert_eq!(got.node_endpoints.len(), 1);
            let node = &got.node_endpoints[0];
            assert_eq!((node.node_id.0, node.host.as_str(), node.port), (1, "gateway.example", 19101));
            assert_eq!(node.rack, None);
        }
    }
}

#[test]
fn record_bytes_leave_in_the_buffer_in_which_they_came() {
    for version in VERSIONS {
        let frame = framed(version, &response(version, vec![partition(version, 0, b"these very bytes")]));
        let outgoing = rewrite_response(&frame, version, 1, &plan(version, Partitions::All)).unwrap();
        let records = outgoing.pieces().find(|piece| piece == "these very bytes").unwrap();
        let range = frame.as_ptr_range();
        assert!(range.contains(&records.as_ptr()), "version {version}");
    }
}

#[test]
fn a_revoked_alias_shows_its_error_and_nothing_else() {
    for version in VERSIONS {
        let mut plan = plan(version, Partitions::All);
        plan.targets.values_mut().for_each(|targets| {
            targets[0].refuse = Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        });
        let (got, bytes) =
            rewritten(version, &response(version, vec![partition(version, 3, b"secret")]), &plan);
        let partition = &got.responses[0].partitions[0];
        assert_eq!((partition.partition_index, partition.error_code), (3, 29));
        assert_eq!((partition.high_watermark, partition.log_start_offset), (-1, -1));
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
    }
}

#[test]
fn refused_topics_join_the_answer_and_unplanned_ones_leave_it() {
    for version in VERSIONS {
        let refused = RefusedTopic {
            shown: shown(version, "foreign", [3; 16]),
            partitions: vec![0, 5],
            error: ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        };
        let plan = Plan { targets: HashMap::new(), refused: vec![refused] };
        let (got, _) = rewritten(version, &response(version, vec![partition(version, 0, b"r")]), &plan);
        assert_eq!(got.responses.len(), 1);
        let errors: Vec<_> =
            got.responses[0].partitions.iter().map(|p| (p.partition_index, p.error_code)).collect();
        assert_eq!(errors, [(0, 29), (5, 29)]);
    }
}

#[test]
fn two_aliases_of_one_topic_share_what_was_fetched_once() {
    for version in VERSIONS {
        let target = |name, id, whole: &[i32], bare: &[i32]| Target {
            shown: shown(version, name, id),
            partitions: Partitions::Some { whole: whole.to_vec(), bare: bare.to_vec() },
            refuse: None,
            hides_fillers: false,
        };
        let mut plan = plan(version, Partitions::All);
        plan.targets.values_mut().for_each(|targets| {
            *targets = vec![target("a", [1; 16], &[0], &[]), target("b", [2; 16], &[1], &[0])];
        });
        let sent = response(version, vec![partition(version, 0, b"zero"), partition(version, 1, b"one")]);
        let (got, _) = rewritten(version, &sent, &plan);
        let records = |topic: usize| -> Vec<_> {
            got.responses[topic]
                .partitions
                .iter()
                .map(|p| (p.partition_index, p.records.clone().unwrap(), p.high_watermark))
                .collect()
        };
        assert_eq!(records(0), [(0, Bytes::from("zero"), 100)]);
        assert_eq!(records(1), [(0, Bytes::new(), 100), (1, Bytes::from("one"), 100)]);
    }
}

#[test]
fn the_error_and_truncation_of_one_alias_are_not_its_siblings() {
    for version in VERSIONS {
        for (error, shared) in [(0, 0), (1, 0), (74, 0), (6, 6)] {
            let target = |name, id, whole: &[i32], bare: &[i32]| Target {
                shown: shown(version, name, id),
                partitions: Partitions::Some { whole: whole.to_vec(), bare: bare.to_vec() },
                refuse: None,
                hides_fillers: false,
            };
            let mut plan = plan(version, Partitions::All);
            plan.targets.values_mut().for_each(|targets| {
                *targets = vec![target("a", [1; 16], &[0], &[]), target("b", [2; 16], &[], &[0])];
            });
            let sent = response(version, vec![partition(version, 0, b"zero").with_error_code(error)]);
            let (got, _) = rewritten(version, &sent, &plan);
            let (asked, bare) = (&got.responses[0].partitions[0], &got.responses[1].partitions[0]);
            assert_eq!((asked.error_code, bare.error_code), (error, shared), "version {version}");
            assert_eq!(bare.high_watermark, if error == 0 { 100 } else { -1 });
            assert_eq!(bare.diverging_epoch, EpochEndOffset::default());
            assert_eq!(bare.aborted_transactions, None);
        }
    }
}

#[test]
fn a_malformed_answer_is_an_error_at_every_cut() {
    for version in VERSIONS {
        let frame = framed(version, &response(version, vec![partition(version, 0, b"records")]));
        for cut in 4..frame.len() {
            let outcome = rewrite_response(&frame.slice(..cut), version, 1, &plan(version, Partitions::All));
            assert!(outcome.is_err(), "version {version}, cut {cut}");
        }
        let mut longer = BytesMut::from(&frame[..]);
        longer.put_u8(0);
        assert!(rewrite_response(&longer.freeze(), version, 1, &plan(version, Partitions::All)).is_err());
    }
}
