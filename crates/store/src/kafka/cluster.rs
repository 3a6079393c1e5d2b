//! Connections to whoever leads the topic or coordinates its writer.

use tidegate_client::{AskError, Connection, coordinator, metadata};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

use super::KafkaStoreOptions;
use super::error::KafkaStoreError;

/// The store's topic has one partition.
pub(super) const PARTITION: i32 = 0;

/// A connection to the first broker that answers.
pub(super) async fn any(options: &KafkaStoreOptions) -> Result<Connection, KafkaStoreError> {
    let mut last = KafkaStoreError::NoBootstrap;
    for endpoint in &options.bootstrap {
        match tidegate_client::connect(endpoint, &options.connect).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// A connection to the leader of the topic.
pub(super) async fn leader(options: &KafkaStoreOptions) -> Result<Connection, KafkaStoreError> {
    let mut connection = any(options).await?;
    let cluster = metadata::fetch(&mut connection, &[&options.topic]).await?;
    let refused = |code| KafkaStoreError::Refused {
        api: ApiKey::Metadata,
        subject: format!("topic {}", options.topic),
        code,
    };
    let topic = cluster.topics.iter().find(|topic| topic.name == options.topic);
    let topic = topic.ok_or_else(|| refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))?;
    if !topic.error.is_none() {
        return Err(refused(topic.error));
    }
    let partition = topic.partitions.iter().find(|partition| partition.index == PARTITION);
    let leader = partition.and_then(|partition| partition.leader);
    let broker = cluster.brokers.iter().find(|broker| Some(broker.id) == leader);
    let broker = broker.ok_or_else(|| refused(ErrorCode::LEADER_NOT_AVAILABLE))?;
    Ok(tidegate_client::connect(&broker.endpoint, &options.connect).await?)
}

/// A connection to the coordinator of the store's transactions.
pub(super) async fn coordinator(options: &KafkaStoreOptions) -> Result<Connection, KafkaStoreError> {
    let mut connection = any(options).await?;
    let id = options.transactional_id();
    let found = coordinator::find_transactional(&mut connection, &id).await.map_err(|error| match error {
        AskError::Refused { api, code } => {
            KafkaStoreError::Refused { api, subject: format!("transactional id {id}"), code }
        }
        other => other.into(),
    })?;
    Ok(tidegate_client::connect(&found.endpoint, &options.connect).await?)
}

/// The version of an API that both sides have.
pub(super) fn version(connection: &Connection, api: ApiKey, ours: Versions) -> Result<i16, KafkaStoreError> {
    connection.versions().version_for(api, ours).ok_or(KafkaStoreError::Unsupported(api))
}
