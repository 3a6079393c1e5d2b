//! Brokers go and come, leaders move, while clients are connected.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod brokers;
mod darkness;
mod leaders;
mod ports;
mod rolling;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result};
use kafka_protocol::messages::MetadataResponse;
use tidegate_e2e::gateway::Home;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{self, Kafka};
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{Topic, coordinator, fetch_request};
use tidegate_e2e::site::{Site, wait_for};
use uuid::Uuid;

const LEADER_NOT_AVAILABLE: i16 = 5;
const NO_LEADER: i32 = -1;

/// What the log says of a broker that no partner can reach.
const WITHOUT_PORT: &str = "a broker has no port in `nodes`";

/// Three brokers that the cases share, one case at a time; they die with the test process.
fn kafka() -> MutexGuard<'static, Kafka> {
    static CLUSTER: OnceLock<Mutex<Kafka>> = OnceLock::new();
    let start = || {
        let kafka = Kafka::builder(Version::V4_1_1).brokers(3).racks().start();
        Mutex::new(kafka.expect("Kafka starts"))
    };
    CLUSTER.get_or_init(start).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The advertised brokers; every one must be a port of the gateway.
fn nodes(site: &Site, answer: &MetadataResponse) -> Vec<i32> {
    for broker in &answer.brokers {
        let port = i32::from(site.home.ports().advertised_nodes()) + broker.node_id.0;
        assert_eq!((broker.host.as_str(), broker.port, &broker.rack), ("127.0.0.1", port, &None));
    }
    let mut nodes: Vec<i32> = answer.brokers.iter().map(|broker| broker.node_id.0).collect();
    nodes.sort_unstable();
    nodes
}

/// The error and leader of each partition of a topic.
fn leaders(answer: &MetadataResponse, name: &str) -> Result<BTreeMap<i32, (i16, i32)>> {
    let named = |topic: &&kafka_protocol::messages::metadata_response::MetadataResponseTopic| {
        topic.name.as_ref().is_some_and(|found| found.as_str() == name)
    };
    let topic = answer.topics.iter().find(named).with_context(|| format!("{name} is not shown"))?;
    let leader = |partition: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| {
        (partition.partition_index, (partition.error_code, partition.leader_id.0))
    };
    Ok(topic.partitions.iter().map(leader).collect())
}

/// Asks for records, and must be closed without a word.
fn closes_on_data(mut connection: Connection) -> Result<()> {
    let topic = Topic::Name("orders");
    connection.send(&raw::frame(7, topic.fetch_version(), &fetch_request(topic, 0, 100))?)?;
    assert_eq!(connection.until_closed()?, b"");
    Ok(())
}

/// Makes `leader` coordinate every group, or whom it names for a part of them.
fn coordinate(kafka: &Kafka, site: &Site, leader: impl Fn(i32) -> u16) -> Result<()> {
    let offsets = kafka::Topic { name: "__consumer_offsets".to_owned(), id: Uuid::nil() };
    let mut connection = site.connect()?;
    wait_for("the coordinators' topic is there", || {
        // It is made at its first use.
        coordinator(&mut connection, "any")?;
        Ok(kafka.leader(1, &offsets, 0).is_ok_and(|leader| leader > 0))
    })?;
    (0..8).try_for_each(|partition| kafka.move_leader(&offsets, partition, leader(partition)))
}

/// Ports for the nodes 0 to 2.
fn narrow(home: &Home) -> Result<()> {
    home.replace("tidegate.yaml", "count: 8", "count: 3")
}

fn door(node: i32) -> Result<u16> {
    u16::try_from(node).with_context(|| format!("node {node} has no port"))
}
