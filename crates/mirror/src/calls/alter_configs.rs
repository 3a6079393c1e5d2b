//! IncrementalAlterConfigs (KIP-339): configs of topics, set and given back to their defaults.

use std::collections::BTreeMap;

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use tidegate_wire::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use tidegate_wire::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::text::text;
use super::{Refusal, version};

const KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
const OURS: Versions = Versions::new(0, 1);

const TOPIC: i8 = 2;

const SET: i8 = 0;
const DELETE: i8 = 1;

/// What becomes of the configs of a topic; those that are not named stay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alteration {
    /// The topic.
    pub topic: String,
    /// The changes by name.
    pub changes: BTreeMap<String, ConfigChange>,
}

/// What becomes of a config.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConfigChange {
    /// It has this value.
    Set(String),
    /// It is no longer set on the topic.
    Delete,
}

/// Changes configs of topics, all of a topic or none; yields outcomes in the order of what was asked. Brokers take the change from the
/// controller's log some moments later. Needs ALTER_CONFIGS on the topic.
///
/// # Errors
/// [`AskError`]; what is wrong with one topic is a [`Refusal`].
pub async fn alter_configs(
    connection: &mut Connection,
    alterations: &[Alteration],
) -> Result<Vec<Result<(), Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(alterations)).await?;
    read(alterations, &answer)
}

fn request(alterations: &[Alteration]) -> IncrementalAlterConfigsRequest {
    let resource = |alteration: &Alteration| {
        AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(&alteration.topic))
            .with_configs(alteration.changes.iter().map(change).collect())
    };
    IncrementalAlterConfigsRequest::default().with_resources(alterations.iter().map(resource).collect())
}

fn change((name, change): (&String, &ConfigChange)) -> AlterableConfig {
    let (operation, value) = match change {
        ConfigChange::Set(value) => (SET, Some(text(value))),
        ConfigChange::Delete => (DELETE, None),
    };
    AlterableConfig::default().with_name(text(name)).with_config_operation(operation).with_value(value)
}

fn read(
    asked: &[Alteration],
    answer: &IncrementalAlterConfigsResponse,
) -> Result<Vec<Result<(), Refusal>>, AskError> {
    let missing =
        AskError::Malformed { api: KEY, what: "a topic that was asked for is missing in the answer" };
    let of_topic = |topic: &str| {
        let mut answers = answer.responses.iter().filter(|one| one.resource_type == TOPIC);
        answers.find(|one| one.resource_name.as_str() == topic).map(outcome)
    };
    let found: Option<Vec<_>> = asked.iter().map(|one| of_topic(&one.topic)).collect();
    found.ok_or(missing)
}

fn outcome(topic: &AlterConfigsResourceResponse) -> Result<(), Refusal> {
    Refusal::check(topic.error_code, topic.error_message.as_ref())
}

#[cfg(test)]
mod tests {
    use tidegate_wire::error_code::ErrorCode;

    use super::*;
    use crate::calls::testing::travelled;

    fn asked() -> [Alteration; 2] {
        let changes = BTreeMap::from([
            ("cleanup.policy".to_owned(), ConfigChange::Set("compact".to_owned())),
            ("retention.ms".to_owned(), ConfigChange::Delete),
        ]);
        ["a", "b"].map(|topic| Alteration { topic: topic.to_owned(), changes: changes.clone() })
    }

    #[test]
    fn setting_and_deleting_are_two_operations() {
        for version in OURS.iter() {
            let request = travelled(&request(&asked()), version);
            assert!(!request.validate_only);
            let resource = &request.resources[1];
            assert_eq!((resource.resource_type, &*resource.resource_name), (2, "b"));
            let [set, delete] = &resource.configs[..] else { panic!("{resource:?}") };
            assert_eq!((set.config_operation, set.value.as_deref()), (0, Some("compact")));
            assert_eq!((delete.config_operation, delete.value.as_deref()), (1, None));
        }
    }

    #[test]
    fn outcomes_stand_in_their_places() {
        let response = |name: &str, code| {
            AlterConfigsResourceResponse::default()
                .with_resource_type(TOPIC)
                .with_resource_name(text(name))
                .with_error_code(code)
        };
        let responses = vec![response("b", 40), response("a", 0)];
        let answer = IncrementalAlterConfigsResponse::default().with_responses(responses);
        let outcomes = read(&asked(), &answer).unwrap();
        assert_eq!(outcomes[0], Ok(()));
        assert_eq!(outcomes[1].as_ref().unwrap_err().code, ErrorCode(40));
    }
}
