//! The programs of `examples`, run as their doc comments say, and a gateway whose zones come from the program.
#![allow(clippy::unwrap_used, reason = "a test says what it expects in the shortest way")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tidegate_core::{MemoryFacts, SourcedZone, parse_zones};
use tidegate_e2e::gateway::{Home, Ports, get, zone};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::process::{self, Guarded};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{self, Topic};
use tidegate_e2e::{paths, site};
use tidegate_gateway::desired::Desired;
use tidegate_gateway::logins::Logins;
use tidegate_gateway::{Gateway, Parts, config};
use tokio::sync::{oneshot, watch};

const PATIENCE: Duration = Duration::from_secs(20);
const POLICY_VIOLATION: i16 = 44;

#[test]
fn an_embedded_gateway_serves_who_its_own_authenticator_knows() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topic = kafka.create_topic(1)?;
    let ports = Ports::claim()?;
    let folder = paths::scratch("example")?;
    let port = ports.bound().port().to_string();
    let _program = Example::start(
        "embedded_gateway",
        &[&kafka.bootstrap(), &topic.name, &port],
        folder.path(),
        ports.http(),
    )?;

    let mut partner = connect(ports.bound(), "acme", "token-of-acme")?;
    assert_eq!(requests::listed(&mut partner)?, ["orders"]);
    assert_eq!(requests::produce(&mut partner, Topic::Name("orders"), 0, "hello")?, 0);
    let fetched = requests::fetch(&mut partner, Topic::Name("orders"), 0, 5_000)?;
    assert_eq!(requests::fetched_values(&fetched)?, ["hello"]);
    for (user, password) in [("acme", "another"), ("acme", ""), ("rival", "token-of-acme")] {
        ensure!(connect(ports.bound(), user, password).is_err(), "{user} {password:?} got in");
    }
    Ok(())
}

#[test]
fn a_rule_hook_refuses_writes_outside_office_hours() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topic = kafka.create_topic(1)?;
    let home = Home::create(&kafka)?;
    home.add_account("acme", "password")?;
    home.add_zone("acme", "acme", &[site::write("orders", &topic)])?;

    for ([from, to], expected) in [(["0", "0"], POLICY_VIOLATION), (["0", "24"], 0)] {
        let arguments = ["tidegate.yaml", from, to];
        let mut program = Example::spawn("rule_hook", &arguments, home.path(), home.environment().clone())?;
        program.until_ready(home.ports().http())?;
        let mut partner = connect(home.ports().bound(), "acme", "password")?;
        let described = requests::described(&mut partner, Topic::Name("orders"))?;
        for topic in [Topic::Name("orders"), Topic::Id(described.topic_id)] {
            assert_eq!(requests::produce(&mut partner, topic, 0, "v")?, expected, "{from} to {to}");
        }
        // Reading is nobody's business but the zone's.
        let fetched = requests::fetch(&mut partner, Topic::Name("orders"), 0, 0)?;
        assert_eq!(requests::fetch_errors(&fetched), [0]);
    }
    Ok(())
}

#[test]
fn the_pure_rules_run_without_anything() -> Result<()> {
    let done = process::run_ok(&Command::new(binary("pure_rules")?), PATIENCE)?;
    ensure!(done.stdout.contains("internal-orders-v3") && done.stdout.contains("payroll"), "{}", done.stdout);
    Ok(())
}

#[test]
fn a_topic_is_mirrored_to_another_cluster() -> Result<()> {
    let source = Kafka::builder(Version::V3_9_1).start()?;
    let destination = Kafka::builder(Version::V4_1_1).start()?;
    let topic = source.create_topic(1)?;
    let mut writer = Connection::open(source.bootstrap().parse()?, PATIENCE)?;
    for value in ["one", "two"] {
        assert_eq!(requests::produce(&mut writer, Topic::Name(&topic.name), 0, value)?, 0);
    }
    let folder = paths::scratch("example")?;
    let arguments = [source.bootstrap(), destination.bootstrap(), topic.name.clone()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let _program = Example::spawn("mirror_topic", &arguments, folder.path(), [].into())?;
    let mut reader = Connection::open(destination.bootstrap().parse()?, PATIENCE)?;
    site::wait_for("both records in the mirror", || {
        let fetched = requests::fetch(&mut reader, Topic::Name(&topic.name), 0, 500)?;
        Ok(requests::fetched_values(&fetched).is_ok_and(|values| values == ["one", "two"]))
    })?;
    Ok(())
}

#[test]
fn zones_that_a_program_sends_hold_at_once() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let (first, second) = (kafka.create_topic(1)?, kafka.create_topic(1)?);
    let home = Home::create(&kafka)?;
    home.add_account("acme", "password")?;
    let accounts = tidegate_core::Accounts::parse(&fs::read_to_string(home.file("accounts.yaml"))?)?;
    // Neither is read: zones come from here.
    fs::remove_dir_all(home.file("zones"))?;
    fs::remove_file(home.file("accounts.yaml"))?;
    let text = fs::read_to_string(home.file("tidegate.yaml"))?;
    let text: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("zones:") && !line.starts_with("accounts:")).collect();
    let text = text.join("\n");
    let config = config::parse_embedded(&text, &home.file("inline.yaml"), &config::Machine)?;

    let wanted = |cluster: &str, topics: &[tidegate_e2e::gateway::Alias]| -> Result<Arc<Desired>> {
        let text = zone("acme", "acme", topics).replace("cluster: main", &format!("cluster: {cluster}"));
        let zones = parse_zones(&text)?.into_iter();
        let zones = zones.map(|zone| SourcedZone::new("the test", zone)).collect();
        Ok(Arc::new(Desired::new(zones, accounts.clone())?))
    };
    let one = site::write("first", &first);
    let two = site::read("second", &second);
    let (publish, zones) = watch::channel(wanted("main", std::slice::from_ref(&one))?);
    let parts = Parts::new(Arc::new(Logins::new(&config.root_key)), Arc::new(MemoryFacts::default()))
        .with_desired(zones);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let gateway = runtime.block_on(Gateway::start_with(config, parts, None))?;
    gateway.reloader().reload().context("there is nothing to read")?;
    let (shutdown, told) = oneshot::channel::<()>();
    let running = thread::spawn(move || {
        runtime.block_on(gateway.run(async {
            let _ = told.await;
        }));
    });

    let mut partner = connect(home.ports().bound(), "acme", "password")?;
    assert_eq!(requests::listed(&mut partner)?, ["first"]);
    publish.send_replace(wanted("main", &[one.clone(), two])?);
    site::wait_for("the second alias", || Ok(requests::listed(&mut partner)? == ["first", "second"]))?;
    // A cluster that is not configured: nothing changes, nobody is cut.
    publish.send_replace(wanted("elsewhere", &[one])?);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(requests::listed(&mut partner)?, ["first", "second"]);
    publish.send_replace(Arc::new(Desired::default()));
    partner.until_closed().context("a partner without a zone stays connected")?;
    ensure!(connect(home.ports().bound(), "acme", "password").is_err(), "logged in without a zone");

    drop(shutdown);
    running.join().ok().context("the gateway panicked")
}

/// A running example; dropping it kills it.
struct Example {
    process: Guarded,
    log: std::path::PathBuf,
}

impl Example {
    fn start(name: &str, arguments: &[&str], folder: &Path, http: SocketAddr) -> Result<Self> {
        let mut example = Self::spawn(name, arguments, folder, [].into())?;
        example.until_ready(http)?;
        Ok(example)
    }

    fn spawn(
        name: &str,
        arguments: &[&str],
        folder: &Path,
        environment: std::collections::BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut command = Command::new(binary(name)?);
        command.args(arguments).current_dir(folder).envs(environment);
        let log = folder.join("example.log");
        Ok(Self { process: process::start(&command, &log)?, log })
    }

    fn until_ready(&mut self, http: SocketAddr) -> Result<()> {
        let until = Instant::now() + 3 * PATIENCE;
        while !get(http, "/readyz").is_ok_and(|answer| answer.status == 200) {
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            if let Some(status) = self.process.ended()? {
                bail!("the example ended with {status}:\n{}", log());
            }
            ensure!(Instant::now() < until, "the example is not ready:\n{}", log());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn binary(name: &str) -> Result<std::path::PathBuf> {
    let path = paths::target().join("debug").join(name);
    ensure!(
        path.is_file(),
        "{} is missing; build it with `cargo build -p tidegate-examples` (cargo xtask test does)",
        path.display()
    );
    Ok(path)
}

fn connect(address: SocketAddr, user: &str, password: &str) -> Result<Connection> {
    let mut connection = Connection::open(address, PATIENCE)?;
    connection.log_in(user, password)?;
    Ok(connection)
}
