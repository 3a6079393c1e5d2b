//! Accounts and zones that go away are gone from live connections too; a wrong change reaches nobody. What happens to a
//! zone that stays is in `edits`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::batch;
use tidegate_e2e::scram;
use tidegate_e2e::site::Handled;
use tidegate_wire::sasl::Mechanism;

const PARTNER: &str = "partner";
const PASSWORD: &str = "partner-password";
const ZONE: &str = "acme";
const METADATA: i16 = 9;
const FETCH: i16 = 12;
const PRODUCE: i16 = 9;

/// The longest that what has no bar may take on a busy machine.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_removed_account_is_cut_at_once_and_stays_out() -> Result<()> {
    let site = Site::start()?;
    let (mut idle, mut waiting) = (site.connect()?, site.connect()?);
    waiting.send(&raw::frame(7, FETCH, &fetch("orders", 20_000))?)?;
    site.home.remove_account(PARTNER)?;
    let handled = site.reload()?;
    for connection in [&mut idle, &mut waiting] {
        assert_eq!(connection.until_closed()?, b"");
        handled.was_soon("a connection of a removed account is cut")?;
    }
    let mut again = site.open()?;
    let refused = again.log_in(PARTNER, PASSWORD).expect_err("the account is gone");
    ensure!(refused.to_string().contains("58"), "{refused:#}");
    Ok(())
}

#[test]
fn a_deleted_zone_cuts_its_connections_and_lets_nobody_in() -> Result<()> {
    let site = Site::start()?;
    let (mut idle, mut waiting) = (site.connect()?, site.connect()?);
    waiting.send(&raw::frame(7, FETCH, &fetch("orders", 20_000))?)?;
    fs::remove_file(site.home.file(&format!("zones/{ZONE}.yaml")))?;
    let handled = site.reload()?;
    for connection in [&mut idle, &mut waiting] {
        assert_eq!(connection.until_closed()?, b"");
        handled.was_soon("a connection of a deleted zone is cut")?;
    }
    ensure!(site.connect().is_err(), "an account without a zone was let in");
    Ok(())
}

#[test]
fn a_new_password_cuts_who_logged_in_with_the_old_one() -> Result<()> {
    let site = Site::start()?;
    let mut old = site.connect()?;
    site.home.remove_account(PARTNER)?;
    site.home.add_account(PARTNER, "another-password")?;
    let handled = site.reload()?;
    assert_eq!(old.until_closed()?, b"");
    handled.was_soon("a connection with the old password is cut")?;
    ensure!(site.open()?.log_in(PARTNER, PASSWORD).is_err(), "the old password still serves");
    site.open()?.log_in(PARTNER, "another-password")
}

/// Whoever holds a login half done while the password changes must not finish it with the old one.
#[test]
fn a_login_begun_with_the_old_password_does_not_stand() -> Result<()> {
    let site = Site::start()?;
    let mut pending = Vec::new();
    for _ in 0..8 {
        let mut connection = site.open()?;
        let (_, proof) = scram::begin(&mut connection, Mechanism::ScramSha256, PARTNER, PASSWORD)?;
        pending.push((connection, proof));
    }
    site.home.remove_account(PARTNER)?;
    site.home.add_account(PARTNER, "another-password")?;
    let before = site.home.log().len();
    site.gateway.reload()?;
    site.logged_after(before, "are read again")?;
    let until = Instant::now() + SOON;
    while site.open()?.log_in(PARTNER, "another-password").is_err() {
        ensure!(Instant::now() < until, "the new password does not serve");
    }
    for (mut connection, proof) in pending {
        if scram::authenticate(&mut connection, proof).is_ok_and(|done| done.error_code == 0) {
            let served = listed(&mut connection);
            ensure!(served.is_err(), "the old password still shows {served:?}");
        }
    }
    Ok(())
}

#[test]
fn a_broken_manifest_changes_nothing_and_is_named() -> Result<()> {
    let site = Site::start()?;
    let mut connection = site.connect()?;
    let manifest = format!("zones/{ZONE}.yaml");
    let whole = fs::read_to_string(site.home.file(&manifest))?;
    // An alias is taken away in the same edit: a half-read folder would lose it.
    for (broken, place) in
        [("spec: [\n".to_owned(), "acme.yaml"), (whole.replace("topics:", "topicz:"), "spec.topicz")]
    {
        site.home.write(&manifest, &broken)?;
        let before = site.home.log().len();
        site.gateway.reload()?;
        let line = site.logged_after(before, "nothing is changed")?;
        ensure!(line.contains("acme.yaml") && line.contains(place), "{line}");
        assert_eq!(listed(&mut connection)?, ["orders", "returns"]);
        assert_eq!(produce(&mut connection, "orders")?, 0);
        assert_eq!(listed(&mut site.connect()?)?, ["orders", "returns"]);
    }
    site.home.write("accounts.yaml", "accounts: nobody\n")?;
    let before = site.home.log().len();
    site.gateway.reload()?;
    let line = site.logged_after(before, "nothing is changed")?;
    ensure!(line.contains("accounts.yaml"), "{line}");
    assert_eq!(listed(&mut site.connect()?)?, ["orders", "returns"]);
    Ok(())
}

#[test]
fn sigterm_lets_what_is_asked_be_answered() -> Result<()> {
    let mut site = Site::start()?;
    let (mut waiting, mut idle, mut stranger) = (site.connect()?, site.connect()?, site.open()?);
    assert_eq!(errors(&waiting.call(FETCH, &fetch("orders", 0))?), [0]);
    waiting.send(&raw::frame(7, FETCH, &fetch("orders", 2_000))?)?;
    thread::sleep(Duration::from_millis(300));
    site.gateway.ask_to_stop()?;
    assert_eq!(idle.until_closed()?, b"");
    let (correlation_id, answer) = raw::parse::<FetchRequest>(FETCH, waiting.receive()?)?;
    assert_eq!((correlation_id, errors(&answer)), (7, vec![0]));
    assert_eq!(waiting.until_closed()?, b"");
    // Who has not logged in has asked for nothing.
    let status = site.gateway.wait(SOON / 2)?.context("it still runs")?;
    assert_eq!(stranger.until_closed()?, b"");
    assert_eq!(status.code(), Some(0));
    ensure!(site.open().is_err(), "somebody still listens");
    Ok(())
}

/// A gateway with a zone of two WRITE aliases, `orders` and `returns`.
struct Site {
    home: Home,
    gateway: Gateway,
}

impl Site {
    fn start() -> Result<Self> {
        static KAFKA: OnceLock<Kafka> = OnceLock::new();
        let kafka = KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"));
        let topics: Vec<String> = kafka.create_topics(&[1, 1])?.into_iter().map(|topic| topic.name).collect();
        let home = Home::create(kafka)?;
        home.add_account(PARTNER, PASSWORD)?;
        let aliases =
            [alias("orders", &topics[0], Permission::Write), alias("returns", &topics[1], Permission::Write)];
        home.add_zone(ZONE, PARTNER, &aliases)?;
        let gateway = Gateway::start(&home)?;
        Ok(Self { home, gateway })
    }

    fn open(&self) -> Result<Connection> {
        Connection::open(self.home.ports().bound(), Duration::from_secs(20))
    }

    fn connect(&self) -> Result<Connection> {
        let mut connection = self.open()?;
        connection.log_in(PARTNER, PASSWORD)?;
        Ok(connection)
    }

    /// Makes the gateway read its zones and accounts again, which must be without mistakes.
    fn reload(&self) -> Result<Handled> {
        let before = self.home.log().len();
        self.gateway.reload()?;
        Handled::logged_after(&self.home, before)
    }

    /// The first line with `text` behind the first `start` bytes of the log.
    fn logged_after(&self, start: usize, text: &str) -> Result<String> {
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            let log = self.home.log();
            if let Some(line) = log[start..].lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("no {text:?} in the log:\n{}", self.home.log())
    }
}

fn alias(name: &str, backing: &str, permission: Permission) -> Alias {
    Alias { name: name.to_owned(), backing: backing.to_owned(), permission }
}

fn listed(connection: &mut Connection) -> Result<Vec<String>> {
    let answer = connection.call(METADATA, &MetadataRequest::default().with_topics(None))?;
    let mut names: Vec<String> =
        answer.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect();
    names.sort();
    Ok(names)
}

fn fetch(topic: &str, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(1024 * 1024);
    let asked = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1024 * 1024)
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

fn errors(answer: &FetchResponse) -> Vec<i16> {
    answer
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|partition| partition.error_code)
        .collect()
}

/// Writes one record and returns the partition's error code.
fn produce(connection: &mut Connection, topic: &str) -> Result<i16> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(b"value")?));
    let data = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![partition]);
    let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
    let answer = connection.call(PRODUCE, &request)?;
    Ok(answer.responses[0].partition_responses[0].error_code)
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
