//! The rates of a zone's policies, measured: three programs of one kind at once, each begun anew as soon as it ends.
//!
//! Here a busy machine may be slower; that the rate is kept within a twentieth is for `cargo xtask soak rates`, where
//! each program runs through the whole window.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidegate_e2e::clients::{Client, ClientConfig, Step};
use tidegate_e2e::gateway::get;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;
use tidegate_e2e::scale::scale;
use tidegate_e2e::site::{Site, read, write};

const CLIENTS: [Client; 3] = [Client::Java, Client::Librdkafka, Client::FranzGo];

const WINDOW: Duration = Duration::from_secs(3);
/// From so large a scale on the bar holds in full: 30 s.
const BAR_SCALE: u32 = 10;

/// Bytes a second, of each of both ways: so many that one request of a megabyte is a small part of what is measured.
const RATE: u64 = 2_000_000;
/// What makes a record one of about 430 bytes: its value repeats its key.
const KEY_LENGTH: usize = 200;
/// Records of one run of each worker: one to three seconds of the rate, and not the same, so that they do not all begin
/// anew at once.
const RECORDS: [usize; 3] = [7_000, 10_000, 13_000];
/// Records of each worker where the bar holds: together more than the window lets through, so that none begins anew.
const BAR_RECORDS: usize = 56_000;
/// Records of one who reads alone, for more than two seconds.
const GROUP_RECORDS: usize = 26_000;
/// What a worker has for its records, which others slow down.
const STEP: Duration = Duration::from_secs(90);

#[test]
fn stock_clients_come_to_the_rate_that_is_set() -> Result<()> {
    for client in CLIENTS {
        client.prepare()?;
        measure(client)?;
    }
    Ok(())
}

/// A consumer beyond its rate is slow to poll, and stays a member of its group.
#[test]
fn nobody_is_thrown_out_of_a_group_for_being_slowed_down() -> Result<()> {
    for client in CLIENTS {
        client.prepare()?;
        let site = site(RATE / 2, GROUP_RECORDS)?;
        let group = random::name("group-");
        let consume = Step::Consume { topic: "prices", group: &group, count: GROUP_RECORDS };
        let begin = Instant::now();
        let seen = client.run(&site.config(), consume)?.accepted()?;
        ensure!(seen.records.len() == GROUP_RECORDS, "{client} read {} records", seen.records.len());
        ensure!(begin.elapsed() > Duration::from_secs(2), "{client} was not slowed down");
        // Each rebalance ends with one.
        let rebalances = site.requests("SyncGroup")?;
        ensure!(rebalances == 1, "{client} was rebalanced {rebalances} times");
        site.finish(kafka())?;
    }
    Ok(())
}

fn measure(client: Client) -> Result<()> {
    let (window, is_bar) = (WINDOW * scale::<u32>()?, scale::<u32>()? >= BAR_SCALE);
    let counts = if is_bar { [BAR_RECORDS; 3] } else { RECORDS };
    let site = site(RATE, counts.into_iter().max().unwrap_or_default())?;
    let keys = &"k".repeat(KEY_LENGTH);
    let (config, stop) = (&site.config(), &AtomicBool::new(false));
    let (received, sent) = thread::scope(|scope| {
        let steps = counts.into_iter().flat_map(|count| {
            let produce = Step::Produce { topic: "orders", count, keys };
            [produce, Step::ReadFromBeginning { topic: "prices", count }]
        });
        let workers: Vec<_> =
            steps.map(|step| scope.spawn(move || again_and_again(client, config, step, stop))).collect();
        let rates = rates(&site, window);
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("no worker panics")?;
        }
        rates
    })?;
    let figures = json!([
        ["seconds", window.as_secs()],
        ["rate set, bytes/s", RATE],
        ["produced, bytes/s", received],
        ["consumed, bytes/s", sent],
    ]);
    println!("measured: {}", json!({"title": client.to_string(), "all": "median", "figures": figures}));
    let (least, most) = if is_bar { (95, 105) } else { (20, 150) };
    for (way, rate) in [("produced", received), ("consumed", sent)] {
        ensure!(rate <= RATE * most / 100, "{client} {way} {rate} bytes/s, more than {RATE}");
        ensure!(rate >= RATE * least / 100, "{client} {way} {rate} bytes/s, less than {RATE}");
    }
    site.finish(kafka())
}

fn again_and_again(client: Client, config: &ClientConfig, step: Step<'_>, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        client.run_within(STEP, config, step)?.accepted()?;
    }
    Ok(())
}

/// Bytes a second of both ways, once both have used up what a zone may have at once: a second of its rate.
fn rates(site: &Site, window: Duration) -> Result<(u64, u64)> {
    let until = Instant::now() + Duration::from_secs(60);
    while bytes(site)?.into_iter().any(|bytes| bytes < 2 * RATE) {
        ensure!(Instant::now() < until, "no flow");
        thread::sleep(Duration::from_millis(20));
    }
    let (begin, before) = (Instant::now(), bytes(site)?);
    thread::sleep(window);
    let (elapsed, after) = (begin.elapsed().as_secs_f64(), bytes(site)?);
    let rate = |way: usize| ((after[way] - before[way]) as f64 / elapsed).round() as u64;
    Ok((rate(0), rate(1)))
}

/// Bytes received from and sent to the zone so far.
fn bytes(site: &Site) -> Result<[u64; 2]> {
    let text = get(site.home.ports().http(), "/metrics")?.body;
    let value = |name: &str| -> Result<u64> {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{zone=\"acme\"")));
        Ok(line.and_then(|line| line.rsplit(' ').next()).map_or(Ok(0), str::parse)?)
    };
    Ok([value("tidegate_zone_received_bytes_total")?, value("tidegate_zone_sent_bytes_total")?])
}

/// A zone with a topic to write and one of `records` records to read, both at `rate`.
fn site(rate: u64, records: usize) -> Result<Site> {
    let topics = kafka().create_topics(&[1, 1])?;
    let fill = Step::Produce { topic: &topics[1].name, count: records, keys: &"k".repeat(KEY_LENGTH) };
    Client::Librdkafka.prepare()?;
    Client::Librdkafka.run(&kafka().client_config("PLAIN"), fill)?.accepted()?;
    let aliases = [write("orders", &topics[0]), read("prices", &topics[1])];
    Site::start_with(kafka(), &aliases, |home| {
        let policies = format!("{{maxProduceRate: {rate}, maxConsumeRate: {rate}}}");
        let spec = format!("spec:\n  trafficControlPolicies: {policies}\n");
        home.replace("zones/acme.yaml", "spec:\n", &spec).context("limiting the zone")
    })
}

fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}
