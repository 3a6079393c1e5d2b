//! The topic itself: made if it is missing, and refused if it cannot hold a store.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_client::{Connection, metadata};
use tidegate_wire::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use tidegate_wire::messages::describe_acls_response::DescribeAclsResource;
use tidegate_wire::messages::describe_configs_request::DescribeConfigsResource;
use tidegate_wire::messages::{CreateTopicsRequest, DescribeAclsRequest, DescribeConfigsRequest};
use tokio::time::sleep;

use super::KafkaStoreOptions;
use super::cluster::{self, version};
use super::error::KafkaStoreError;
use super::fetch::{name, refused};

/// From 4 on a broker chooses the replication by itself.
const CREATE_TOPICS: Versions = Versions::new(4, 7);
const DESCRIBE_CONFIGS: Versions = Versions::new(1, 4);
/// From 1 on patterns are known.
const DESCRIBE_ACLS: Versions = Versions::new(1, 3);

/// What a topic holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Records: the last of each key is kept for good.
    Records,
    /// Facts: what is out of use for as long is dropped.
    Facts(Duration),
}

/// What is asked of a new topic. Segments are small, since only closed ones are compacted.
const CONFIGS: [(&str, &str); 5] = [
    ("compression.type", "uncompressed"),
    ("max.message.bytes", "1048588"),
    ("min.cleanable.dirty.ratio", "0.2"),
    ("segment.bytes", "16777216"),
    ("unclean.leader.election.enable", "false"),
];

/// Only closed segments are dropped.
const DAY_MS: &str = "86400000";

const TOPIC: i8 = 2;

/// How long a new topic may take until it has a leader.
const PATIENCE: Duration = Duration::from_millis(100);
const ATTEMPTS: usize = 100;

/// Makes the topic if it is missing, and looks whether it can hold a store.
pub(super) async fn prepare(options: &KafkaStoreOptions, content: Content) -> Result<(), KafkaStoreError> {
    let mut connection = cluster::any(options).await?;
    let mut created = false;
    for _ in 0..ATTEMPTS {
        let found = metadata::fetch(&mut connection, &[&options.topic]).await?;
        let topic = found.topics.first();
        match topic.map(|topic| topic.error) {
            Some(ErrorCode::NONE) => {
                let partitions = topic.map_or(0, |topic| topic.partitions.len());
                if partitions != 1 {
                    return Err(wrong(options, format!("it has {partitions} partitions and must have one")));
                }
                check_configs(&mut connection, options, content).await?;
                return check_writers(&mut connection, options).await;
            }
            Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) if !created => {
                create(&mut connection, options, content).await?;
                created = true;
            }
            Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::LEADER_NOT_AVAILABLE) => {}
            Some(ErrorCode(code)) => return Err(refused(ApiKey::Metadata, &options.topic, code)),
            None => {
                return Err(KafkaStoreError::Malformed {
                    api: ApiKey::Metadata,
                    what: "the topic asked for is missing",
                });
            }
        }
        sleep(PATIENCE).await;
    }
    Err(wrong(options, "it was created and has no leader".to_owned()))
}

async fn create(
    connection: &mut Connection,
    options: &KafkaStoreOptions,
    content: Content,
) -> Result<(), KafkaStoreError> {
    let version = version(connection, ApiKey::CreateTopics, CREATE_TOPICS)?;
    let mut configs: BTreeMap<&str, String> =
        CONFIGS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    match content {
        Content::Records => drop(configs.insert("cleanup.policy", "compact".to_owned())),
        Content::Facts(retention) => {
            configs.insert("cleanup.policy", "compact,delete".to_owned());
            configs.insert("retention.ms", retention.as_millis().to_string());
            configs.insert("segment.ms", DAY_MS.to_owned());
        }
    }
    if let Some(replicas) = options.replication {
        // A majority: what is acknowledged survives the loss of the others.
        configs.insert("min.insync.replicas", (replicas / 2 + 1).max(1).to_string());
    }
    let configs = configs.into_iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str(name))
            .with_value(Some(StrBytes::from_string(value)))
    });
    let topic = CreatableTopic::default()
        .with_name(name(&options.topic))
        .with_num_partitions(1)
        .with_replication_factor(options.replication.unwrap_or(-1))
        .with_configs(configs.collect());
    let limit = i32::try_from(options.connect.request_timeout.as_millis()).unwrap_or(i32::MAX);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(limit);
    let answer = connection.call(version, &request).await?;
    let result = answer.topics.first();
    match result.map_or(ErrorCode::UNKNOWN_SERVER_ERROR, |topic| ErrorCode(topic.error_code)) {
        // Another replica was faster.
        ErrorCode::NONE | ErrorCode::TOPIC_ALREADY_EXISTS => {
            tracing::info!(topic = options.topic, "made the topic of the store");
            Ok(())
        }
        ErrorCode(code) => match result.and_then(|topic| topic.error_message.as_ref()) {
            Some(message) if !is_right(code) => Err(wrong(options, format!("it cannot be made: {message}"))),
            _ => Err(refused(ApiKey::CreateTopics, &options.topic, code)),
        },
    }
}

fn is_right(code: i16) -> bool {
    [ErrorCode::TOPIC_AUTHORIZATION_FAILED, ErrorCode::CLUSTER_AUTHORIZATION_FAILED]
        .contains(&ErrorCode(code))
}

async fn check_configs(
    connection: &mut Connection,
    options: &KafkaStoreOptions,
    content: Content,
) -> Result<(), KafkaStoreError> {
    let version = version(connection, ApiKey::DescribeConfigs, DESCRIBE_CONFIGS)?;
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(StrBytes::from_string(options.topic.clone()))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = connection.call(version, &request).await?;
    let result = answer.results.first().ok_or(KafkaStoreError::Malformed {
        api: ApiKey::DescribeConfigs,
        what: "the topic asked for is missing",
    })?;
    if result.error_code != 0 {
        return Err(refused(ApiKey::DescribeConfigs, &options.topic, result.error_code));
    }
    let value = |wanted: &str| {
        let config = result.configs.iter().find(|config| config.name.as_str() == wanted);
        config.and_then(|config| config.value.as_ref()).map_or("", |value| value.as_str())
    };
    match unfit(content, value) {
        Some(what) => Err(wrong(options, what)),
        None => Ok(()),
    }
}

/// Why a topic with such configs cannot hold a store.
fn unfit<'a>(content: Content, value: impl Fn(&str) -> &'a str) -> Option<String> {
    let policy = value("cleanup.policy");
    let mut policies: Vec<&str> = policy.split(',').map(str::trim).collect();
    policies.sort_unstable();
    let wanted = match content {
        Content::Records => "compact",
        Content::Facts(_) => "compact,delete",
    };
    if policies != wanted.split(',').collect::<Vec<_>>() {
        return Some(format!(
            "its cleanup.policy is \"{policy}\"; set it to \"{wanted}\", or it loses what it must keep"
        ));
    }
    if let Content::Facts(retention) = content {
        let kept: i64 = value("retention.ms").parse().unwrap_or_default();
        let least = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        // -1 is for good.
        if kept >= 0 && kept < least {
            return Some(format!(
                "its retention.ms is {kept}; set it to {least} at least, as facts are good for that long"
            ));
        }
    }
    let compression = value("compression.type");
    if !["uncompressed", "producer"].contains(&compression) {
        return Some(format!("its compression.type is \"{compression}\"; set it to \"uncompressed\""));
    }
    if value("unclean.leader.election.enable") == "true" {
        return Some(
            "unclean.leader.election.enable is on; set it to \"false\", or changes are undone".to_owned(),
        );
    }
    None
}

/// Refuses a topic that the authorizer lets others write.
async fn check_writers(
    connection: &mut Connection,
    options: &KafkaStoreOptions,
) -> Result<(), KafkaStoreError> {
    /// Match: what holds for this name, also by prefix and wildcard.
    const MATCH: i8 = 2;
    const ANY: i8 = 1;
    let version = version(connection, ApiKey::DescribeAcls, DESCRIBE_ACLS)?;
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(TOPIC)
        .with_resource_name_filter(Some(StrBytes::from_string(options.topic.clone())))
        .with_pattern_type_filter(MATCH)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let answer = connection.call(version, &request).await?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => {}
        // Without an authorizer everybody may write; the signatures are what is left.
        ErrorCode::SECURITY_DISABLED => {
            tracing::warn!(
                topic = options.topic,
                "the brokers have no authorizer: anybody may write the store's topic"
            );
            return Ok(());
        }
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            tracing::warn!(
                topic = options.topic,
                "cannot see who may write the store's topic: DESCRIBE on the cluster is missing"
            );
            return Ok(());
        }
        ErrorCode(code) => return Err(refused(ApiKey::DescribeAcls, &options.topic, code)),
    }
    let others = others(&answer.resources, &options.trusted());
    if others.is_empty() {
        return Ok(());
    }
    Err(wrong(
        options,
        format!(
            "{} may write it; take that right away, or name them as writers of the store if they are replicas of this installation",
            others.join(", ")
        ),
    ))
}

/// Who else may write or alter the topic, in order.
fn others(resources: &[DescribeAclsResource], trusted: &[String]) -> Vec<String> {
    const ALLOW: i8 = 3;
    /// All, write, delete, alter, alter configs.
    const WRITING: [i8; 5] = [2, 4, 6, 7, 11];
    let acls = resources.iter().flat_map(|resource| &resource.acls);
    let writing = acls.filter(|acl| acl.permission_type == ALLOW && WRITING.contains(&acl.operation));
    let mut others: Vec<String> = writing
        .map(|acl| acl.principal.to_string())
        .filter(|principal| !trusted.contains(principal))
        .collect();
    others.sort();
    others.dedup();
    others
}

fn wrong(options: &KafkaStoreOptions, what: String) -> KafkaStoreError {
    KafkaStoreError::Topic { topic: options.topic.clone(), what }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::messages::describe_acls_response::AclDescription;

    use super::*;

    #[test]
    fn a_topic_that_loses_records_is_unfit() {
        let good = [
            ("cleanup.policy", "compact"),
            ("compression.type", "uncompressed"),
            ("unclean.leader.election.enable", "false"),
        ];
        let with = |name: &str, value: &'static str| {
            let configs: BTreeMap<_, _> = good.into_iter().chain([(name, value)]).collect();
            unfit(Content::Records, |wanted| configs.get(wanted).copied().unwrap_or(""))
        };
        assert_eq!(with("compression.type", "producer"), None);
        for (name, value) in [
            ("cleanup.policy", "delete"),
            ("cleanup.policy", "compact,delete"),
            ("compression.type", "zstd"),
            ("unclean.leader.election.enable", "true"),
        ] {
            assert!(with(name, value).unwrap().contains(name), "{name}={value}");
        }
    }

    #[test]
    fn a_topic_of_facts_keeps_them_for_as_long_as_they_are_good() {
        let with = |policy: &'static str, retention: &'static str| {
            unfit(Content::Facts(Duration::from_millis(100)), |wanted| match wanted {
                "cleanup.policy" => policy,
                "retention.ms" => retention,
                "compression.type" => "producer",
                _ => "",
            })
        };
        for policy in ["compact,delete", "delete,compact", "delete, compact"] {
            assert_eq!(with(policy, "100"), None);
        }
        assert_eq!(with("compact,delete", "-1"), None);
        assert!(with("compact,delete", "99").unwrap().contains("set it to 100 at least"));
        assert!(with("compact", "100").unwrap().contains("cleanup.policy"));
    }

    #[test]
    fn whoever_may_write_besides_us_is_named() {
        let acl = |principal: &'static str, operation: i8, permission: i8| {
            AclDescription::default()
                .with_principal(StrBytes::from_static_str(principal))
                .with_operation(operation)
                .with_permission_type(permission)
        };
        let acls = vec![
            acl("User:us", 4, 3),
            acl("User:reader", 3, 3),
            acl("User:denied", 4, 2),
            acl("User:writer", 4, 3),
            acl("User:all", 2, 3),
            acl("User:writer", 11, 3),
        ];
        let resources = [DescribeAclsResource::default().with_acls(acls)];
        assert_eq!(others(&resources, &["User:us".to_owned()]), ["User:all", "User:writer"]);
    }
}
