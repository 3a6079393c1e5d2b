//! The first path: a stock client produces and consumes through a zone, before Kafka 4.1.1 and before 3.9.1.
//!
//! Every case has its own zone and gateway on a cluster that the file's cases share; every case ends with a
//! search of all bytes that its partner received.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod every_step;
mod partner;
mod recorder_catches;
mod requests;
mod same_bytes;

use anyhow::Result;
use partner::{PRICES, Partner, READ_ALIAS};
use tidegate_e2e::clients::{Client, Step, records};
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;

/// The same cases once per Kafka release.
macro_rules! before_kafka {
    ($module:ident, $version:expr, [$($case:ident),* $(,)?]) => {
        mod $module {
            $(#[test]
            fn $case() -> anyhow::Result<()> {
                super::$case($version)
            })*
        }
    };
    ([$($case:ident),* $(,)?]) => {
        before_kafka!(kafka_4_1_1, tidegate_e2e::jars::Version::V4_1_1, [$($case),*]);
        before_kafka!(kafka_3_9_1, tidegate_e2e::jars::Version::V3_9_1, [$($case),*]);
    };
}

before_kafka!([
    clients_list_exactly_the_aliases,
    clients_produce_consume_and_resume,
    clients_resume_after_a_gateway_restart,
    a_read_alias_is_read_but_not_written,
    a_backing_name_is_refused,
    a_wrong_password_is_refused,
    a_backing_name_looks_like_a_nonsense_name,
    a_real_topic_id_looks_like_a_random_id,
    the_recorder_catches_a_broker_that_speaks_openly,
    every_client_plays_every_step_it_can,
    steps_on_foreign_topics_are_refused,
]);

use every_step::{every_client_plays_every_step_it_can, steps_on_foreign_topics_are_refused};
use recorder_catches::the_recorder_catches_a_broker_that_speaks_openly;
use same_bytes::{a_backing_name_looks_like_a_nonsense_name, a_real_topic_id_looks_like_a_random_id};

fn clients_list_exactly_the_aliases(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders", "returns"])?;
    for client in Client::every() {
        let listed = client.run(&partner.config(client), Step::List)?.accepted()?;
        assert_eq!(listed.topics, partner.aliases(), "{client}");
    }
    partner.finish()
}

fn clients_produce_consume_and_resume(version: Version) -> Result<()> {
    let clients = Client::installed();
    let partner = Partner::create(version, &write_aliases(&clients))?;
    for client in clients {
        let (config, topic) = (partner.config(client), alias_of(client));
        let group = random::name("group-");
        let sent = client.run(&config, Step::Produce { topic, count: 10, keys: "k" })?.accepted()?;
        assert!(sent.produced.iter().all(|record| record.topic == topic), "{client}: {sent:?}");
        let consume = Step::Consume { topic, group: &group, count: 5 };
        let first = client.run(&config, consume)?.accepted()?;
        assert_eq!(first.records.len(), 5, "{client}: {first:?}");
        let second = client.run(&config, consume)?.accepted()?;
        assert_eq!(both(&first.pairs(), &second.pairs()), records("k", 10), "{client}");
        assert!(first.records.iter().all(|record| record.topic == topic), "{client}: {first:?}");
        the_same_records_lie_on_the_cluster(&partner, topic)?;
    }
    partner.finish()
}

fn clients_resume_after_a_gateway_restart(version: Version) -> Result<()> {
    let clients = Client::installed();
    let mut partner = Partner::create(version, &write_aliases(&clients))?;
    let mut before = Vec::new();
    for &client in &clients {
        let (config, topic) = (partner.config(client), alias_of(client));
        client.run(&config, Step::Produce { topic, count: 6, keys: "k" })?.accepted()?;
        let consume = Step::Consume { topic, group: "readers", count: 3 };
        before.push(client.run(&config, consume)?.accepted()?.pairs());
    }
    partner.restart_gateway()?;
    for (&client, before) in clients.iter().zip(before) {
        let (config, topic) = (partner.config(client), alias_of(client));
        let consume = Step::Consume { topic, group: "readers", count: 3 };
        let after = client.run(&config, consume)?.accepted()?.pairs();
        assert_eq!(both(&before, &after), records("k", 6), "{client}");
    }
    partner.finish()
}

fn a_read_alias_is_read_but_not_written(version: Version) -> Result<()> {
    // With a WRITE alias beside it: without any, the idempotent producer's id is refused before the topic is.
    let partner = Partner::create(version, &["orders"])?;
    for client in Client::installed() {
        let config = partner.config(client);
        let group = random::name("group-");
        let consume = Step::Consume { topic: READ_ALIAS, group: &group, count: PRICES };
        let read = client.run(&config, consume)?.accepted()?;
        assert_eq!(read.pairs(), records("price", PRICES), "{client}");
        let sent = client.run(&config, Step::Produce { topic: READ_ALIAS, count: 1, keys: "k" })?;
        assert_eq!(sent.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{client}: {sent:?}");
    }
    assert_eq!(on_the_cluster(&partner, READ_ALIAS, PRICES)?, records("price", PRICES));
    partner.finish()
}

fn a_backing_name_is_refused(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders"])?;
    let names = [partner.backing("orders"), partner.backing(READ_ALIAS), partner.hidden.name.as_str()];
    for client in Client::installed() {
        let config = partner.config(client);
        for topic in names {
            let sent = client.run(&config, Step::Produce { topic, count: 1, keys: "k" })?;
            assert_eq!(sent.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{client}: {sent:?}");
        }
        let topic = names[0];
        let read = client.run(&config, Step::Consume { topic, group: "readers", count: 1 })?;
        assert_eq!(read.records, [], "{client}");
        // kafka-python 3.0.12 keeps a refused subscription to itself and reads nothing.
        if client != Client::KafkaPython {
            assert_eq!(read.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{client}: {read:?}");
        }
    }
    let echoed = names.map(str::to_owned);
    partner.finish_after_asking_for(&echoed, &[])
}

fn a_wrong_password_is_refused(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders"])?;
    let right = partner.config(Client::Librdkafka);
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let mut config = right.clone();
        config.mechanism = Some(mechanism.to_owned());
        let listed = Client::Java.run(&config, Step::List)?.accepted()?;
        assert_eq!(listed.topics, partner.aliases(), "{mechanism}");
        config.password = Some("not the password".to_owned());
        let refused = Client::Java.run(&config, Step::List)?;
        assert_eq!(refused.refused_with(), Some("SASL_AUTHENTICATION_FAILED"), "{mechanism}: {refused:?}");
    }
    partner.finish()
}

/// What went in through an alias lies under the backing name, once.
fn the_same_records_lie_on_the_cluster(partner: &Partner, alias: &str) -> Result<()> {
    assert_eq!(on_the_cluster(partner, alias, 10)?, records("k", 10));
    Ok(())
}

fn on_the_cluster(partner: &Partner, alias: &str, count: usize) -> Result<Vec<(String, String)>> {
    let config = partner.kafka.client_config("PLAIN");
    let (topic, group) = (partner.backing(alias), random::name("check-"));
    Ok(Client::Librdkafka.run(&config, Step::Consume { topic, group: &group, count })?.accepted()?.pairs())
}

fn both(first: &[(String, String)], second: &[(String, String)]) -> Vec<(String, String)> {
    let mut all = [first, second].concat();
    all.sort();
    all
}

/// Each client writes to an alias of its own, so that it reads back what it wrote.
fn alias_of(client: Client) -> &'static str {
    match client {
        Client::Java => "orders.java",
        Client::Console => "orders.console",
        Client::Librdkafka => "orders.librdkafka",
        Client::KafkaPython => "orders.kafka-python",
        Client::Aiokafka => "orders.aiokafka",
        Client::FranzGo => "orders.franz-go",
        Client::Sarama => "orders.sarama",
        Client::KafkaGo => "orders.kafka-go",
        Client::KafkaJs => "orders.kafkajs",
        Client::Rskafka => "orders.rskafka",
        Client::Kcat => "orders.kcat",
    }
}

fn write_aliases(clients: &[Client]) -> Vec<&'static str> {
    clients.iter().map(|&client| alias_of(client)).collect()
}
