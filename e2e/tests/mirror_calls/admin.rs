//! Topics, partitions, configs.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_client::metadata;
use tidegate_e2e::random;
use tidegate_mirror::calls::alter_configs::{Alteration, ConfigChange, alter_configs};
use tidegate_mirror::calls::create_partitions::{Growth, create_partitions};
use tidegate_mirror::calls::create_topics::{NewTopic, create_topics};
use tidegate_mirror::calls::describe_configs::{
    Config, ConfigSource, ConfigsOf, PRODUCER_ID_EXPIRATION_MS, Resource, describe_configs,
};
use tidegate_mirror::calls::list_offsets::{Spot, list_offsets};
use tidegate_mirror::calls::{LedPartition, Topic, TopicPartition};
use tidegate_wire::error_code::ErrorCode;

use crate::site::{Site, until};

const WAIT: Duration = Duration::from_secs(10);

const INVALID_PARTITIONS: ErrorCode = ErrorCode(37);

/// The one broker of each cluster.
const BROKER: i32 = 1;

pub(crate) async fn topics_are_made(site: &Site) -> Topic {
    let mut connection = site.connection().await;
    let configs = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
    let name = random::name("mirror.");
    let wanted = [NewTopic { name: name.clone(), partitions: 2, replication_factor: None, configs }];
    let made = create_topics(&mut connection, &wanted, WAIT).await.unwrap();
    let topic = made[0].clone().unwrap();
    assert!(topic.name() == name && topic.id().is_some());
    let again = create_topics(&mut connection, &wanted, WAIT).await.unwrap();
    let refusal = again[0].clone().unwrap_err();
    assert_eq!(refusal.code, ErrorCode::TOPIC_ALREADY_EXISTS);
    assert!(refusal.message.contains("already exists"), "{refusal}");
    let partitions = [0, 1].map(|partition| LedPartition {
        at: TopicPartition::new(topic.clone(), partition),
        leader_epoch: None,
    });
    until("the topic is there", async || {
        let starts = list_offsets(&mut connection, Spot::Start, &partitions).await.unwrap();
        starts.iter().all(Result::is_ok).then_some(())
    })
    .await;
    topic
}

pub(crate) async fn configs_are_changed_and_read(site: &Site, topic: &Topic) {
    let mut connection = site.connection().await;
    let change = |name: &str, change| (name.to_owned(), change);
    let changes = BTreeMap::from([
        change("max.message.bytes", ConfigChange::Set("2097152".to_owned())),
        change("retention.ms", ConfigChange::Delete),
    ]);
    let unknown = BTreeMap::from([change("no.such.config", ConfigChange::Set("1".to_owned()))]);
    for (changes, is_taken) in [(changes, true), (unknown, false)] {
        let alteration = Alteration { topic: topic.name().to_owned(), changes };
        let outcome = alter_configs(&mut connection, &[alteration]).await.unwrap();
        assert_eq!(outcome[0].is_ok(), is_taken, "{outcome:?}");
    }
    let names = Some(vec!["max.message.bytes".to_owned(), "retention.ms".to_owned()]);
    let of_topic = ConfigsOf { resource: Resource::Topic(topic.name().to_owned()), names };
    let of_broker = ConfigsOf {
        resource: Resource::Broker(BROKER),
        names: Some(vec![PRODUCER_ID_EXPIRATION_MS.to_owned()]),
    };
    let nobody = ConfigsOf { resource: Resource::Topic("not-there".to_owned()), names: None };
    let asked = [of_topic, of_broker, nobody];
    let (of_topic, of_broker) = until("the change has taken effect", async || {
        let found = describe_configs(&mut connection, &asked).await.unwrap();
        let [of_topic, of_broker, nobody] = &found[..] else { panic!("{found:?}") };
        assert_eq!(nobody.as_ref().unwrap_err().code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        let (of_topic, of_broker) = (of_topic.clone().unwrap(), of_broker.clone().unwrap());
        (value(&of_topic, "max.message.bytes").1 == ConfigSource::Topic).then_some((of_topic, of_broker))
    })
    .await;
    assert_eq!(value(&of_topic, "max.message.bytes"), ("2097152", ConfigSource::Topic));
    assert_eq!(value(&of_topic, "retention.ms"), ("604800000", ConfigSource::Default));
    assert_eq!(value(&of_broker, PRODUCER_ID_EXPIRATION_MS), ("86400000", ConfigSource::Default));
}

fn value<'a>(configs: &'a [Config], name: &str) -> (&'a str, ConfigSource) {
    let config = configs.iter().find(|config| config.name == name).unwrap();
    (config.value.as_deref().unwrap(), config.source)
}

pub(crate) async fn partitions_are_added(site: &Site, topic: &Topic) {
    let mut connection = site.connection().await;
    let growth = |partitions| [Growth { topic: topic.name().to_owned(), partitions }];
    let outcome = create_partitions(&mut connection, &growth(4), WAIT).await.unwrap();
    assert_eq!(outcome, [Ok(())]);
    until("the partitions are there", async || {
        let found = metadata::fetch(&mut connection, &[topic.name()]).await.unwrap();
        (found.topics[0].partitions.len() == 4).then_some(())
    })
    .await;
    let outcome = create_partitions(&mut connection, &growth(3), WAIT).await.unwrap();
    assert_eq!(outcome[0].as_ref().unwrap_err().code, INVALID_PARTITIONS);
}
