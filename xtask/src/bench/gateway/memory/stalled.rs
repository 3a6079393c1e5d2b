//! Clients that ask for 50 MiB each and do not read the answer.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::held::{CONNECTION_BAR_KB, IDLE_BAR_MB};
use super::{MB, resident};
use crate::bench::bar::Bar;
use crate::bench::gateway::Args;
use crate::bench::gateway::lane::Name;
use crate::bench::gateway::stand::Stand;

pub(super) fn run(args: &Args, stand: &mut Stand) -> Result<String> {
    let mut text = String::from(
        "## Resident memory, clients that do not read answers of 50 MiB\n\n\
         At most: `maxAnswerBytesPerZone` (128 MiB) on top of what idle connections may cost.\n\n\
         | lane | connections | idle MB | most MB | bar |\n|---|---|---|---|---|\n",
    );
    if stand.alone(Name::Gateway)?.is_none() {
        return Ok(text);
    }
    let Some(lane) = stand.lane(Name::Gateway) else { return Ok(text) };
    let idle = resident(lane)?;
    let connections = args.stalled_connections;
    let arguments = [
        "stall".to_owned(),
        format!("--connections={connections}"),
        format!("--partitions={PARTITIONS}"),
        format!("--fetch-bytes={}", 1024 * 1024),
    ];
    let mut running = stand.loader.start(lane, stand.topics.read, &arguments)?;
    let start = Instant::now();
    let most = thread::scope(|scope| {
        let load = scope.spawn(|| running.go());
        let mut most = idle;
        while !load.is_finished() || start.elapsed() < WATCHED {
            most = most.max(resident(lane)?);
            thread::sleep(Duration::from_millis(50));
        }
        load.join().ok().transpose()?;
        anyhow::Ok(most)
    })?;
    running.finish()?;
    let limit = IDLE_BAR_MB + ANSWERS_MB + connections as f64 * CONNECTION_BAR_KB / 1024.0;
    let verdict = Bar::AtMost(limit).verdict(most / MB);
    text += &format!("| gateway | {connections} | {:.1} | {:.1} | {verdict} |\n", idle / MB, most / MB);
    Ok(text)
}

/// `maxAnswerBytesPerZone`, as it is unless configured.
const ANSWERS_MB: f64 = 128.0;
/// Of 1 MB each.
const PARTITIONS: u32 = 50;
/// Longer than `writeDeadlineMs`: those that were cut off make room for the next.
const WATCHED: Duration = Duration::from_secs(60);
