//! The row idle: many partitions in which little happens.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::lane::{self, Name, Pair};
use super::stand::Stand;
use super::{Args, Codec, report};
use crate::bench::cpu::{Snapshot, resident_bytes};
use crate::bench::process::Process;

/// What the mirror takes while nothing happens, and while something does now and then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// Of one core.
    pub(super) idle_share: f64,
    pub(super) busy_share: f64,
    /// From a record that is appended to when it can be read at the mirror, in milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) most: f64,
    /// In MiB.
    pub(super) resident: f64,
}

pub(super) fn run(args: &Args, stand: &Stand) -> Result<String> {
    let pair = Pair {
        source: stand.source,
        topic: "bench-idle".to_owned(),
        destination: stand.destination,
        copy: format!("idle{}", std::process::id()),
        partitions: args.idle_partitions,
        codec: Codec::None,
    };
    stand.logs.create(pair.source, &pair.topic, pair.partitions)?;
    // A record in each, so that there is something to wait for.
    let bytes = f64::from(pair.partitions) * FILLED;
    stand.logs.fill(pair.source, &pair.topic, pair.partitions, "zstd", bytes)?;
    let mut watch = stand.logs.watch(&pair, false)?;
    let process = lane::start(stand, Name::Mirror, &pair)?;
    watch.mark()?;
    watch.mark()?;
    thread::sleep(SETTLE);
    let outcome = measure(args, stand, &pair, &process);
    drop(process);
    stand.logs.delete(pair.source, &pair.topic)?;
    stand.logs.delete(pair.destination, &pair.copy)?;
    Ok(report::idle(args, &outcome?))
}

fn measure(args: &Args, stand: &Stand, pair: &Pair, process: &Process) -> Result<Outcome> {
    let pid = process.pid();
    let (idle_share, ()) = share(pid, || {
        thread::sleep(Duration::from_secs(args.idle_seconds));
        Ok(())
    })?;
    let mut lag = stand.logs.lag(pair, args.records)?;
    let (busy_share, told) = share(pid, || lag.go())?;
    lag.finish()?;
    let milliseconds = |name| {
        let value = told.get(name).and_then(Value::as_f64);
        Ok::<_, anyhow::Error>(value.with_context(|| format!("no {name}"))? / 1000.0)
    };
    Ok(Outcome {
        idle_share,
        busy_share,
        p50: milliseconds("p50_us")?,
        p99: milliseconds("p99_us")?,
        most: milliseconds("max_us")?,
        resident: resident_bytes(pid)? as f64 / (1024.0 * 1024.0),
    })
}

/// How much of one core a process took meanwhile.
fn share<T>(pid: u32, meanwhile: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let (before, begin) = (Snapshot::take(pid)?, Instant::now());
    let done = meanwhile()?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok((Snapshot::take(pid)?.since(&before).as_secs_f64() / seconds, done))
}

/// Bytes in each partition, at least: the smallest that is one batch.
const FILLED: f64 = 1.0;
/// For partitions to come to rest.
const SETTLE: Duration = Duration::from_secs(5);
