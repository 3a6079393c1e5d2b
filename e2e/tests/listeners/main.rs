//! Listeners: load balancers, certificates, names, files that change, and the drain.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod certificates;
mod drain;
mod names;
mod proxy;
mod reload;
mod tokens;
mod versions;

use std::fs;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use kafka_protocol::messages::MetadataRequest;
use tidegate_e2e::clients::{Client, ClientConfig, Step, records};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission, get};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;

/// No step of a test takes longer; a busy machine needs a while.
const LIMIT: Duration = Duration::from_secs(20);
const ALIAS: &str = "orders";
const PASSWORD: &str = "partner-password";

/// Three brokers, so that names and ports have something to tell apart.
fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).brokers(3).start().expect("Kafka starts"))
}

/// The files of a gateway whose one listener is `listener`: YAML lines from `protocol` on, without indentation.
/// `{bind}` stands for the bound address and `{nodes}` for a port for each node.
fn home(listener: &str) -> Result<Home> {
    let home = Home::create(kafka())?;
    configure(&home, listener)?;
    Ok(home)
}

/// Replaces the listener.
fn configure(home: &Home, listener: &str) -> Result<()> {
    let text = fs::read_to_string(home.file("tidegate.yaml"))?;
    let (before, rest) = text
        .split_once("    protocol: SASL_")
        .context("no listener")
        .or_else(|_| text.split_once("    protocol: SSL").context("no listener"))?;
    let (_, after) = rest.split_once("\nzones:").context("no zones")?;
    let bind = format!("bind: {{host: 127.0.0.1, port: {}}}", home.ports().bound().port());
    let nodes = format!("nodes: {{bindPort: {}, count: 8}}", home.ports().bound_nodes());
    let listener = listener.replace("{bind}", &bind).replace("{nodes}", &nodes);
    let lines: Vec<String> = listener.lines().map(|line| format!("    {line}")).collect();
    home.write("tidegate.yaml", &format!("{before}{}\nzones:{after}", lines.join("\n")))
}

/// A zone with one WRITE alias of a topic of its own, spread over the brokers, and an account of the same name.
fn add_zone(home: &Home, zone: &str, mode: &str) -> Result<Topic> {
    let topic = kafka().create_topic(3)?;
    let alias = Alias { name: ALIAS.to_owned(), backing: topic.name.clone(), permission: Permission::Write };
    let manifest = gateway::zone(zone, zone, &[alias]).replace("type: PLAIN", &format!("type: {mode}"));
    home.write(&format!("zones/{zone}.yaml"), &manifest)?;
    if mode == "PLAIN" {
        home.add_account(zone, PASSWORD)?;
    }
    Ok(topic)
}

/// The TLS lines of a listener whose certificate is good for `hosts`.
fn tls(home: &Home, authority: &Authority, hosts: &[&str], client_auth: &str) -> Result<String> {
    let identity = authority.issue("gateway", hosts)?;
    fs::copy(&identity.chain, home.file("gateway.pem"))?;
    fs::copy(&identity.key, home.file("gateway.key"))?;
    Ok(format!("tls: {{certificate: gateway.pem, key: gateway.key{client_auth}}}"))
}

/// The names of the topics that a connection sees.
fn topics(connection: &mut Connection) -> Result<Vec<String>> {
    let all = MetadataRequest::default().with_topics(None);
    let answer = connection.call(12, &all)?;
    Ok(answer.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect())
}

/// The addresses of the brokers that a connection is told.
fn brokers(connection: &mut Connection) -> Result<Vec<(i32, String, i32)>> {
    let answer = connection.call(12, &MetadataRequest::default().with_topics(None))?;
    Ok(answer.brokers.iter().map(|b| (b.node_id.0, b.host.to_string(), b.port)).collect())
}

/// Produces and reads back with a group of its own.
fn works(client: Client, config: &ClientConfig) -> Result<()> {
    let keys = random::name("k-");
    client.run(config, Step::Produce { topic: ALIAS, count: 9, keys: &keys })?.accepted()?;
    let read = client.run(config, Step::ReadFromBeginning { topic: ALIAS, count: 9 })?.accepted()?;
    let mut pairs = read.pairs();
    pairs.sort();
    assert_eq!(pairs, records(&keys, 9), "{client}");
    Ok(())
}

/// A value among the metrics; 0 where there is none.
fn metric(home: &Home, name: &str) -> Result<f64> {
    let text = get(home.ports().http(), "/metrics")?.body;
    let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    Ok(line.and_then(|line| line.rsplit(' ').next()).map_or(Ok(0.0), str::parse)?)
}

/// Logs in over plain text.
fn log_in(address: SocketAddr, user: &str) -> Result<Connection> {
    let mut connection = Connection::open(address, LIMIT)?;
    connection.log_in(user, PASSWORD)?;
    Ok(connection)
}

fn start(home: &Home) -> Result<Gateway> {
    Gateway::start(home)
}
