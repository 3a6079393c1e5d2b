//! Answers about the connection, the cluster and its one broker.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiKey, BrokerId, FindCoordinatorRequest, FindCoordinatorResponse, InitProducerIdResponse,
    MetadataRequest, MetadataResponse, ProducerId, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Broker, TOPIC_ID};

impl Broker {
    pub(super) fn metadata(&self, version: i16, request: MetadataRequest) -> MetadataResponse {
        let broker = MetadataResponseBroker::default()
            .with_node_id(NODE)
            .with_host(self.host.clone())
            .with_port(self.port);
        let topics = match request.topics {
            Some(asked) if version > 0 || !asked.is_empty() => {
                asked.into_iter().map(|it| self.asked_topic(it)).collect()
            }
            _ => vec![self.topic()],
        };
        MetadataResponse::default()
            .with_brokers(vec![broker])
            .with_cluster_id(Some(StrBytes::from_static_str("tidegate-null-cluster-")))
            .with_controller_id(NODE)
            .with_topics(topics)
    }

    pub(super) fn find_coordinator(
        &self,
        version: i16,
        request: FindCoordinatorRequest,
    ) -> FindCoordinatorResponse {
        if version < 4 {
            return FindCoordinatorResponse::default()
                .with_node_id(NODE)
                .with_host(self.host.clone())
                .with_port(self.port);
        }
        let coordinator = |key| {
            Coordinator::default()
                .with_key(key)
                .with_node_id(NODE)
                .with_host(self.host.clone())
                .with_port(self.port)
        };
        FindCoordinatorResponse::default()
            .with_coordinators(request.coordinator_keys.into_iter().map(coordinator).collect())
    }

    fn asked_topic(&self, asked: MetadataRequestTopic) -> MetadataResponseTopic {
        match asked.name {
            Some(name) if name.0 == self.topic => self.topic(),
            Some(name) => MetadataResponseTopic::default()
                .with_name(Some(name))
                .with_error_code(UNKNOWN_TOPIC_OR_PARTITION),
            None if asked.topic_id == TOPIC_ID => self.topic(),
            None => MetadataResponseTopic::default()
                .with_name(None)
                .with_topic_id(asked.topic_id)
                .with_error_code(UNKNOWN_TOPIC_ID),
        }
    }

    fn topic(&self) -> MetadataResponseTopic {
        let partition = |index| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(NODE)
                .with_leader_epoch(0)
                .with_replica_nodes(vec![NODE])
                .with_isr_nodes(vec![NODE])
        };
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(self.topic.clone())))
            .with_topic_id(TOPIC_ID)
            .with_partitions((0..self.partitions).map(partition).collect())
    }
}

pub(super) fn sasl_handshake(request: &SaslHandshakeRequest) -> SaslHandshakeResponse {
    let known = request.mechanism.as_str() == "PLAIN";
    SaslHandshakeResponse::default()
        .with_error_code(if known { 0 } else { UNSUPPORTED_SASL_MECHANISM })
        .with_mechanisms(vec![StrBytes::from_static_str("PLAIN")])
}

/// Anybody may log in: nothing here is worth a password.
pub(super) fn sasl_authenticate() -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
}

pub(super) fn init_producer_id() -> InitProducerIdResponse {
    InitProducerIdResponse::default().with_producer_id(ProducerId(1000)).with_producer_epoch(0)
}

/// What the broker serves, with the ranges of a stock 4.1 broker. Produce shows 0 as that one does: librdkafka
/// looks for it.
pub(super) const SERVED: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 0, 13),
    (ApiKey::Fetch, 4, 18),
    (ApiKey::ListOffsets, 1, 10),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::ApiVersions, 0, API_VERSIONS_MAX),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::SaslAuthenticate, 0, 2),
];

pub(super) const API_VERSIONS_MAX: i16 = 4;
pub(super) const UNSUPPORTED_VERSION: i16 = 35;

const NODE: BrokerId = BrokerId(1);
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const UNKNOWN_TOPIC_ID: i16 = 100;
