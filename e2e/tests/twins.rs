//! Two aliases of one backing topic: in one client, one group, two groups, one request.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FindCoordinatorRequest, GroupId, ListOffsetsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetForLeaderEpochRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients::{Client, Step, records};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::markers::Markers;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use uuid::Uuid;

const ACCOUNT: &str = "partner";
const PASSWORD: &str = "partner-password";
const TWINS: [&str; 2] = ["first", "second"];
const COUNT: usize = 8;
const PATIENCE: Duration = Duration::from_secs(20);
const FETCH_BY_NAME: i16 = 12;
const FETCH_BY_ID: i16 = 13;

#[test]
fn one_topic_under_two_names() -> Result<()> {
    let site = Site::start()?;
    let mut connection = site.connect()?;
    let ids = ids_differ(&mut connection, site.topic.id)?;
    both_have_the_same_offsets(&mut connection)?;
    both_have_the_same_epochs(&mut connection)?;
    both_are_read_in_turns(&mut connection, FETCH_BY_NAME, &ids)?;
    both_are_read_in_turns(&mut connection, FETCH_BY_ID, &ids)?;
    of_both_in_one_group_the_first_is_bound(&mut connection)?;
    each_in_a_group_of_its_own_is_read_by_every_client(&site)?;
    site.nothing_leaked()
}

/// By name and by id, neither of them the real one.
fn ids_differ(connection: &mut Connection, real: Uuid) -> Result<BTreeMap<&'static str, Uuid>> {
    let answer = connection.call(12, &MetadataRequest::default().with_topics(None))?;
    let id = |name: &str| {
        let found =
            answer.topics.iter().find(|topic| topic.name.as_deref().is_some_and(|n| n.as_str() == name));
        found.map(|topic| topic.topic_id).with_context(|| format!("{name} is not listed: {answer:?}"))
    };
    let ids = BTreeMap::from([(TWINS[0], id(TWINS[0])?), (TWINS[1], id(TWINS[1])?)]);
    ensure!(ids[TWINS[0]] != ids[TWINS[1]], "both have the id {}", ids[TWINS[0]]);
    ensure!(!ids.values().any(|id| *id == real), "a real id is shown");
    Ok(ids)
}

fn both_have_the_same_offsets(connection: &mut Connection) -> Result<()> {
    let topic = |name: &&str| {
        ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1)])
    };
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(TWINS.iter().map(topic).collect());
    let answer = connection.call(7, &request)?;
    let mut seen: Vec<_> = answer
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.partitions[0].error_code, topic.partitions[0].offset))
        .collect();
    seen.sort_unstable();
    let end = i64::try_from(COUNT)?;
    assert_eq!(seen, [(TWINS[0], 0, end), (TWINS[1], 0, end)]);
    Ok(())
}

fn both_have_the_same_epochs(connection: &mut Connection) -> Result<()> {
    let topic = |name: &&str| {
        OffsetForLeaderTopic::default().with_topic(topic_name(name)).with_partitions(vec![
            OffsetForLeaderPartition::default()
                .with_partition(0)
                .with_current_leader_epoch(-1)
                .with_leader_epoch(0),
        ])
    };
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(TWINS.iter().map(topic).collect());
    let answer = connection.call(4, &request)?;
    let mut seen: Vec<_> = answer
        .topics
        .iter()
        .map(|topic| (topic.topic.as_str(), topic.partitions[0].error_code, topic.partitions[0].end_offset))
        .collect();
    seen.sort_unstable();
    let end = i64::try_from(COUNT)?;
    assert_eq!(seen, [(TWINS[0], 0, end), (TWINS[1], 0, end)]);
    Ok(())
}

/// Each answer has the records under one name and none under the other; two answers have them under both.
fn both_are_read_in_turns(
    connection: &mut Connection,
    version: i16,
    ids: &BTreeMap<&'static str, Uuid>,
) -> Result<()> {
    let topic = |name: &&'static str| {
        let partition = FetchPartition::default()
            .with_partition(0)
            .with_fetch_offset(0)
            .with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default().with_partitions(vec![partition]);
        if version >= FETCH_BY_ID {
            topic.with_topic_id(ids[*name])
        } else {
            topic.with_topic(topic_name(name))
        }
    };
    let request = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_session_epoch(-1)
        .with_topics(TWINS.iter().map(topic).collect());
    let mut with_records = BTreeMap::new();
    for _ in 0..2 {
        let answer = connection.call(version, &request)?;
        ensure!(answer.error_code == 0 && answer.responses.len() == 2, "{answer:?}");
        for topic in &answer.responses {
            let name = ids.iter().find(|(name, id)| topic.topic.as_str() == **name || topic.topic_id == **id);
            let name = *name.with_context(|| format!("not asked for: {topic:?}"))?.0;
            let partition = &topic.partitions[0];
            ensure!(partition.error_code == 0, "{partition:?}");
            assert_eq!(partition.high_watermark, i64::try_from(COUNT)?, "{name}");
            if partition.records.as_ref().is_some_and(|records| !records.is_empty()) {
                *with_records.entry(name).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(with_records, BTreeMap::from([(TWINS[0], 1), (TWINS[1], 1)]), "version {version}");
    Ok(())
}

fn of_both_in_one_group_the_first_is_bound(connection: &mut Connection) -> Result<()> {
    let topic = |name: &&str| {
        OffsetCommitRequestTopic::default().with_name(topic_name(name)).with_partitions(vec![
            OffsetCommitRequestPartition::default()
                .with_partition_index(0)
                .with_committed_offset(3)
                .with_committed_metadata(Some(StrBytes::default())),
        ])
    };
    let commit = |names: &[&str]| {
        OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str("one-group")))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(names.iter().map(topic).collect())
    };
    for _ in 0..2 {
        let answer = commit_when_ready(connection, &commit(&TWINS))?;
        assert_eq!(answer, [(TWINS[0].to_owned(), 0), (TWINS[1].to_owned(), 29)]);
    }
    assert_eq!(commit_when_ready(connection, &commit(&TWINS[1..]))?, [(TWINS[1].to_owned(), 29)]);
    Ok(())
}

/// Commits, as soon as the cluster has a coordinator.
fn commit_when_ready(
    connection: &mut Connection,
    request: &OffsetCommitRequest,
) -> Result<Vec<(String, i16)>> {
    const NOT_READY: [i16; 3] = [14, 15, 16];
    for _ in 0..80 {
        // The first search makes the coordinator's topic.
        let key = StrBytes::from_string(request.group_id.to_string());
        connection.call(4, &FindCoordinatorRequest::default().with_coordinator_keys(vec![key]))?;
        let answer = connection.call(9, request)?;
        let mut codes: Vec<_> = answer
            .topics
            .iter()
            .map(|topic| (topic.name.to_string(), topic.partitions[0].error_code))
            .collect();
        if !codes.iter().any(|(_, code)| NOT_READY.contains(code)) {
            codes.sort();
            return Ok(codes);
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    anyhow::bail!("no coordinator")
}

fn each_in_a_group_of_its_own_is_read_by_every_client(site: &Site) -> Result<()> {
    let config = gateway::client_config(&site.home, "PLAIN", ACCOUNT, PASSWORD);
    for client in Client::installed()
        .into_iter()
        .filter(|client| client.can(Step::Consume { topic: "", group: "", count: 0 }))
    {
        for topic in TWINS {
            let group = format!("{client} of {topic}");
            let read =
                client.run(&config, Step::Consume { topic, group: &group, count: COUNT })?.accepted()?;
            assert_eq!(read.pairs(), records("k", COUNT), "{client} {topic}");
        }
    }
    Ok(())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

struct Site {
    _kafka: Kafka,
    home: Home,
    _gateway: Gateway,
    recorder: Recorder,
    topic: Topic,
}

impl Site {
    /// One broker, so that any connection reaches leader and coordinator.
    fn start() -> Result<Self> {
        let kafka = Kafka::builder(Version::V4_1_1).start()?;
        let topic = kafka.create_topics(&[1])?.pop().context("a topic was created")?;
        let fill = Step::Produce { topic: &topic.name, count: COUNT, keys: "k" };
        Client::Librdkafka.run(&kafka.client_config("PLAIN"), fill)?.accepted()?;
        let (home, recorder) = (Home::create(&kafka)?, Recorder::default());
        home.ports().record(&recorder)?;
        home.add_account(ACCOUNT, PASSWORD)?;
        let alias =
            |name: &str, permission| Alias { name: name.to_owned(), backing: topic.name.clone(), permission };
        home.add_zone(
            "acme",
            ACCOUNT,
            &[alias(TWINS[0], Permission::Write), alias(TWINS[1], Permission::Read)],
        )?;
        let gateway = Gateway::start(&home)?;
        Ok(Self { _kafka: kafka, home, _gateway: gateway, recorder, topic })
    }

    fn nothing_leaked(&self) -> Result<()> {
        let mut markers = Markers::default();
        markers.text("backing topic", &self.topic.name);
        markers.id("topic id", self.topic.id);
        let hits = self.recorder.search(&markers);
        ensure!(hits.is_empty() && self.recorder.recorded() > 0, "leaked to the partner: {hits:?}");
        Ok(())
    }

    fn connect(&self) -> Result<Connection> {
        let mut connection = Connection::open(self.home.ports().advertised(), PATIENCE)?;
        connection.log_in(ACCOUNT, PASSWORD)?;
        Ok(connection)
    }
}
