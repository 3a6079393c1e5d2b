//! Memory at minute 10 against minute 2: what leaks or grows shows.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{MB, resident};
use crate::bench::bar::Bar;
use crate::bench::gateway::Args;
use crate::bench::gateway::lane::Name;
use crate::bench::gateway::stand::Stand;

pub(super) fn run(args: &Args, stand: &mut Stand) -> Result<String> {
    let mut text = String::from(
        "## Resident memory over time\n\n\
         | load | connections | requests | minute 2 MB | minute 10 MB | ratio | bar |\n|---|---|---|---|---|---|---|\n",
    );
    let reconnecting = [
        "reconnect".to_owned(),
        format!("--rate={}", args.reconnects),
        format!("--connections={RECONNECTING}"),
        format!("--fetch-bytes={}", 1024 * 1024),
    ];
    let loads = [
        ("Fetch without a pause", 1, vec!["consume".to_owned()]),
        ("connect, log in, Metadata, Fetch, close", RECONNECTING, reconnecting.to_vec()),
    ];
    for (title, connections, arguments) in loads {
        if stand.alone(Name::Gateway)?.is_none() {
            continue;
        }
        let Watched { requests, early, late } = watch(stand, arguments)?;
        let ratio = late / early;
        let verdict = Bar::AtMost(GROWTH_BAR).verdict(ratio);
        let (early, late) = (early / MB, late / MB);
        let _ = writeln!(
            text,
            "| {title} | {connections} | {requests} | {early:.1} | {late:.1} | {ratio:.2} | {verdict} |"
        );
    }
    Ok(text)
}

struct Watched {
    requests: u64,
    early: f64,
    late: f64,
}

fn watch(stand: &Stand, mut arguments: Vec<String>) -> Result<Watched> {
    let lane = stand.lane(Name::Gateway).context("the lane is gone")?;
    arguments.push(format!("--seconds={}", (LATE + Duration::from_secs(5)).as_secs()));
    let mut running = stand.loader.start(lane, stand.topics.read, &arguments)?;
    let start = Instant::now();
    let sampler = |due: Duration| {
        thread::sleep(due.saturating_sub(start.elapsed()));
        resident(lane)
    };
    let (outcome, early, late) = thread::scope(|scope| {
        let load = scope.spawn(|| running.go());
        let (early, late) = (sampler(EARLY)?, sampler(LATE)?);
        anyhow::Ok((load.join().ok().context("the load's thread panicked")??, early, late))
    })?;
    running.finish()?;
    let requests = outcome.get("requests").and_then(serde_json::Value::as_u64).unwrap_or_default();
    Ok(Watched { requests, early, late })
}

const GROWTH_BAR: f64 = 1.1;
/// Clients that reconnect at the same time.
const RECONNECTING: u32 = 20;
const EARLY: Duration = Duration::from_secs(120);
const LATE: Duration = Duration::from_secs(600);
