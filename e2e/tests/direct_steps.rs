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

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::CreateAclsRequest;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients::{Client, ClientConfig, End, Group, Outcome, Step, records};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, User};
use tidegate_e2e::random;

/// The clients of this file.
const CLIENTS: [Client; 6] =
    [Client::Java, Client::Console, Client::Librdkafka, Client::KafkaPython, Client::Aiokafka, Client::Kcat];

#[test]
fn every_client_plays_every_step_it_can() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let config = kafka.client_config("PLAIN");
    clients().into_iter().try_for_each(|client| {
        let player = Player { client, kafka: &kafka, config: &config };
        player.play().with_context(|| client.to_string())
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
    clients().into_iter().try_for_each(|client| refused_everything(client, &config, &topic))
}

fn refused_everything(client: Client, config: &ClientConfig, topic: &str) -> Result<()> {
    const TOPIC: &str = "TOPIC_AUTHORIZATION_FAILED";
    const GROUP: &str = "GROUP_AUTHORIZATION_FAILED";
    const TRANSACTION: &str = "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    let (group, transactional_id, count) = ("g", "t", 1);
    let end = End::Commit;
    // A library may meet the topic's refusal or the group's first.
    let steps: [(Step<'_>, &[&str]); 9] = [
        (Step::ConsumeNext { topic, group, count }, &[TOPIC, GROUP]),
        (Step::ConsumeCommitted { topic, group, count }, &[TOPIC, GROUP]),
        (Step::ReadFromBeginning { topic, count }, &[TOPIC]),
        (Step::ReadFromTime { topic, timestamp: 1, count }, &[TOPIC]),
        (Step::Transact { topic, transactional_id, count, keys: "k", end }, &[TRANSACTION, TOPIC]),
        (Step::Copy { from: topic, to: topic, group, transactional_id, count }, &[TRANSACTION]),
        (Step::DescribeGroup { group }, &[GROUP]),
        (Step::ResetOffsets { group, topic }, &[GROUP, TOPIC]),
        (Step::DeleteGroup { group }, &[GROUP]),
    ];
    for (step, expected) in steps.into_iter().filter(|(step, _)| client.can(*step)) {
        let outcome = client.run(config, step)?;
        let refusal = outcome.refused_with().unwrap_or("nothing");
        assert!(expected.contains(&refusal), "{client}: {step:?}: {outcome:?}");
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
    for client in clients() {
        let name = random::name("own-");
        let (group, transactional_id, application, count) = (name.as_str(), name.as_str(), name.as_str(), 1);
        let steps = [
            Step::Transact { topic: to, transactional_id, count, keys: "k", end: End::Commit },
            Step::Copy { from, to, group, transactional_id, count },
            Step::Stream { from, to, application, count },
        ];
        for step in steps.into_iter().filter(|&step| client.can(step)) {
            let outcome = client.run(&config, step)?;
            assert_eq!(outcome.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{client}: {outcome:?}");
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

/// [`CLIENTS`], as far as installed.
fn clients() -> Vec<Client> {
    let installed = Client::installed();
    CLIENTS.into_iter().filter(|client| installed.contains(client)).collect()
}

/// One client before one cluster.
struct Player<'a> {
    client: Client,
    kafka: &'a Kafka,
    config: &'a ClientConfig,
}

impl Player<'_> {
    fn play(&self) -> Result<()> {
        self.describes_topics()?;
        self.reads()?;
        self.reads_by_pattern()?;
        self.looks_after_groups()?;
        self.sees_a_live_member()?;
        self.works_in_transactions()
    }

    fn describes_topics(&self) -> Result<()> {
        let topic = self.kafka.create_topic(3)?.name;
        if let Some(described) = self.try_run(Step::DescribeTopic { topic: &topic })? {
            let described = described.topic.context("no topic was described")?;
            assert_eq!((described.name, described.partitions), (topic, 3));
        }
        Ok(())
    }

    fn reads(&self) -> Result<()> {
        let topic = self.kafka.create_topic(2)?.name;
        let topic = topic.as_str();
        self.run(Step::Produce { topic, count: 6, keys: "k" })?;
        // Timestamps are whole milliseconds: one apart on both sides.
        thread::sleep(Duration::from_millis(2));
        let later = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?;
        thread::sleep(Duration::from_millis(2));
        self.run(Step::Produce { topic, count: 4, keys: "late" })?;
        let all = both(&records("k", 6), &records("late", 4));

        if let Some(read) = self.try_run(Step::ReadFromBeginning { topic, count: 10 })? {
            assert_eq!(read.pairs(), all, "{}", self.client);
        }
        if let Some(read) = self.try_run(Step::ReadFromTime { topic, timestamp: later, count: 4 })? {
            assert_eq!(read.pairs(), records("late", 4), "{}", self.client);
        }
        let group = random::name("group-");
        let next = Step::ConsumeNext { topic, group: &group, count: 5 };
        if let Some(first) = self.try_run(next)? {
            let second = self.run(next)?;
            assert_eq!(both(&first.pairs(), &second.pairs()), all, "{}", self.client);
        }
        Ok(())
    }

    fn reads_by_pattern(&self) -> Result<()> {
        for next in [false, true] {
            let topics = self.kafka.create_topics(&[1, 1])?;
            let (first, second) = (topics[0].name.as_str(), topics[1].name.as_str());
            let (pattern, group) = (format!("({first}|{second})"), random::name("group-"));
            let consume = Step::ConsumePattern { pattern: &pattern, group: &group, count: 4, next };
            if !self.client.can(consume) {
                continue;
            }
            self.run(Step::Produce { topic: first, count: 2, keys: "one" })?;
            self.run(Step::Produce { topic: second, count: 2, keys: "two" })?;
            let read = self.run(consume)?.pairs();
            assert_eq!(read, both(&records("one", 2), &records("two", 2)), "{}", self.client);
        }
        Ok(())
    }

    fn looks_after_groups(&self) -> Result<()> {
        if !self.client.can(Step::ListGroups) {
            return Ok(());
        }
        let topic = self.kafka.create_topic(2)?.name;
        let (topic, group) = (topic.as_str(), random::name("group-"));
        let consume = Step::Consume { topic, group: &group, count: 6 };
        self.run(Step::Produce { topic, count: 6, keys: "k" })?;
        assert_eq!(self.run(consume)?.pairs(), records("k", 6), "{}", self.client);
        assert!(self.run(Step::ListGroups)?.groups.contains(&group), "{}", self.client);

        let described =
            self.run(Step::DescribeGroup { group: &group })?.group.context("no group was described")?;
        assert_eq!((described.name.as_str(), described.state.as_str()), (group.as_str(), "Empty"));
        assert_eq!((described.members, described.topics), (0, vec![topic.to_owned()]));

        if let Some(reset) = self.try_run(Step::ResetOffsets { group: &group, topic })? {
            assert!(reset.committed, "{}", self.client);
            assert_eq!(self.run(consume)?.pairs(), records("k", 6), "{}", self.client);
        }
        let delete = Step::DeleteGroup { group: &group };
        if self.try_run(delete)?.is_some() {
            assert!(!self.run(Step::ListGroups)?.groups.contains(&group), "{}", self.client);
            let again = self.client.run(self.config, delete)?;
            assert_eq!(again.refused_with(), Some("GROUP_ID_NOT_FOUND"), "{}", self.client);
        }
        Ok(())
    }

    /// A group with a consumer that waits for its only record until it has been described.
    fn sees_a_live_member(&self) -> Result<()> {
        let (topic, group) = (self.kafka.create_topic(1)?.name, random::name("group-"));
        let (topic, group) = (topic.as_str(), group.as_str());
        let describe = Step::DescribeGroup { group };
        if !self.client.can(describe) {
            return Ok(());
        }
        let config = self.config;
        thread::scope(|scope| {
            let consume = Step::Consume { topic, group, count: 1 };
            let consumer = scope.spawn(move || Client::Librdkafka.run(config, consume));
            let described = self.describe_when_stable(describe);
            Client::Librdkafka.run(config, Step::Produce { topic, count: 1, keys: "k" })?.accepted()?;
            assert_eq!(consumer.join().unwrap()?.accepted()?.pairs(), records("k", 1));
            let described = described?;
            assert_eq!((described.members, described.topics), (1, vec![topic.to_owned()]), "{}", self.client);
            Ok(())
        })
    }

    fn describe_when_stable(&self, describe: Step<'_>) -> Result<Group> {
        // The consumer gives up after 30 s.
        let until = Instant::now() + Duration::from_secs(25);
        loop {
            let described = self.client.run(self.config, describe)?;
            match described.group {
                Some(group) if group.state == "Stable" => return Ok(group),
                _ => ensure!(Instant::now() < until, "the group never became stable: {described:?}"),
            }
        }
    }

    /// One partition, so that an aborted record that is read takes the place of a later one.
    fn works_in_transactions(&self) -> Result<()> {
        let topic = self.kafka.create_topic(1)?.name;
        let topic = topic.as_str();
        let transactional_id = random::name("transaction-");
        let transact = |count, keys, end| Step::Transact {
            topic,
            transactional_id: &transactional_id,
            count,
            keys,
            end,
        };
        self.run(Step::Produce { topic, count: 4, keys: "k" })?;
        // A client without transactions still reads them.
        let writer =
            if self.client.can(transact(0, "", End::Abort)) { self.client } else { Client::Librdkafka };
        writer.run(self.config, transact(3, "gone", End::Abort))?.accepted()?;
        writer.run(self.config, transact(4, "stays", End::Commit))?.accepted()?;
        let all = both(&records("k", 4), &records("stays", 4));

        let group = random::name("group-");
        let read = self.run(Step::ConsumeCommitted { topic, group: &group, count: 8 })?;
        assert_eq!(read.pairs(), all, "{}", self.client);
        self.copies(topic, &all)?;
        self.streams(topic, &all)
    }

    /// In two halves: the second begins where the first transaction has put the group.
    fn copies(&self, from: &str, all: &[(String, String)]) -> Result<()> {
        let to = self.kafka.create_topic(1)?.name;
        let (group, transactional_id) = (random::name("group-"), random::name("transaction-"));
        let (group, transactional_id) = (group.as_str(), transactional_id.as_str());
        let copy = |count| Step::Copy { from, to: &to, group, transactional_id, count };
        let Some(first) = self.try_run(copy(5))? else { return Ok(()) };
        let second = self.run(copy(3))?;
        assert!(first.committed && second.committed, "{}", self.client);
        assert_eq!(both(&first.pairs(), &second.pairs()), all, "{}", self.client);
        self.holds(&to, all)
    }

    fn streams(&self, from: &str, all: &[(String, String)]) -> Result<()> {
        let to = self.kafka.create_topic(1)?.name;
        let application = random::name("application-");
        let stream = Step::Stream { from, to: &to, application: &application, count: 8 };
        let Some(streamed) = self.try_run(stream)? else { return Ok(()) };
        assert!(streamed.committed, "{}", self.client);
        assert_eq!(streamed.pairs(), all, "{}", self.client);
        self.holds(&to, all)
    }

    /// Whether the committed records of a topic with one partition are these and no others.
    fn holds(&self, topic: &str, all: &[(String, String)]) -> Result<()> {
        let marked = Step::Produce { topic, count: 1, keys: "behind" };
        Client::Librdkafka.run(self.config, marked)?.accepted()?;
        let group = random::name("group-");
        let read = Step::ConsumeCommitted { topic, group: &group, count: all.len() + 1 };
        let read = Client::Librdkafka.run(self.config, read)?.accepted()?;
        assert_eq!(read.pairs(), both(all, &records("behind", 1)), "{}", self.client);
        Ok(())
    }

    fn run(&self, step: Step<'_>) -> Result<Outcome> {
        self.client.run(self.config, step)?.accepted()
    }

    /// Nothing if the client cannot do it.
    fn try_run(&self, step: Step<'_>) -> Result<Option<Outcome>> {
        self.client.can(step).then(|| self.run(step)).transpose()
    }
}

fn both(first: &[(String, String)], second: &[(String, String)]) -> Vec<(String, String)> {
    let mut all = [first, second].concat();
    all.sort();
    all
}
