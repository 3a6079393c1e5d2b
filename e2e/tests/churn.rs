//! Certificates, accounts, zones and limits change again and again under load, and no client notices what is not its own.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidegate_e2e::clients::{Client, ClientConfig, Step};
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission, client_config};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::requests;
use tidegate_e2e::scale::scale;
use tidegate_e2e::site::Handled;
use tidegate_e2e::{random, tls};

/// Changes, at the smallest scale; `cargo xtask soak` asks for five times as many.
const CHANGES: usize = 20;
/// Before each: clients begin, log in, write, read and leave in between.
const PAUSE: Duration = Duration::from_millis(300);

const CLIENTS: [Client; 3] = [Client::Java, Client::Librdkafka, Client::FranzGo];
const PARTNER: &str = "partner";
const PASSWORD: &str = "partner-password";
const ORDERS: &str = "orders";
/// Records of one round of a stock client.
const RECORDS: usize = 200;
/// No request of a plain client takes longer; a busy machine needs a while.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn changes_under_load_break_no_client() -> Result<()> {
    let count = CHANGES * scale::<usize>()?;
    let (site, stop) = (&Site::start()?, &AtomicBool::new(false));
    let (rounds, (requests, longest), changes) = thread::scope(|scope| {
        let plain = scope.spawn(move || ended(stop, site.plain_client(stop)));
        let stock: Vec<_> =
            CLIENTS.map(|client| scope.spawn(move || ended(stop, site.stock_client(client, stop)))).into();
        let changes = (0..count).try_for_each(|number| {
            ensure!(!stop.load(Ordering::Relaxed), "a client has ended before change {number}");
            thread::sleep(PAUSE);
            site.change(number).with_context(|| format!("change {number}"))
        });
        stop.store(true, Ordering::Relaxed);
        let rounds: Result<usize> = stock.into_iter().map(|one| one.join().expect("no client panics")).sum();
        let plain = plain.join().expect("no client panics");
        anyhow::Ok((rounds?, plain?, changes))
    })?;
    changes?;
    ensure!(requests > 0 && rounds >= CLIENTS.len(), "{rounds} rounds, {requests} requests");
    let figures = json!([
        ["changes", count],
        ["rounds of stock clients, each with new connections", rounds],
        ["requests on one connection", requests],
        ["longest wait for an answer, ms", longest.as_millis() as u64],
        ["errors", 0],
    ]);
    println!("measured: {}", json!({"title": "Changes under load", "figures": figures}));
    Ok(())
}

/// Who ends with an error ends the test with it.
fn ended<T>(stop: &AtomicBool, result: Result<T>) -> Result<T> {
    if result.is_err() {
        stop.store(true, Ordering::Relaxed);
    }
    result
}

struct Site {
    _kafka: Kafka,
    home: Home,
    gateway: Gateway,
    authority: Authority,
    orders: Topic,
    other: Topic,
}

impl Site {
    fn start() -> Result<Self> {
        for client in CLIENTS {
            client.prepare()?;
        }
        let kafka = Kafka::builder(Version::V4_1_1).brokers(3).start()?;
        let mut topics = kafka.create_topics(&[3, 1])?;
        let (other, orders) = (topics.remove(1), topics.remove(0));
        let home = Home::create(&kafka)?;
        let authority = Authority::create(&home.file("pki"))?;
        put_certificate(&home, &authority, 0)?;
        let encrypted = "protocol: SASL_SSL\n    tls: {certificate: gateway.pem, key: gateway.key}";
        home.replace("tidegate.yaml", "protocol: SASL_PLAINTEXT", encrypted)?;
        home.replace("tidegate.yaml", "http:\n", "limits: {maxConnectionsPerZone: 1000}\nhttp:\n")?;
        home.add_account(PARTNER, PASSWORD)?;
        home.add_zone("acme", PARTNER, &[alias(ORDERS, &orders)])?;
        home.ports().record(&Recorder::default())?;
        let gateway = Gateway::start(&home)?;
        Ok(Self { _kafka: kafka, home, gateway, authority, orders, other })
    }

    /// One change after the other, each taken over before the next.
    fn change(&self, number: usize) -> Result<()> {
        let before = self.home.log().len();
        let is_odd = number / 4 % 2 == 1;
        match number % 4 {
            0 => put_certificate(&self.home, &self.authority, number)?,
            1 if is_odd => {
                fs::remove_file(self.home.file("zones/visitor.yaml"))?;
                self.home.remove_account("visitor")?;
            }
            1 => {
                self.home.add_account("visitor", "visitor-password")?;
                self.home.add_zone("visitor", "visitor", &[alias("visited", &self.other)])?;
            }
            2 => {
                let (old, new) = if is_odd { (2000, 1000) } else { (1000, 2000) };
                let limit = |value: i32| format!("maxConnectionsPerZone: {value}");
                self.home.replace("tidegate.yaml", &limit(old), &limit(new))?;
            }
            _ => {
                let mut aliases = vec![alias(ORDERS, &self.orders)];
                if !is_odd {
                    aliases.push(alias("extra", &self.other));
                }
                self.home.add_zone("acme", PARTNER, &aliases)?;
            }
        }
        self.gateway.reload()?;
        Handled::logged_after(&self.home, before)?;
        Ok(())
    }

    /// Writes and reads on one connection; gives how many requests it made and the longest wait for an answer.
    fn plain_client(&self, stop: &AtomicBool) -> Result<(u64, Duration)> {
        let address = self.home.ports().bound();
        let mut connection =
            tls::connect(address, "127.0.0.1", self.authority.certificate(), None, LIMIT)?.connection;
        connection.log_in(PARTNER, PASSWORD)?;
        let (mut count, mut longest) = (0, Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            let begin = Instant::now();
            let listed = requests::listed(&mut connection)?;
            longest = longest.max(begin.elapsed());
            ensure!(listed.iter().any(|name| name == ORDERS), "{listed:?}");
            let begin = Instant::now();
            let group = requests::coordinator(&mut connection, "group")?;
            longest = longest.max(begin.elapsed());
            ensure!(group.0 == 0 || group.0 == COORDINATOR_NOT_AVAILABLE, "{group:?}");
            count += 2;
            thread::sleep(Duration::from_millis(2));
        }
        Ok((count, longest))
    }

    /// Writes and reads back, with new connections each time; gives how often.
    fn stock_client(&self, client: Client, stop: &AtomicBool) -> Result<usize> {
        let config = ClientConfig {
            protocol: "SASL_SSL".to_owned(),
            bootstrap: self.home.ports().advertised().to_string(),
            ca: Some(self.authority.certificate().to_owned()),
            ..client_config(&self.home, "SCRAM-SHA-256", PARTNER, PASSWORD)
        };
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            let (keys, group) = (random::name("k-"), random::name("group-"));
            let produce = Step::Produce { topic: ORDERS, count: RECORDS, keys: &keys };
            client.run(&config, produce)?.accepted()?;
            let consume = Step::Consume { topic: ORDERS, group: &group, count: RECORDS };
            let read = client.run(&config, consume)?.accepted()?;
            ensure!(read.records.len() == RECORDS, "{client} read {} records", read.records.len());
            rounds += 1;
        }
        Ok(rounds)
    }
}

/// Puts another certificate in place.
fn put_certificate(home: &Home, authority: &Authority, number: usize) -> Result<()> {
    let identity = authority.issue(&format!("gateway-{number}"), &["127.0.0.1"])?;
    identity.replace(&home.file("gateway.pem"), &home.file("gateway.key"))
}

fn alias(name: &str, topic: &Topic) -> Alias {
    Alias { name: name.to_owned(), backing: topic.name.clone(), permission: Permission::Write }
}

/// While the cluster makes the topic of its first group.
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
