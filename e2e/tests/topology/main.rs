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

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result};
use kafka_protocol::messages::MetadataResponse;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{Topic, fetch_request};
use tidegate_e2e::site::Site;

const LEADER_NOT_AVAILABLE: i16 = 5;
const NO_LEADER: i32 = -1;

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

fn door(node: i32) -> Result<u16> {
    u16::try_from(node).with_context(|| format!("node {node} has no port"))
}
