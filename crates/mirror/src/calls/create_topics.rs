//! CreateTopics (KIP-4): topics with their partitions and configs.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use tidegate_wire::messages::create_topics_response::CreatableTopicResult;
use tidegate_wire::messages::{CreateTopicsRequest, CreateTopicsResponse};

use super::text::{text, topic_name};
use super::{Refusal, Topic, millis, version};

const KEY: ApiKey = ApiKey::CreateTopics;

/// From 4 on a broker chooses the replication by itself.
const OURS: Versions = Versions::new(4, 7);

const BROKERS_CHOICE: i16 = -1;

/// A topic to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas each has; `None` is the cluster's default.
    pub replication_factor: Option<i16>,
    /// Configs that are not the defaults.
    pub configs: BTreeMap<String, String>,
}

/// Makes topics, within `wait`; yields them in the order of what was asked. Until brokers have heard of a new topic they do not know
/// it. Needs CREATE on the cluster or the topic.
///
/// The id is nil from a broker that does not tell it (before 2.8).
///
/// # Errors
/// [`AskError`]; what is wrong with one topic is a [`Refusal`], most often TOPIC_ALREADY_EXISTS.
pub async fn create_topics(
    connection: &mut Connection,
    topics: &[NewTopic],
    wait: Duration,
) -> Result<Vec<Result<Topic, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let limit = connection.request_timeout().saturating_add(wait);
    let answer = connection.call_within(limit, version, &request(topics, wait)).await?;
    read(topics, &answer)
}

fn request(topics: &[NewTopic], wait: Duration) -> CreateTopicsRequest {
    let config = |(name, value): (&String, &String)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let topic = |topic: &NewTopic| {
        CreatableTopic::default()
            .with_name(topic_name(&topic.name))
            .with_num_partitions(topic.partitions)
            .with_replication_factor(topic.replication_factor.unwrap_or(BROKERS_CHOICE))
            .with_configs(topic.configs.iter().map(config).collect())
    };
    let topics = topics.iter().map(topic).collect();
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(millis(wait))
}

fn read(asked: &[NewTopic], answer: &CreateTopicsResponse) -> Result<Vec<Result<Topic, Refusal>>, AskError> {
    let missing =
        AskError::Malformed { api: KEY, what: "a topic that was asked for is missing in the answer" };
    let found = asked.iter().map(|topic| answer.topics.iter().find(|one| one.name.as_str() == topic.name));
    let found: Option<Vec<_>> = found.map(|found| found.map(created)).collect();
    found.ok_or(missing)
}

fn created(topic: &CreatableTopicResult) -> Result<Topic, Refusal> {
    Refusal::check(topic.error_code, topic.error_message.as_ref())?;
    Ok(Topic::new(&topic.name, topic.topic_id))
}

#[cfg(test)]
mod tests {
    use tidegate_wire::StrBytes;
    use tidegate_wire::error_code::ErrorCode;
    use uuid::Uuid;

    use super::*;
    use crate::calls::testing::travelled;

    fn asked() -> [NewTopic; 2] {
        let configs = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
        [("a", Some(3)), ("b", None)].map(|(name, replication_factor)| NewTopic {
            name: name.to_owned(),
            partitions: 6,
            replication_factor,
            configs: configs.clone(),
        })
    }

    #[test]
    fn a_topic_is_asked_for_with_all_that_it_should_have() {
        for version in OURS.iter() {
            let request = travelled(&request(&asked(), Duration::from_secs(15)), version);
            assert_eq!((request.timeout_ms, request.validate_only), (15_000, false));
            let factors: Vec<_> = request.topics.iter().map(|topic| topic.replication_factor).collect();
            assert_eq!(factors, [3, -1]);
            assert_eq!((request.topics[0].num_partitions, request.topics[0].assignments.len()), (6, 0));
            let config = &request.topics[1].configs[0];
            assert_eq!((&*config.name, config.value.as_deref()), ("cleanup.policy", Some("compact")));
        }
    }

    #[test]
    fn topics_and_refusals_stand_in_their_places() {
        let id = Uuid::from_bytes([3; 16]);
        let refused = CreatableTopicResult::default()
            .with_name(topic_name("a"))
            .with_error_code(36)
            .with_error_message(Some(StrBytes::from_static_str("is there")));
        let created = CreatableTopicResult::default().with_name(topic_name("b")).with_topic_id(id);
        let answer = CreateTopicsResponse::default().with_topics(vec![created, refused]);
        let topics = read(&asked(), &answer).unwrap();
        let refusal = topics[0].as_ref().unwrap_err();
        assert_eq!((refusal.code, &*refusal.message), (ErrorCode::TOPIC_ALREADY_EXISTS, "is there"));
        assert_eq!(topics[1], Ok(Topic::new("b", id)));
        assert!(read(&asked(), &CreateTopicsResponse::default()).is_err());
    }
}
