//! Metadata and coordinators, at each version that is asked with.

use kafka_protocol::messages::find_coordinator_response::Coordinator as WireCoordinator;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::Guarded;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::{
    FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};
use uuid::Uuid;

use super::broker::{Broker, api_versions, body, options};
use crate::coordinator::{self, Coordinator};
use crate::metadata::{self, Broker as Node, PartitionMetadata};
use crate::{AskError, Connection, Endpoint, Security, connect};

/// A broker that speaks `key` up to `max` and gives one answer, made of the request's body.
async fn answering<Q, A>(max: i16, answer: impl FnOnce(Q) -> A + Send + 'static) -> (Broker, Connection)
where
    Q: Guarded + Decodable + Send,
    A: Guarded + Encodable + Send + Sync,
{
    let broker = Broker::run(move |mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        let mut versions = api_versions(0);
        let asked = versions.api_keys.iter_mut().filter(|api| api.api_key == Q::KEY as i16);
        asked.for_each(|api| api.max_version = max);
        peer.answer(&request, &versions).await;
        let request = peer.request(Q::KEY).await;
        assert_eq!(request.version, max);
        let answer = answer(body::<Q>(&request));
        peer.answer(&request, &answer).await;
    })
    .await;
    let connection = connect(&broker.endpoint, &options(Security::plaintext())).await.unwrap();
    (broker, connection)
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn node(port: i32) -> MetadataResponseBroker {
    MetadataResponseBroker::default()
        .with_node_id(2.into())
        .with_host(text("kafka-2"))
        .with_port(port)
        .with_rack(Some(text("r1")))
}

fn topic(version: i16) -> MetadataResponseTopic {
    let partition = MetadataResponsePartition::default()
        .with_error_code(5)
        .with_partition_index(3)
        .with_leader_id((-1).into())
        .with_leader_epoch(if version >= 7 { 9 } else { -1 })
        .with_replica_nodes(vec![2.into(), 1.into()])
        .with_isr_nodes(vec![2.into()])
        .with_offline_replicas(if version >= 5 { vec![1.into()] } else { Vec::new() });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(text("orders"))))
        .with_topic_id(if version >= 10 { Uuid::from_u128(7) } else { Uuid::nil() })
        .with_partitions(vec![partition])
}

#[tokio::test]
async fn metadata_comes_as_typed_values_at_every_version() {
    for version in 4..=13 {
        let (broker, mut connection) = answering(version, move |request: MetadataRequest| {
            assert!(!request.allow_auto_topic_creation);
            let topics = request.topics.unwrap();
            assert_eq!(
                topics.iter().map(|topic| topic.name.as_deref().unwrap().as_str()).collect::<Vec<_>>(),
                ["orders"]
            );
            MetadataResponse::default()
                .with_cluster_id(Some(text("c1")))
                .with_controller_id((-1).into())
                .with_brokers(vec![node(9092)])
                .with_topics(vec![topic(version)])
        })
        .await;
        let cluster = metadata::fetch(&mut connection, &["orders"]).await.unwrap();
        assert_eq!((cluster.cluster_id.as_deref(), cluster.controller), (Some("c1"), None));
        let node = Node { id: 2, endpoint: Endpoint::new("kafka-2", 9092), rack: Some("r1".to_owned()) };
        assert_eq!(cluster.brokers, [node]);
        let topic = &cluster.topics[0];
        assert_eq!((topic.name.as_str(), topic.error), ("orders", ErrorCode::NONE));
        assert_eq!(topic.id, if version >= 10 { Uuid::from_u128(7) } else { Uuid::nil() });
        let partition = PartitionMetadata {
            index: 3,
            error: ErrorCode::LEADER_NOT_AVAILABLE,
            leader: None,
            leader_epoch: if version >= 7 { 9 } else { -1 },
            replicas: vec![2, 1],
            isr: vec![2],
            offline: if version >= 5 { vec![1] } else { Vec::new() },
        };
        assert_eq!(topic.partitions, [partition]);
        broker.finished().await;
    }
}

#[tokio::test]
async fn no_topics_asks_for_the_brokers_only() {
    let (broker, mut connection) = answering(12, |request: MetadataRequest| {
        assert_eq!(request.topics, Some(Vec::new()), "null would mean all topics");
        MetadataResponse::default().with_brokers(vec![node(9092)])
    })
    .await;
    let cluster = metadata::fetch::<&str>(&mut connection, &[]).await.unwrap();
    assert_eq!((cluster.brokers.len(), cluster.topics.len()), (1, 0));
    broker.finished().await;
}

#[tokio::test]
async fn a_topics_error_is_its_own() {
    let (_broker, mut connection) = answering(12, |_: MetadataRequest| {
        let topic =
            MetadataResponseTopic::default().with_error_code(3).with_name(Some(TopicName(text("gone"))));
        MetadataResponse::default().with_topics(vec![topic])
    })
    .await;
    let cluster = metadata::fetch(&mut connection, &["gone"]).await.unwrap();
    assert_eq!(cluster.topics[0].error, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_refused() {
    for port in [-1, 65_536] {
        let (_broker, mut connection) = answering(12, move |_: MetadataRequest| {
            MetadataResponse::default().with_brokers(vec![node(port)])
        })
        .await;
        let error = metadata::fetch::<&str>(&mut connection, &[]).await.unwrap_err();
        assert!(matches!(error, AskError::Malformed { .. }), "{error}");
    }
    let (_broker, mut connection) =
        answering(13, |_: MetadataRequest| MetadataResponse::default().with_error_code(129)).await;
    let error = metadata::fetch::<&str>(&mut connection, &[]).await.unwrap_err();
    assert!(matches!(error, AskError::Refused { code: ErrorCode(129), .. }), "{error}");
}

#[tokio::test]
async fn a_broker_too_old_to_leave_topics_alone_is_not_asked() {
    let broker = Broker::run(|mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        let mut versions = api_versions(0);
        versions.api_keys.iter_mut().for_each(|api| api.max_version = 3);
        peer.answer(&request, &versions).await;
        assert!(peer.next().await.is_none(), "nothing more is asked");
    })
    .await;
    let mut connection = connect(&broker.endpoint, &options(Security::plaintext())).await.unwrap();
    let error = metadata::fetch(&mut connection, &["orders"]).await.unwrap_err();
    assert!(matches!(error, AskError::Unsupported { api: ApiKey::Metadata, .. }), "{error}");
    drop(connection);
    broker.finished().await;
}

/// A coordinator's answer in the form of its version.
fn coordinator_answer(version: i16, code: i16, group: &'static str) -> FindCoordinatorResponse {
    if version < 4 {
        return FindCoordinatorResponse::default()
            .with_error_code(code)
            .with_node_id(2.into())
            .with_host(text("kafka-2"))
            .with_port(9092);
    }
    let coordinator = WireCoordinator::default()
        .with_key(text(group))
        .with_error_code(code)
        .with_node_id(2.into())
        .with_host(text("kafka-2"))
        .with_port(9092);
    FindCoordinatorResponse::default().with_coordinators(vec![coordinator])
}

#[tokio::test]
async fn a_groups_coordinator_is_found_at_every_version() {
    for version in 0..=6 {
        let (broker, mut connection) = answering(version, move |request: FindCoordinatorRequest| {
            assert_eq!(request.key_type, 0);
            let asked = if version < 4 { vec![request.key] } else { request.coordinator_keys };
            assert_eq!(asked, [text("g1")]);
            coordinator_answer(version, 0, "g1")
        })
        .await;
        let found = coordinator::find_group(&mut connection, "g1").await.unwrap();
        assert_eq!(found, Coordinator { id: 2, endpoint: Endpoint::new("kafka-2", 9092) });
        broker.finished().await;
    }
}

#[tokio::test]
async fn a_moving_coordinator_is_retriable_and_a_forbidden_group_is_not() {
    for (version, code, retriable) in [(3, 15, true), (6, 15, true), (3, 30, false), (6, 30, false)] {
        let (_broker, mut connection) =
            answering(version, move |_: FindCoordinatorRequest| coordinator_answer(version, code, "g1"))
                .await;
        let error = coordinator::find_group(&mut connection, "g1").await.unwrap_err();
        assert_eq!(error.is_retriable(), retriable, "{error}");
    }
}

#[tokio::test]
async fn an_answer_about_another_group_is_refused() {
    let (_broker, mut connection) =
        answering(6, |_: FindCoordinatorRequest| coordinator_answer(6, 0, "g2")).await;
    let error = coordinator::find_group(&mut connection, "g1").await.unwrap_err();
    assert!(matches!(error, AskError::Malformed { .. }), "{error}");
}
