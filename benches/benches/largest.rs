//! What the largest requests that a frame can hold cost their rules: time that a hostile partner takes from a core.
//!
//! The zone has as many aliases as a zone may have, of names as long as they may be. A figure is the time of one request;
//! what follows it up the line is not in it.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench whose input is broken has nothing to measure"
)]

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, criterion_group, criterion_main};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, DescribeConfigsRequest, FetchRequest, FindCoordinatorRequest, GroupId,
    ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
    OffsetForLeaderEpochRequest, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use tidegate_authz::cluster::{PartitionView, TopicView};
use tidegate_authz::table::Service;
use tidegate_authz::{
    AddressMap, ClusterView, ConnectionState, Mirrors, Policy, RequestContext, RuleTable, ZoneView,
};
use tidegate_core::facts::Timestamp;
use tidegate_core::{BackingTopic, RootKey, parse_zones};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

/// The most aliases of a zone.
const ALIASES: usize = 1_000;
/// The most topics and partitions of a request.
const TOPICS: usize = 10_000;
const PARTITIONS: i32 = 80_000;

fn largest(c: &mut Criterion) {
    let world = World::new();
    let mut group = c.benchmark_group("largest");
    group.sample_size(10);
    for (name, request) in requests() {
        group.bench_function(name, |bench| bench.iter(|| world.ask(black_box(&request))));
    }
}

struct World {
    zone: Arc<ZoneView>,
    cluster: ClusterView,
    addresses: AddressMap,
    table: RuleTable,
}

impl World {
    fn new() -> Self {
        let topics: String = (0..ALIASES)
            .map(|n| {
                format!("    - {{name: {}, backingTopic: {}, permission: READ}}\n", alias(n), backing(n))
            })
            .collect();
        let manifest = format!(
            "apiVersion: v2\nkind: PartnerZone\nmetadata: {{name: partner}}\nspec:\n  cluster: main\n  \
             serviceAccount: partner\n  topics:\n{topics}"
        );
        let spec = parse_zones(&manifest).expect("the zone is legal").remove(0);
        let key = RootKey::from_bytes([7; 32]);
        let cluster = cluster();
        let keys = key.zone_keys(&key.zone_id(spec.name()));
        let zone = Arc::new(ZoneView::compile(&spec, &keys, &cluster, &Mirrors::default(), Arc::default()));
        let addresses = AddressMap::from_iter([(1, "gateway.example".into(), 19_101)]);
        Self { zone, cluster, addresses, table: RuleTable::default() }
    }

    fn ask(&self, request: &Request) {
        let Some(Service::Rule(rule)) = self.table.service(request.key, request.version) else {
            panic!("{:?} has no rule", request.key)
        };
        let mut context = RequestContext {
            zone: &self.zone,
            cluster: &self.cluster,
            addresses: &self.addresses,
            policy: &Policy::default(),
            client_id: "tg-zone/app",
            now: Timestamp(1_800_000_000),
            absent_producers: &[],
            throttle_ms: 0,
            connection: &mut ConnectionState::default(),
        };
        black_box(rule.on_request(&mut context, request).expect("the request is well formed"));
    }
}

fn cluster() -> ClusterView {
    let partition = PartitionView {
        index: 0,
        error: ErrorCode::NONE,
        leader: 1,
        leader_epoch: 5,
        replicas: vec![1, 2, 3],
        in_sync: vec![1, 2, 3],
        offline: Vec::new(),
    };
    let topic = |n: usize| {
        let mut id = [0xaa; 16];
        id[8..].copy_from_slice(&(n as u64).to_be_bytes());
        let name = BackingTopic::parse(&backing(n)).expect("a legal name");
        (name, Arc::new(TopicView { id, partitions: vec![partition.clone()] }))
    };
    let versions = ApiKey::iter().map(|key| {
        let range = key.valid_versions();
        (key, Versions::new(range.min, range.max))
    });
    ClusterView {
        nodes: vec![1],
        controller: Some(1),
        versions: versions.collect(),
        topics: (0..ALIASES).map(topic).collect(),
        ..ClusterView::default()
    }
}

/// As long as a topic's name may be.
fn alias(n: usize) -> String {
    format!("{}{n:09}", "a".repeat(240))
}

fn backing(n: usize) -> String {
    format!("acme-internal-{n:06}")
}

fn requests() -> Vec<(&'static str, Request)> {
    let every = |n: usize| n % ALIASES;
    let metadata = |name: fn(usize) -> String, count| {
        let topic = |n| MetadataRequestTopic::default().with_name(Some(topic_name(&name(n))));
        MetadataRequest::default().with_topics(Some((0..count).map(topic).collect()))
    };
    let fetch = |topics: Vec<(String, Vec<i32>)>| {
        let partition = |index: &i32| FetchPartition::default().with_partition(*index);
        let topic = |(name, partitions): (String, Vec<i32>)| {
            let partitions = partitions.iter().map(partition).collect();
            FetchTopic::default().with_topic(topic_name(&name)).with_partitions(partitions)
        };
        FetchRequest::default().with_topics(topics.into_iter().map(topic).collect())
    };
    let all: Vec<i32> = (0..36_000).collect();
    vec![
        ("metadata, own names", request(12, &metadata(alias, 3_900))),
        ("metadata, foreign names", request(12, &metadata(|n| format!("f{n}"), TOPICS))),
        ("fetch, own topics", request(11, &fetch((0..3_500).map(|n| (alias(every(n)), vec![0])).collect()))),
        (
            "fetch, foreign topics",
            request(11, &fetch((0..TOPICS).map(|n| (format!("f{n}"), vec![0])).collect())),
        ),
        ("fetch, one topic of many partitions", request(11, &fetch(vec![(alias(0), all.clone())]))),
        ("fetch, one partition again and again", request(11, &fetch(vec![(alias(0), vec![0; 36_000])]))),
        ("list offsets", request(6, &list_offsets())),
        ("leader epochs", request(3, &leader_epochs())),
        ("commit offsets", request(7, &commit())),
        ("fetch offsets of many groups", request(8, &offset_fetch())),
        ("find coordinators", request(4, &coordinators())),
        ("describe configs", request(4, &configs())),
        (
            "heartbeat with every name",
            request(
                1,
                &heartbeat()
                    .with_subscribed_topic_names(Some((0..ALIASES).map(|n| topic_name(&alias(n))).collect())),
            ),
        ),
        (
            "heartbeat with a costly pattern",
            request(1, &heartbeat().with_subscribed_topic_regex(Some(text(&"(a|a?)*[a-z]?".repeat(70))))),
        ),
    ]
}

fn list_offsets() -> ListOffsetsRequest {
    let partition = |index| ListOffsetsPartition::default().with_partition_index(index);
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(&alias(0)))
        .with_partitions((0..PARTITIONS / 2).map(partition).collect());
    ListOffsetsRequest::default().with_topics(vec![topic])
}

fn leader_epochs() -> OffsetForLeaderEpochRequest {
    let partition = |index| OffsetForLeaderPartition::default().with_partition(index);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(topic_name(&alias(0)))
        .with_partitions((0..PARTITIONS).map(partition).collect());
    OffsetForLeaderEpochRequest::default().with_topics(vec![topic])
}

fn commit() -> OffsetCommitRequest {
    let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
    let topic = |n: usize| {
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(&alias(n)))
            .with_partitions((0..40).map(partition).collect())
    };
    OffsetCommitRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_topics((0..ALIASES).map(topic).collect())
}

fn offset_fetch() -> OffsetFetchRequest {
    let topics: Vec<OffsetFetchRequestTopics> = (0..4)
        .map(|n| {
            OffsetFetchRequestTopics::default()
                .with_name(topic_name(&alias(n)))
                .with_partition_indexes(vec![0])
        })
        .collect();
    let group = |n: usize| {
        OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text(&format!("group-{n}"))))
            .with_topics(Some(topics.clone()))
    };
    OffsetFetchRequest::default().with_groups((0..900).map(group).collect())
}

fn coordinators() -> FindCoordinatorRequest {
    let keys = (0..1_000).map(|n| text(&format!("group-{n}"))).collect();
    FindCoordinatorRequest::default().with_coordinator_keys(keys)
}

fn configs() -> DescribeConfigsRequest {
    let resource =
        |n| DescribeConfigsResource::default().with_resource_type(2).with_resource_name(text(&alias(n)));
    DescribeConfigsRequest::default().with_resources((0..ALIASES).map(resource).collect())
}

fn heartbeat() -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_member_id(text("member"))
        .with_rebalance_timeout_ms(1_000)
        .with_subscribed_topic_names(Some(Vec::new()))
        .with_topic_partitions(Some(Vec::new()))
}

fn request<Q: Guarded + Encodable>(version: i16, message: &Q) -> Request {
    let mut body = BytesMut::new();
    codec::encode(message, version, &mut body).expect("the request can be written");
    assert!(body.len() <= 1024 * 1024, "{:?} has {} bytes, more than a frame", Q::KEY, body.len());
    Request {
        key: Q::KEY,
        version,
        correlation_id: 1,
        client_id: Bytes::from_static(b"app"),
        body: body.freeze(),
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

criterion_group!(benches, largest);
criterion_main!(benches);
