//! Resident memory of the gateway: idle, per connection, and over time.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::cpu::resident_bytes;
use super::figures::Bar;
use super::lane::{Lane, Name};
use super::report::verdict;
use super::stand::Stand;
use super::{Args, What};

/// The memory rows asked for, as Markdown. They stop the lane's process and start it anew: what an earlier
/// row left in its allocator is not what a connection costs.
pub(super) fn run(args: &Args, stand: &mut Stand) -> Result<Vec<String>> {
    let mut sections = Vec::new();
    if args.what.contains(&What::Memory) {
        sections.push(per_connection(args, stand)?);
    }
    if args.what.contains(&What::Resident) {
        sections.push(over_time(stand)?);
    }
    Ok(sections)
}

fn per_connection(args: &Args, stand: &mut Stand) -> Result<String> {
    let mut text = String::from(
        "## Resident memory, connections held after one Metadata and one Fetch\n\n\
         | lane | connections | idle MB | held MB | KB per connection | bar |\n|---|---|---|---|---|---|\n",
    );
    for name in [Name::Bare, Name::Gateway] {
        for &connections in &args.connections {
            let Some(lane) = stand.fresh(name)? else { continue };
            thread::sleep(IDLE);
            let idle = resident(lane)?;
            let held = hold(args, stand, name, connections)?;
            let each = (held - idle) / connections as f64 / 1024.0;
            let verdict = match name {
                Name::Gateway => format!(
                    "idle {}, each {}",
                    verdict(Bar::AtMost(IDLE_BAR_MB), idle / MB),
                    verdict(Bar::AtMost(CONNECTION_BAR_KB), each)
                ),
                _ => String::new(),
            };
            let (idle, held) = (idle / MB, held / MB);
            let _ =
                writeln!(text, "| {name} | {connections} | {idle:.1} | {held:.1} | {each:.1} | {verdict} |");
        }
    }
    Ok(text)
}

/// Memory while so many connections are held.
fn hold(args: &Args, stand: &Stand, name: Name, connections: u64) -> Result<f64> {
    let lane = stand.lane(name).context("the lane is gone")?;
    let arguments = [
        "hold".to_owned(),
        format!("--connections={connections}"),
        format!("--fetch-bytes={}", args.memory_fetch_bytes),
    ];
    let mut running = stand.loader.start(lane, stand.topics.read, &arguments)?;
    running.go()?;
    thread::sleep(IDLE);
    let held = resident(lane)?;
    running.finish()?;
    Ok(held)
}

fn over_time(stand: &mut Stand) -> Result<String> {
    let mut text = String::from(
        "## Resident memory under load (Fetch without a pause)\n\n\
         | lane | minute 2 MB | minute 10 MB | ratio | bar |\n|---|---|---|---|---|\n",
    );
    if stand.fresh(Name::Gateway)?.is_none() {
        return Ok(text);
    }
    let lane = stand.lane(Name::Gateway).context("the lane is gone")?;
    let seconds = (LATE + Duration::from_secs(5)).as_secs();
    let arguments = ["consume".to_owned(), format!("--seconds={seconds}")];
    let mut running = stand.loader.start(lane, stand.topics.read, &arguments)?;
    let start = Instant::now();
    let sampler = |due: Duration| {
        thread::sleep(due.saturating_sub(start.elapsed()));
        resident(lane)
    };
    let (early, late) = thread::scope(|scope| {
        let load = scope.spawn(|| running.go());
        let found = (sampler(EARLY)?, sampler(LATE)?);
        load.join().ok().context("the load's thread panicked")??;
        anyhow::Ok(found)
    })?;
    running.finish()?;
    let ratio = late / early;
    let verdict = verdict(Bar::AtMost(GROWTH_BAR), ratio);
    let _ = writeln!(text, "| gateway | {:.1} | {:.1} | {ratio:.2} | {verdict} |", early / MB, late / MB);
    Ok(text)
}

fn resident(lane: &Lane) -> Result<f64> {
    let process = lane.process.as_ref().context("a lane without a process")?;
    Ok(resident_bytes(process.pid())? as f64)
}

const MB: f64 = 1024.0 * 1024.0;
const IDLE_BAR_MB: f64 = 40.0;
const CONNECTION_BAR_KB: f64 = 24.0;
const GROWTH_BAR: f64 = 1.1;
/// After the start and after the last connection.
const IDLE: Duration = Duration::from_secs(3);
const EARLY: Duration = Duration::from_secs(120);
const LATE: Duration = Duration::from_secs(600);
