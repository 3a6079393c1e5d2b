//! Metadata (3): answered from the picture of the cluster, never forwarded.
//!
//! A name or id outside the zone gets the same bytes whether it exists or not, and no request of a partner
//! can create a topic: nothing of it reaches a broker.

use std::collections::HashSet;

use bytes::Bytes;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec::{self, CodecError};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::guard::{Fault, GuardError};
use tidegate_wire::header::Request;
use uuid::Uuid;

use super::{Rule, answer, shown_leader};
use crate::addresses::AddressMap;
use crate::cluster::PartitionView;
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct Metadata;

const NULL_IS_ALL_SINCE: i16 = 1;
const CLUSTER_ID_SINCE: i16 = 2;
const OFFLINE_REPLICAS_SINCE: i16 = 5;
const LEADER_EPOCH_SINCE: i16 = 7;
const OPERATIONS_SINCE: i16 = 8;
const CLUSTER_OPERATIONS: std::ops::RangeInclusive<i16> = 8..=10;
const TOPIC_ID_SINCE: i16 = 10;
const ASK_BY_ID_SINCE: i16 = 12;

/// "Not asked for" in the authorized-operations fields (KIP-430).
const OPERATIONS_UNKNOWN: i32 = i32::MIN;
const OPERATION_READ: i32 = 1 << 3;
const OPERATION_WRITE: i32 = 1 << 4;
const OPERATION_DESCRIBE: i32 = 1 << 8;
const OPERATION_DESCRIBE_CONFIGS: i32 = 1 << 10;

impl Rule for Metadata {
    fn key(&self) -> ApiKey {
        ApiKey::Metadata
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 13)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let version = request.version;
        let asked = decode(version, &request.body)?;
        let writer = Writer {
            version,
            zone: context.zone,
            addresses: context.addresses,
            topic_operations: version >= OPERATIONS_SINCE && asked.include_topic_authorized_operations,
        };
        let mut response = MetadataResponse::default()
            .with_brokers(brokers(context))
            .with_topics(writer.topics(asked.topics.as_deref()));
        for topic in response.topics.iter().filter(|topic| topic.error_code != 0) {
            let name = topic.name.as_ref().map_or("", |name| name.as_str());
            context.refused(ErrorCode(topic.error_code), name);
        }
        if version >= NULL_IS_ALL_SINCE {
            response.controller_id = BrokerId(controller(context));
        }
        if version >= CLUSTER_ID_SINCE {
            response.cluster_id = Some(StrBytes::from_string(context.zone.cluster_id().to_owned()));
        }
        if CLUSTER_OPERATIONS.contains(&version) && asked.include_cluster_authorized_operations {
            response.cluster_authorized_operations = 0;
        }
        answer(request, &response)
    }
}

/// Bytes after the end of a request for all topics that librdkafka sends from version 9 on: it reserves four
/// bytes for a count that takes one. Brokers do not look at them, and from here nothing is forwarded.
const LIBRDKAFKA_TAIL: usize = 3;

fn decode(version: i16, body: &Bytes) -> Result<MetadataRequest, CodecError> {
    match codec::decode(version, body) {
        Err(CodecError::Guard(GuardError { fault: Fault::TrailingBytes(_), at, .. }))
            if body.len() - at <= LIBRDKAFKA_TAIL =>
        {
            codec::decode(version, &body.slice(..at))
        }
        decoded => decoded,
    }
}

fn brokers(context: &RequestContext<'_>) -> Vec<MetadataResponseBroker> {
    let nodes = context.cluster.nodes.iter();
    nodes
        .filter_map(|node| {
            let (host, port) = context.addresses.of(*node)?;
            let broker = MetadataResponseBroker::default()
                .with_node_id(BrokerId(*node))
                .with_host(StrBytes::from_string(host.to_owned()))
                .with_port(i32::from(port));
            Some(broker)
        })
        .collect()
}

/// The controller if it is advertised, else any advertised node: clients only use it for admin calls.
fn controller(context: &RequestContext<'_>) -> i32 {
    let advertised = |node: &&i32| context.addresses.knows(**node);
    let controller = context.cluster.controller.iter().find(advertised);
    controller.or_else(|| context.cluster.nodes.iter().find(advertised)).copied().unwrap_or(-1)
}

struct Writer<'a> {
    version: i16,
    zone: &'a ZoneView,
    addresses: &'a AddressMap,
    topic_operations: bool,
}

impl Writer<'_> {
    fn topics(&self, asked: Option<&[MetadataRequestTopic]>) -> Vec<MetadataResponseTopic> {
        match asked {
            None => self.all(),
            Some([]) if self.version < NULL_IS_ALL_SINCE => self.all(),
            Some(topics) if self.misuses_ids(topics) => {
                topics.iter().map(|topic| self.refused(topic, ErrorCode::INVALID_REQUEST)).collect()
            }
            Some(topics) => {
                let mut seen = HashSet::new();
                let distinct = topics.iter().filter(|topic| seen.insert((&topic.topic_id, &topic.name)));
                distinct.map(|topic| self.one(topic)).collect()
            }
        }
    }

    /// Versions 10 and 11 know ids in answers only.
    fn misuses_ids(&self, topics: &[MetadataRequestTopic]) -> bool {
        (TOPIC_ID_SINCE..ASK_BY_ID_SINCE).contains(&self.version)
            && topics.iter().any(|topic| topic.name.is_none() || !topic.topic_id.is_nil())
    }

    /// Every alias whose topic exists.
    fn all(&self) -> Vec<MetadataResponseTopic> {
        self.zone
            .topics()
            .iter()
            .filter(|granted| granted.topic.is_some())
            .map(|granted| self.granted(granted))
            .collect()
    }

    fn one(&self, asked: &MetadataRequestTopic) -> MetadataResponseTopic {
        let by_id = !asked.topic_id.is_nil();
        let granted = match &asked.name {
            _ if by_id => self.zone.by_id(asked.topic_id.into_bytes()),
            Some(name) => self.zone.by_name(name),
            None => None,
        };
        match granted {
            Some(granted) => self.granted(granted),
            None if by_id || asked.name.is_none() => self.refused(asked, ErrorCode::UNKNOWN_TOPIC_ID),
            None => self.refused(asked, ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        }
    }

    fn granted(&self, granted: &Granted) -> MetadataResponseTopic {
        let name = StrBytes::from_string(granted.alias.as_str().to_owned());
        let mut shown = MetadataResponseTopic::default().with_name(Some(TopicName(name)));
        shown.topic_authorized_operations =
            if self.topic_operations { operations(granted) } else { OPERATIONS_UNKNOWN };
        match &granted.topic {
            None => shown.error_code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.0,
            Some(topic) => {
                shown.partitions = topic.upstream.partitions.iter().map(|p| self.partition(p)).collect();
                if self.version >= TOPIC_ID_SINCE {
                    shown.topic_id = Uuid::from_bytes(topic.virtual_id);
                }
            }
        }
        shown
    }

    fn partition(&self, partition: &PartitionView) -> MetadataResponsePartition {
        let brokers = |nodes: &[i32]| nodes.iter().copied().map(BrokerId).collect();
        let mut shown = MetadataResponsePartition::default()
            .with_partition_index(partition.index)
            .with_error_code(partition.error.0)
            .with_replica_nodes(brokers(&partition.replicas))
            .with_isr_nodes(brokers(&partition.in_sync));
        match shown_leader(self.addresses, partition.leader) {
            Some(leader) => shown.leader_id = BrokerId(leader),
            None => {
                shown.leader_id = BrokerId(-1);
                shown.error_code = ErrorCode::LEADER_NOT_AVAILABLE.0;
            }
        }
        if self.version >= OFFLINE_REPLICAS_SINCE {
            shown.offline_replicas = brokers(&partition.offline);
        }
        if self.version >= LEADER_EPOCH_SINCE {
            shown.leader_epoch = partition.leader_epoch;
        }
        shown
    }

    /// A topic of which nothing is said but the error.
    fn refused(&self, asked: &MetadataRequestTopic, error: ErrorCode) -> MetadataResponseTopic {
        let by_id = self.version >= ASK_BY_ID_SINCE && !asked.topic_id.is_nil();
        let nothing = || (self.version < ASK_BY_ID_SINCE).then(|| TopicName(StrBytes::new()));
        MetadataResponseTopic::default()
            .with_error_code(error.0)
            .with_name(if by_id { None } else { asked.name.clone().or_else(nothing) })
            .with_topic_id(if by_id { asked.topic_id } else { Uuid::nil() })
            .with_topic_authorized_operations(OPERATIONS_UNKNOWN)
    }
}

fn operations(granted: &Granted) -> i32 {
    let write = if granted.permission.can_write() { OPERATION_WRITE } else { 0 };
    OPERATION_READ | OPERATION_DESCRIBE | OPERATION_DESCRIBE_CONFIGS | write
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Bench, encoded};

    fn named(name: &str) -> MetadataRequestTopic {
        MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
    }

    fn ask(version: i16, topics: Option<Vec<MetadataRequestTopic>>) -> MetadataResponse {
        let bench = Bench::new();
        bench.answer(&Metadata, version, &MetadataRequest::default().with_topics(topics))
    }

    fn names(response: &MetadataResponse) -> Vec<(&str, i16)> {
        response
            .topics
            .iter()
            .map(|t| (t.name.as_deref().map_or("-", |n| n.as_str()), t.error_code))
            .collect()
    }

    #[test]
    fn the_list_of_all_topics_is_exactly_the_aliases_at_every_version() {
        for version in Metadata.versions().iter() {
            let all = if version == 0 { Some(Vec::new()) } else { None };
            let response = ask(version, all);
            assert_eq!(names(&response), [("orders", 0), ("prices", 0)], "version {version}");
            assert_eq!(response.brokers.len(), 2);
            for broker in &response.brokers {
                assert_eq!((broker.host.as_str(), broker.rack.as_deref()), ("gateway.example", None));
            }
            if version >= CLUSTER_ID_SINCE {
                assert_eq!(response.cluster_id.as_deref(), Some(Bench::new().zone.cluster_id()));
            }
        }
    }

    #[test]
    fn a_hidden_name_and_a_nonsense_name_get_the_same_bytes() {
        for version in Metadata.versions().iter() {
            let hidden = ask(version, Some(vec![named(testing::HIDDEN_TOPIC)]));
            let absent = ask(version, Some(vec![named("nonsense")]));
            let mut absent_with_hidden_name = absent.clone();
            absent_with_hidden_name.topics[0].name = hidden.topics[0].name.clone();
            assert_eq!(encoded(version, &hidden), encoded(version, &absent_with_hidden_name));
            assert_eq!(names(&absent), [("nonsense", 29)]);
            assert!(absent.topics[0].topic_id.is_nil() && absent.topics[0].partitions.is_empty());
        }
    }

    #[test]
    fn a_backing_name_is_as_foreign_as_any() {
        for version in Metadata.versions().iter() {
            let response = ask(version, Some(vec![named(testing::ORDERS_BACKING)]));
            assert_eq!(names(&response), [(testing::ORDERS_BACKING, 29)]);
        }
    }

    #[test]
    fn ids_resolve_only_when_they_are_virtual_and_of_this_zone() {
        let bench = Bench::new();
        for version in ASK_BY_ID_SINCE..=13 {
            let by_id =
                |id| MetadataRequestTopic::default().with_name(None).with_topic_id(Uuid::from_bytes(id));
            let virtual_id = bench.virtual_id("orders");
            let response =
                ask(version, Some(vec![by_id(virtual_id), by_id(testing::ORDERS_ID), by_id([9; 16])]));
            assert_eq!(names(&response), [("orders", 0), ("-", 100), ("-", 100)]);
            assert_eq!(response.topics[0].topic_id.into_bytes(), virtual_id);
        }
    }

    #[test]
    fn versions_ten_and_eleven_take_no_ids() {
        for version in TOPIC_ID_SINCE..ASK_BY_ID_SINCE {
            let topic = named("orders").with_topic_id(Uuid::from_bytes([1; 16]));
            assert_eq!(ask(version, Some(vec![topic])).topics[0].error_code, 42);
        }
    }

    #[test]
    fn partitions_keep_epochs_and_lose_leaders_that_have_no_address() {
        let response = ask(9, Some(vec![named("orders")]));
        let leaders: Vec<_> = response.topics[0]
            .partitions
            .iter()
            .map(|p| (p.leader_id.0, p.leader_epoch, p.error_code))
            .collect();
        assert_eq!(leaders, [(1, 5, 0), (2, 6, 0), (-1, 7, 5)]);
    }

    #[test]
    fn operations_are_told_only_when_asked_and_follow_the_permission() {
        let bench = Bench::new();
        for version in 8..=13 {
            let message =
                MetadataRequest::default().with_topics(None).with_include_topic_authorized_operations(true);
            let response: MetadataResponse = bench.answer(&Metadata, version, &message);
            let bits: Vec<_> = response.topics.iter().map(|t| t.topic_authorized_operations).collect();
            assert_eq!(bits, [0b101_0001_1000, 0b101_0000_1000]);
            assert_eq!(ask(version, None).topics[0].topic_authorized_operations, OPERATIONS_UNKNOWN);
        }
    }

    #[test]
    fn the_three_bytes_too_many_of_librdkafka_are_passed_over_and_no_more() {
        for version in 9..=13 {
            let all = encoded(version, &MetadataRequest::default().with_topics(None));
            let with = |tail: &[u8]| Bytes::from([&all[..], tail].concat());
            assert!(decode(version, &with(&[1, 0, 0])).is_ok_and(|asked| asked.topics.is_none()));
            assert!(decode(version, &with(&[1, 0, 0, 0])).is_err());
        }
    }

    #[test]
    fn a_name_asked_twice_is_answered_once() {
        assert_eq!(names(&ask(9, Some(vec![named("orders"), named("orders")]))), [("orders", 0)]);
    }
}
