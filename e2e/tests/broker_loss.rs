//! A broker dies while partners write and read through the gateway.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients::{Client, ClientConfig, Step};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::requests::batch;

const PARTNER: &str = "partner";
const PASSWORD: &str = "partner-password";
const LIMIT: Duration = Duration::from_secs(20);

/// Enough that both clients still write when the broker dies.
const COUNT: usize = 60_000;

#[test]
fn idempotent_writers_lose_and_repeat_nothing() -> Result<()> {
    let mut kafka = Kafka::builder(Version::V4_1_1).brokers(3).start()?;
    let topics = kafka.create_topics(&[3, 3, 1])?;
    let (home, _gateway) = gateway_before(&kafka, &topics)?;
    let config = gateway::client_config(&home, "SCRAM-SHA-256", PARTNER, PASSWORD);
    let writers = [(Client::Librdkafka, "alias-0"), (Client::FranzGo, "alias-1")];
    for (client, _) in writers {
        client.prepare()?;
    }
    // Each broker leads one partition of each topic.
    let dead = leaders(&kafka, 1, &topics[0])?[0];
    let alive = (1..=3).find(|id| *id != dead).context("three brokers")?;
    let running: Vec<_> = writers.iter().map(|&(client, topic)| write(client, &config, topic)).collect();
    let until = Instant::now() + LIMIT;
    while end_offset(&kafka, dead, &topics[0], 0)? == 0 {
        ensure!(Instant::now() < until, "nothing was written");
    }
    kafka.kill9(dead)?;
    println!(
        "broker {dead} is dead; writers done: {:?}",
        running.iter().map(thread::JoinHandle::is_finished).collect::<Vec<_>>()
    );
    for writer in running {
        let produced = writer.join().expect("the writer's thread ends")?;
        ensure!(produced == COUNT, "{produced} of {COUNT} records were acknowledged");
    }
    for ((client, alias), topic) in writers.iter().zip(&topics) {
        let group = random::name("group-");
        let consume = Step::Consume { topic: alias, group: &group, count: COUNT };
        let read = client.run(&config, consume)?.accepted()?;
        let keys: BTreeSet<&str> = read.records.iter().map(|record| record.key.as_str()).collect();
        ensure!(read.records.len() == COUNT && keys.len() == COUNT, "{client}: {} keys", keys.len());
        let mut written = 0;
        for (partition, leader) in (0..).zip(leaders(&kafka, alive, topic)?) {
            written += end_offset(&kafka, leader, topic, partition)?;
        }
        ensure!(usize::try_from(written)? == COUNT, "{client}: the logs hold {written} records");
    }
    kafka.restart(dead)?;
    nobody_reads_past_the_high_watermark(&mut kafka, &home, &topics[2])
}

/// Both followers die, the controllers' quorum with them: what is written now stays above the high watermark,
/// and only a follower may read it. A partner that says it is one may not.
fn nobody_reads_past_the_high_watermark(kafka: &mut Kafka, home: &Home, topic: &Topic) -> Result<()> {
    let leader = leaders(kafka, 1, topic)?[0];
    let followers: Vec<u16> = (1..=3).filter(|id| *id != leader).collect();
    for id in &followers {
        kafka.kill9(*id)?;
    }
    let mut direct = kafka.internal(leader)?;
    let written = direct.call(9, &produce(&topic.name)?)?;
    assert_eq!(written.responses[0].partition_responses[0].error_code, 0);
    let port = home.ports().bound_nodes() + leader;
    let mut partner = Connection::open(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT)?;
    partner.log_in(PARTNER, PASSWORD)?;
    for replica in [-1, i32::from(followers[0])] {
        let answer = partner.call(12, &fetch("alias-2", replica))?;
        let partition = &answer.responses[0].partitions[0];
        assert_eq!((partition.error_code, partition.high_watermark), (0, 0), "{answer:?}");
        ensure!(partition.records.as_ref().is_none_or(Bytes::is_empty), "{answer:?}");
    }
    let answer = direct.call(12, &fetch(&topic.name, i32::from(followers[0])))?;
    let records = answer.responses[0].partitions[0].records.as_ref();
    ensure!(records.is_some_and(|records| !records.is_empty()), "a broker refuses it too: {answer:?}");
    Ok(())
}

fn gateway_before(kafka: &Kafka, topics: &[Topic]) -> Result<(Home, Gateway)> {
    let home = Home::create(kafka)?;
    home.add_account(PARTNER, PASSWORD)?;
    let aliases: Vec<Alias> = topics
        .iter()
        .enumerate()
        .map(|(i, topic)| Alias {
            name: format!("alias-{i}"),
            backing: topic.name.clone(),
            permission: Permission::Write,
        })
        .collect();
    home.add_zone("acme", PARTNER, &aliases)?;
    home.ports().record(&Recorder::default())?;
    let gateway = Gateway::start(&home)?;
    Ok((home, gateway))
}

/// Writes in a thread; ends with how many records were acknowledged.
fn write(client: Client, config: &ClientConfig, topic: &'static str) -> thread::JoinHandle<Result<usize>> {
    let config = config.clone();
    thread::spawn(move || {
        let produced = client.run(&config, Step::Produce { topic, count: COUNT, keys: "k" })?;
        Ok(produced.accepted()?.produced.len())
    })
}

/// The leader of each partition, as broker `asked` knows it.
fn leaders(kafka: &Kafka, asked: u16, topic: &Topic) -> Result<Vec<u16>> {
    let named = MetadataRequestTopic::default().with_name(Some(topic_name(&topic.name)));
    let request = MetadataRequest::default().with_topics(Some(vec![named]));
    let mut partitions = kafka.internal(asked)?.call(9, &request)?.topics.remove(0).partitions;
    partitions.sort_by_key(|partition| partition.partition_index);
    partitions.iter().map(|partition| Ok(u16::try_from(partition.leader_id.0)?)).collect()
}

fn end_offset(kafka: &Kafka, leader: u16, topic: &Topic, partition: i32) -> Result<i64> {
    let partition = ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(-1);
    let asked =
        ListOffsetsTopic::default().with_name(topic_name(&topic.name)).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
    Ok(kafka.internal(leader)?.call(3, &request)?.topics[0].partitions[0].offset)
}

fn fetch(topic: &str, replica: i32) -> FetchRequest {
    let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(1024 * 1024);
    let asked = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(replica))
        .with_max_wait_ms(100)
        .with_min_bytes(1)
        .with_max_bytes(1024 * 1024)
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

/// One record, acknowledged by the leader alone.
fn produce(topic: &str) -> Result<ProduceRequest> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(b"value")?));
    let data = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![partition]);
    Ok(ProduceRequest::default().with_acks(1).with_timeout_ms(10_000).with_topic_data(vec![data]))
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
