//! The harness and every client against Kafka without a gateway: when these fail, the others say nothing.
//!
//! Every client meets each version once, with a login; the other ways to set up a cluster are met by one client of each
//! family, and by all in `cargo xtask soak direct`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use anyhow::Result;
use tidegate_e2e::clients::{Client, ClientConfig, Step, records};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, User};
use tidegate_e2e::random;
use tidegate_e2e::scale::scale;

#[test]
fn kafka_4_1_plaintext_one_broker() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    works(&kafka, "PLAIN", &families()?)
}

#[test]
fn kafka_4_1_scram_three_brokers_with_authorizer() -> Result<()> {
    let stranger = User::new("stranger");
    let mut kafka = Kafka::builder(Version::V4_1_1)
        .brokers(3)
        .protocol(Protocol::SaslPlaintext)
        .authorizer()
        .racks()
        .user(stranger.clone())
        .start()?;
    works(&kafka, "SCRAM-SHA-512", &Client::every())?;
    strangers_are_refused(&kafka, &stranger)?;
    a_wrong_password_has_its_name(&kafka)?;
    survives_restarts(&mut kafka)
}

#[test]
fn kafka_4_1_plain_over_tls() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslSsl).start()?;
    works(&kafka, "PLAIN", &families()?)
}

#[test]
fn kafka_3_9_plaintext_three_brokers() -> Result<()> {
    let kafka = Kafka::builder(Version::V3_9_1).brokers(3).start()?;
    works(&kafka, "PLAIN", &families()?)
}

#[test]
fn kafka_3_9_plain_one_broker() -> Result<()> {
    let kafka = Kafka::builder(Version::V3_9_1).protocol(Protocol::SaslPlaintext).start()?;
    works(&kafka, "PLAIN", &families()?)
}

#[test]
fn kafka_3_9_scram_over_tls() -> Result<()> {
    let kafka = Kafka::builder(Version::V3_9_1).protocol(Protocol::SaslSsl).start()?;
    works(&kafka, "SCRAM-SHA-256", &Client::every())
}

fn families() -> Result<Vec<Client>> {
    let every = scale::<u32>()? > 1;
    let families = vec![Client::Java, Client::Librdkafka, Client::FranzGo, Client::KafkaJs];
    Ok(if every { Client::every() } else { families })
}

/// Each client lists, produces, reads half, and reads the rest after a restart.
fn works(kafka: &Kafka, mechanism: &str, clients: &[Client]) -> Result<()> {
    for &client in clients {
        // Debian 12's kcat carries librdkafka 2.0.2, whose SCRAM login a stock broker refuses too.
        let config = kafka.client_config(if client == Client::Kcat { "PLAIN" } else { mechanism });
        let topic = kafka.create_topic(2)?;
        let (topic, group) = (topic.name.as_str(), random::name("group-"));
        let listed = client.run(&config, Step::List)?.accepted()?;
        assert!(listed.topics.iter().any(|name| name == topic), "{client} listed {:?}", listed.topics);
        client.run(&config, Step::Produce { topic, count: 10, keys: "k" })?.accepted()?;
        let consume = Step::Consume { topic, group: &group, count: 5 };
        let mut read = if client.can(consume) {
            let first = client.run(&config, consume)?.accepted()?;
            let second = client.run(&config, consume)?.accepted()?;
            [first.pairs(), second.pairs()].concat()
        } else {
            client.run(&config, Step::ReadFromBeginning { topic, count: 10 })?.accepted()?.pairs()
        };
        read.sort();
        assert_eq!(read, records("k", 10), "{client}");
    }
    Ok(())
}

fn strangers_are_refused(kafka: &Kafka, stranger: &User) -> Result<()> {
    let admin = kafka.client_config("PLAIN");
    let config = ClientConfig {
        user: Some(stranger.name.clone()),
        password: Some(stranger.password.clone()),
        ..admin
    };
    let topic = kafka.create_topic(1)?;
    let topic = topic.name.as_str();
    for client in Client::every() {
        assert_eq!(client.run(&config, Step::List)?.topics, [""; 0], "{client}");
        let produced = client.run(&config, Step::Produce { topic, count: 1, keys: "k" })?;
        // Who may write no topic gets no producer id, and some ask for it before they ask for the topic.
        let first = match client {
            Client::Aiokafka | Client::Sarama | Client::KafkaJs => "CLUSTER_AUTHORIZATION_FAILED",
            _ => "TOPIC_AUTHORIZATION_FAILED",
        };
        assert_eq!(produced.refused_with(), Some(first), "{client}: {produced:?}");
        let consume = Step::Consume { topic, group: "g", count: 1 };
        let step = if client.can(consume) { consume } else { Step::ReadFromBeginning { topic, count: 1 } };
        let consumed = client.run(&config, step)?;
        let expected = ["TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"];
        let refusal = consumed.refused_with().unwrap_or("nothing");
        assert!(expected.contains(&refusal), "{client}: {consumed:?}");
    }
    Ok(())
}

/// The libraries hide the code of a failed login in different places.
fn a_wrong_password_has_its_name(kafka: &Kafka) -> Result<()> {
    let mut config = kafka.client_config("SCRAM-SHA-512");
    config.password = Some("not the password".to_owned());
    // rskafka tries again until it gives up, for longer than a busy machine can wait.
    for client in [Client::FranzGo, Client::Sarama, Client::KafkaGo, Client::KafkaJs] {
        let listed = client.run(&config, Step::List)?;
        assert_eq!(listed.refused_with(), Some("SASL_AUTHENTICATION_FAILED"), "{client}: {listed:?}");
    }
    Ok(())
}

fn survives_restarts(kafka: &mut Kafka) -> Result<()> {
    let config = kafka.client_config("PLAIN");
    let topic = kafka.create_topic(1)?;
    let topic = topic.name.as_str();
    kafka.kill9(3)?;
    Client::Librdkafka.run(&config, Step::Produce { topic, count: 3, keys: "k" })?.accepted()?;
    kafka.restart(3)?;
    kafka.stop(1)?;
    let consume = Step::Consume { topic, group: "g", count: 3 };
    let read = Client::Librdkafka.run(&config, consume)?.accepted()?;
    kafka.restart(1)?;
    assert_eq!(read.pairs(), records("k", 3));
    Ok(())
}
