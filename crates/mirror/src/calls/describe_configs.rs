//! DescribeConfigs (KIP-133): the configs of topics and brokers, and where each comes from (KIP-226).

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::describe_configs_request::DescribeConfigsResource;
use tidegate_wire::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use tidegate_wire::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::text::text;
use super::{Refusal, version};

const KEY: ApiKey = ApiKey::DescribeConfigs;

/// From when a config says where it comes from.
const OURS: Versions = Versions::new(1, 4);

/// For how long a broker remembers a producer after the greatest timestamp of its last batch, in milliseconds: a config of brokers.
pub const PRODUCER_ID_EXPIRATION_MS: &str = "producer.id.expiration.ms";

/// What has configs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A topic, by name; any broker tells. Needs DESCRIBE_CONFIGS on it.
    Topic(String),
    /// A broker, by node id; only itself tells. Needs DESCRIBE_CONFIGS on the cluster.
    Broker(i32),
}

/// Which configs are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConfigsOf {
    /// Whose.
    pub resource: Resource,
    /// Their names; `None` is all. One that the broker does not know is left out of the answer.
    pub names: Option<Vec<String>>,
}

/// A config.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its value; `None` for a secret, whatever the broker says, and where there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it cannot be changed while the broker runs.
    pub is_read_only: bool,
    /// Whether it is a secret.
    pub is_sensitive: bool,
}

/// Where the value of a config comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigSource {
    /// Set on the topic itself.
    Topic,
    /// Set on the broker while it runs.
    Broker,
    /// Set for all brokers while they run.
    AllBrokers,
    /// In the broker's file.
    BrokerFile,
    /// Kafka's default.
    Default,
    /// None of these, by Kafka's number.
    Other(i8),
}

/// Asks for configs, in the order of what was asked.
///
/// # Errors
/// [`AskError`]; what is wrong with one resource is a [`Refusal`].
pub async fn describe_configs(
    connection: &mut Connection,
    asked: &[ConfigsOf],
) -> Result<Vec<Result<Vec<Config>, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(asked)).await?;
    read(asked, &answer)
}

impl Resource {
    /// As requests and answers have it.
    fn wire(&self) -> (i8, String) {
        match self {
            Self::Topic(name) => (TOPIC, name.clone()),
            Self::Broker(id) => (BROKER, id.to_string()),
        }
    }
}

fn request(asked: &[ConfigsOf]) -> DescribeConfigsRequest {
    let resource = |asked: &ConfigsOf| {
        let (kind, name) = asked.resource.wire();
        let names = asked.names.as_ref().map(|names| names.iter().map(|name| text(name)).collect());
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(&name))
            .with_configuration_keys(names)
    };
    DescribeConfigsRequest::default().with_resources(asked.iter().map(resource).collect())
}

fn read(
    asked: &[ConfigsOf],
    answer: &DescribeConfigsResponse,
) -> Result<Vec<Result<Vec<Config>, Refusal>>, AskError> {
    let find = |asked: &ConfigsOf| {
        let (kind, name) = asked.resource.wire();
        let is_it =
            |one: &&DescribeConfigsResult| one.resource_type == kind && one.resource_name.as_str() == name;
        answer.results.iter().find(is_it).map(configs)
    };
    let found: Option<Vec<_>> = asked.iter().map(find).collect();
    found.ok_or(AskError::Malformed {
        api: KEY,
        what: "a resource that was asked for is missing in the answer",
    })
}

fn configs(result: &DescribeConfigsResult) -> Result<Vec<Config>, Refusal> {
    Refusal::check(result.error_code, result.error_message.as_ref())?;
    Ok(result.configs.iter().map(config).collect())
}

fn config(config: &DescribeConfigsResourceResult) -> Config {
    let value = config.value.as_ref().filter(|_| !config.is_sensitive);
    Config {
        name: config.name.to_string(),
        value: value.map(ToString::to_string),
        source: source(config.config_source),
        is_read_only: config.read_only,
        is_sensitive: config.is_sensitive,
    }
}

fn source(number: i8) -> ConfigSource {
    match number {
        1 => ConfigSource::Topic,
        2 => ConfigSource::Broker,
        3 => ConfigSource::AllBrokers,
        4 => ConfigSource::BrokerFile,
        5 => ConfigSource::Default,
        other => ConfigSource::Other(other),
    }
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

#[cfg(test)]
mod tests {
    use tidegate_wire::StrBytes;

    use super::*;
    use crate::calls::testing::travelled;

    fn asked() -> [ConfigsOf; 2] {
        [
            ConfigsOf { resource: Resource::Topic("t".to_owned()), names: None },
            ConfigsOf {
                resource: Resource::Broker(1),
                names: Some(vec![PRODUCER_ID_EXPIRATION_MS.to_owned()]),
            },
        ]
    }

    #[test]
    fn resources_are_asked_for_in_kafkas_numbers() {
        for version in OURS.iter() {
            let request = travelled(&request(&asked()), version);
            let [topic, broker] = &request.resources[..] else { panic!("{request:?}") };
            assert_eq!((topic.resource_type, &*topic.resource_name), (2, "t"));
            assert!(topic.configuration_keys.is_none());
            assert_eq!((broker.resource_type, &*broker.resource_name), (4, "1"));
            assert_eq!(broker.configuration_keys.as_ref().unwrap().len(), 1);
        }
    }

    #[test]
    fn configs_come_with_their_sources_and_without_secrets() {
        let config = |name, value, source| {
            DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(StrBytes::from_static_str(value)))
                .with_config_source(source)
        };
        let broker = DescribeConfigsResult::default()
            .with_resource_type(4)
            .with_resource_name(StrBytes::from_static_str("1"))
            .with_configs(vec![
                config(PRODUCER_ID_EXPIRATION_MS, "86400000", 5),
                config("ssl.key", "hush", 4).with_is_sensitive(true),
            ]);
        let topic = DescribeConfigsResult::default()
            .with_resource_type(2)
            .with_resource_name(StrBytes::from_static_str("t"))
            .with_error_code(3);
        let answer = DescribeConfigsResponse::default().with_results(vec![broker, topic]);
        for version in OURS.iter() {
            let found = read(&asked(), &travelled(&answer, version)).unwrap();
            assert!(found[0].is_err());
            let [expiration, secret] = &found[1].as_ref().unwrap()[..] else { panic!("{found:?}") };
            assert_eq!(expiration.value.as_deref(), Some("86400000"));
            assert_eq!(expiration.source, ConfigSource::Default);
            assert_eq!((secret.value.as_deref(), secret.source), (None, ConfigSource::BrokerFile));
        }
    }
}
