//! A thousand zones: how long a start and a change take, and how much memory. Nothing is said about time here; the bars are
//! for `cargo xtask soak stored` with a release build (`TIDEGATE_GATEWAY_BIN=target/dist/tidegate-gateway`).

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tidegate_e2e::gateway::{Gateway, Home, zone};
use tidegate_e2e::kafka::Topic;
use tidegate_e2e::random;
use tidegate_e2e::scale::scale;
use tidegate_e2e::site::write;

use crate::kafka;
use crate::partner::{ACCOUNT, PASSWORD, log_in, sees};

/// Zones of a run of size one; the bar's number.
const ZONES: usize = 1_000;
const ALIASES: usize = 20;

/// Changes that are timed.
const CHANGES: usize = 20;

#[test]
fn a_thousand_zones_of_twenty_aliases() -> Result<()> {
    let topics = kafka().create_topics(&[1; ALIASES])?;
    let sizes = match scale::<usize>()? {
        1 => vec![ZONES],
        more => vec![ZONES, ZONES * more],
    };
    for zones in sizes {
        // Its gateway owns the file, so nothing is changed beside it.
        run("SQLite", "{type: SQLITE}", zones, 0, &topics)?;
        let kafka = format!("{{type: KAFKA, cluster: main, topic: {}}}", random::name("store."));
        run("Kafka", &kafka, zones, CHANGES, &topics)?;
    }
    Ok(())
}

fn run(title: &str, store: &str, zones: usize, changes: usize, topics: &[Topic]) -> Result<()> {
    let home = Home::create(kafka())?;
    home.use_store(store)?;
    home.add_account(ACCOUNT, PASSWORD)?;
    for (file, names) in (0..zones).collect::<Vec<_>>().chunks(500).enumerate() {
        let manifests = names.iter().map(|n| manifest(*n, topics));
        home.write(&format!("zones/{file}.yaml"), &manifests.collect::<Vec<_>>().join("---\n"))?;
    }
    let begin = Instant::now();
    home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    let imported = begin.elapsed();
    let begin = Instant::now();
    let gateway = Gateway::start(&home)?;
    let started = begin.elapsed();
    let mut connection = log_in(&home, PASSWORD)?;
    sees(&mut connection, &names())?;
    let resident = gateway.resident_kib()?;
    let (mut took, mut command) = (Vec::new(), Vec::new());
    for n in 0..changes {
        let (whole, enforced) = change(&home, topics, n, &mut connection)?;
        command.push(whole);
        took.push(enforced);
    }
    gateway.stop()?;
    let mut figures = vec![
        json!(["zones", zones]),
        json!(["import, ms", millis(imported)]),
        json!(["start to readiness, ms", millis(started)]),
        json!(["resident memory, KiB", resident]),
    ];
    if !took.is_empty() {
        took.sort_unstable();
        command.sort_unstable();
        let median = |of: &[Duration]| millis(of[of.len() / 2]);
        figures.push(json!([
            "a change by the command, from its start until it is enforced, median, ms",
            median(&command)
        ]));
        figures.push(json!(["from the command's end until it is enforced, median, ms", median(&took)]));
    }
    println!(
        "measured: {}",
        json!({"title": format!("{title}, {zones} zones"), "all": "median", "figures": figures})
    );
    Ok(())
}

/// Takes a topic away or gives it back; from the command's start, and from its end, until that is so.
fn change(
    home: &Home,
    topics: &[Topic],
    n: usize,
    connection: &mut tidegate_e2e::raw::Connection,
) -> Result<(Duration, Duration)> {
    let mut expected = names();
    let mut aliases: Vec<_> = expected.iter().zip(topics).map(|(name, topic)| write(name, topic)).collect();
    if n.is_multiple_of(2) {
        expected.pop();
        aliases.pop();
    }
    fs::write(home.file("zone.yaml"), zone("zone-0", ACCOUNT, &aliases))?;
    let begin = Instant::now();
    home.store(&["apply", "zone.yaml"])?;
    let end = Instant::now();
    sees(connection, &expected)?;
    Ok((begin.elapsed(), end.elapsed()))
}

fn manifest(n: usize, topics: &[Topic]) -> String {
    let aliases: Vec<_> = names().iter().zip(topics).map(|(name, topic)| write(name, topic)).collect();
    let account = if n == 0 { ACCOUNT.to_owned() } else { format!("account-{n}") };
    zone(&format!("zone-{n}"), &account, &aliases)
}

/// The aliases, in the order in which they are listed.
fn names() -> Vec<&'static str> {
    const NAMES: [&str; ALIASES] = [
        "alias-01", "alias-02", "alias-03", "alias-04", "alias-05", "alias-06", "alias-07", "alias-08",
        "alias-09", "alias-10", "alias-11", "alias-12", "alias-13", "alias-14", "alias-15", "alias-16",
        "alias-17", "alias-18", "alias-19", "alias-20",
    ];
    NAMES.to_vec()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
