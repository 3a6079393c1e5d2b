//! Every step of the scenario by every client that can do it, against Kafka without a gateway: when one fails here,
//! the same step before a gateway says nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use anyhow::{Result, ensure};
use kafka_protocol::messages::CreateAclsRequest;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients::{Client, ClientConfig, End, Step};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, User};
use tidegate_e2e::play::{self, Player};
use tidegate_e2e::random;

#[test]
fn every_client_plays_every_step_it_can() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let config = kafka.client_config("PLAIN");
    let topic = |partitions| Ok(kafka.create_topic(partitions)?.name);
    play::each(&Client::every(), |client| {
        Player { client, config: &config, knows_next: true, topic: &topic }.play()
    })
}

#[test]
fn strangers_are_refused_in_kafkas_words() -> Result<()> {
    let stranger = User::new("stranger");
    let kafka = Kafka::builder(Version::V4_1_1)
        .protocol(Protocol::SaslPlaintext)
        .authorizer()
        .user(stranger.clone())
        .start()?;
    let admin = kafka.client_config("PLAIN");
    let config = ClientConfig { user: Some(stranger.name), password: Some(stranger.password), ..admin };
    let topic = kafka.create_topic(1)?.name;
    play::each(&Client::every(), |client| refused_everything(client, &config, &topic))
}

/// Which right a library misses first is its own affair.
fn refused_everything(client: Client, config: &ClientConfig, topic: &str) -> Result<()> {
    let (group, transactional_id, count) = ("g", "t", 1);
    let end = End::Commit;
    let steps = [
        Step::ConsumeNext { topic, group, count },
        Step::ConsumeCommitted { topic, group, count },
        Step::ReadFromBeginning { topic, count },
        Step::ReadFromTime { topic, timestamp: 1, count },
        Step::Transact { topic, transactional_id, count, keys: "k", end },
        Step::Copy { from: topic, to: topic, group, transactional_id, count },
        Step::DescribeGroup { group },
        Step::ResetOffsets { group, topic },
        Step::DeleteGroup { group },
    ];
    for step in steps.into_iter().filter(|&step| client.can(step)) {
        let outcome = client.run(config, step)?;
        let refusal = outcome.refused_with().unwrap_or("nothing");
        assert!(refusal.ends_with("_AUTHORIZATION_FAILED"), "{client}: {step:?}: {outcome:?}");
    }
    if client.can(Step::ListGroups) {
        assert_eq!(client.run(config, Step::ListGroups)?.accepted()?.groups, [""; 0], "{client}");
    }
    Ok(())
}

#[test]
fn a_transaction_that_may_not_write_is_refused_for_its_topic() -> Result<()> {
    let writer = User::new("writer");
    let kafka = Kafka::builder(Version::V4_1_1)
        .protocol(Protocol::SaslPlaintext)
        .authorizer()
        .user(writer.clone())
        .start()?;
    let admin = kafka.client_config("PLAIN");
    let topics = kafka.create_topics(&[1, 1])?;
    let (from, to) = (topics[0].name.as_str(), topics[1].name.as_str());
    grant_all_but_the_target(&kafka, &writer.name, from)?;
    Client::Librdkafka.run(&admin, Step::Produce { topic: from, count: 1, keys: "k" })?.accepted()?;
    let config = ClientConfig { user: Some(writer.name), password: Some(writer.password), ..admin };
    for client in Client::every() {
        let name = random::name("own-");
        let (group, transactional_id, application, count) = (name.as_str(), name.as_str(), name.as_str(), 1);
        let steps = [
            Step::Transact { topic: to, transactional_id, count, keys: "k", end: End::Commit },
            Step::Copy { from, to, group, transactional_id, count },
            Step::Stream { from, to, application, count },
        ];
        for step in steps.into_iter().filter(|&step| client.can(step)) {
            let outcome = client.run(&config, step)?;
            // kafkajs asks for a producer id without a transaction first, which takes a right to write.
            let idempotent = client == Client::KafkaJs;
            let expected =
                if idempotent { "CLUSTER_AUTHORIZATION_FAILED" } else { "TOPIC_AUTHORIZATION_FAILED" };
            assert_eq!(outcome.refused_with(), Some(expected), "{client}: {outcome:?}");
            assert!(!outcome.committed, "{client}: {outcome:?}");
        }
    }
    Ok(())
}

/// Reading `from`, and every group and transactional id that begins with `own-`.
fn grant_all_but_the_target(kafka: &Kafka, user: &str, from: &str) -> Result<()> {
    const READ: i8 = 3;
    const WRITE: i8 = 4;
    const LITERAL: i8 = 3;
    const PREFIXED: i8 = 4;
    const ALLOW: i8 = 3;
    let [topic, group, transactional_id] = [2, 3, 5];
    let rights = [
        (topic, LITERAL, from, READ),
        (group, PREFIXED, "own-", READ),
        (transactional_id, PREFIXED, "own-", WRITE),
    ];
    let creations = rights.map(|(kind, pattern, name, operation)| {
        AclCreation::default()
            .with_resource_type(kind)
            .with_resource_pattern_type(pattern)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_principal(StrBytes::from_string(format!("User:{user}")))
            .with_host(StrBytes::from_static_str("*"))
            .with_operation(operation)
            .with_permission_type(ALLOW)
    });
    let request = CreateAclsRequest::default().with_creations(creations.into());
    let done = kafka.internal(1)?.call(3, &request)?;
    ensure!(done.results.iter().all(|result| result.error_code == 0), "{done:?}");
    Ok(())
}
