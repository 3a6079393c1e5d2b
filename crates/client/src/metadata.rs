//! Brokers, topics and leaders, as typed values.

use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::metadata_request::MetadataRequestTopic;
use tidegate_wire::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use uuid::Uuid;

use crate::error::AskError;
use crate::{Connection, Endpoint};

const KEY: ApiKey = ApiKey::Metadata;

/// Below version 4 asking for a topic may create it.
const OURS: Versions = Versions::new(4, 13);

/// A cluster as one broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMetadata {
    /// The cluster's id.
    pub cluster_id: Option<String>,
    /// The node to send controller requests to.
    pub controller: Option<i32>,
    /// The live brokers.
    pub brokers: Vec<Broker>,
    /// The topics asked for.
    pub topics: Vec<TopicMetadata>,
}

/// A broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its node id.
    pub id: i32,
    /// Where it listens, for the listener that was asked.
    pub endpoint: Endpoint,
    /// Its rack.
    pub rack: Option<String>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    /// Its name.
    pub name: String,
    /// Its id; nil from a broker that does not tell, or with an error.
    pub id: Uuid,
    /// Why it is not described; [`ErrorCode::NONE`] when it is.
    pub error: ErrorCode,
    /// Its partitions, in no order.
    pub partitions: Vec<PartitionMetadata>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// Its number.
    pub index: i32,
    /// What is wrong with it, such as that it has no leader.
    pub error: ErrorCode,
    /// The node that leads it.
    pub leader: Option<i32>,
    /// The leader's epoch; -1 from a broker that does not tell.
    pub leader_epoch: i32,
    /// The nodes that should hold it.
    pub replicas: Vec<i32>,
    /// The nodes in step with the leader.
    pub isr: Vec<i32>,
    /// The nodes that should hold it and are down.
    pub offline: Vec<i32>,
}

/// Asks for the brokers and the named topics; no topic is ever created by asking.
///
/// # Errors
/// [`AskError`]; what is wrong with a single topic stands in its [`TopicMetadata::error`].
pub async fn fetch<S: AsRef<str>>(
    connection: &mut Connection,
    topics: &[S],
) -> Result<ClusterMetadata, AskError> {
    let version = connection.versions().version_for(KEY, OURS);
    let version = version.ok_or(AskError::Unsupported { api: KEY, ours: OURS })?;
    let topics = topics.iter().map(|topic| {
        let name = StrBytes::from_string(topic.as_ref().to_owned());
        MetadataRequestTopic::default().with_name(Some(TopicName(name)))
    });
    let request =
        MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(false);
    cluster(connection.call(version, &request).await?)
}

fn cluster(response: MetadataResponse) -> Result<ClusterMetadata, AskError> {
    let code = ErrorCode(response.error_code);
    if !code.is_none() {
        return Err(AskError::Refused { api: KEY, code });
    }
    Ok(ClusterMetadata {
        cluster_id: response.cluster_id.map(|id| id.to_string()),
        controller: node(response.controller_id),
        brokers: response.brokers.into_iter().map(broker).collect::<Result<_, _>>()?,
        topics: response.topics.into_iter().map(topic).collect::<Result<_, _>>()?,
    })
}

fn broker(broker: MetadataResponseBroker) -> Result<Broker, AskError> {
    let port = u16::try_from(broker.port).map_err(|_| malformed("a broker's port is out of range"))?;
    Ok(Broker {
        id: broker.node_id.0,
        endpoint: Endpoint::new(broker.host.to_string(), port),
        rack: broker.rack.map(|rack| rack.to_string()),
    })
}

fn topic(topic: MetadataResponseTopic) -> Result<TopicMetadata, AskError> {
    let name = topic.name.ok_or(malformed("a topic asked for by name has none"))?;
    Ok(TopicMetadata {
        name: name.to_string(),
        id: topic.topic_id,
        error: ErrorCode(topic.error_code),
        partitions: topic.partitions.iter().map(partition).collect(),
    })
}

fn partition(partition: &MetadataResponsePartition) -> PartitionMetadata {
    let nodes = |nodes: &[BrokerId]| nodes.iter().map(|node| node.0).collect();
    PartitionMetadata {
        index: partition.partition_index,
        error: ErrorCode(partition.error_code),
        leader: node(partition.leader_id),
        leader_epoch: partition.leader_epoch,
        replicas: nodes(&partition.replica_nodes),
        isr: nodes(&partition.isr_nodes),
        offline: nodes(&partition.offline_replicas),
    }
}

/// Kafka writes "no node" as -1.
fn node(id: BrokerId) -> Option<i32> {
    (id.0 >= 0).then_some(id.0)
}

fn malformed(what: &'static str) -> AskError {
    AskError::Malformed { api: KEY, what }
}
