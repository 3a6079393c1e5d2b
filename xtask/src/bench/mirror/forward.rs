//! The row fast-forward: a source whose log begins late.

use anyhow::{Context, Result};

use super::lane::{self, Name, Pair};
use super::stand::Stand;
use super::{Args, Codec, report, subject};
use crate::bench::cpu::{Snapshot, most_resident_bytes};

/// What filling once took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Offsets per second, from the first ones in the mirror to a log that begins where the source does.
    pub(super) rate: f64,
    /// From the start of the process to the end of that, in seconds.
    pub(super) seconds: f64,
    /// CPU of the process for all of it, in seconds.
    pub(super) cpu: f64,
    /// At most, in MiB.
    pub(super) resident: f64,
    /// What it said before it began: offsets, and seconds.
    pub(super) estimate: Option<(f64, f64)>,
}

pub(super) fn run(args: &Args, stand: &Stand) -> Result<String> {
    let topic = "bench-late";
    stand.logs.create(stand.source, topic, 1)?;
    stand.logs.begin(stand.source, topic, args.begin)?;
    let samples: Result<Vec<Sample>> = (0..args.rounds).map(|number| fill(stand, topic, number)).collect();
    stand.logs.delete(stand.source, topic)?;
    Ok(report::forward(args.begin, &samples?))
}

fn fill(stand: &Stand, topic: &str, number: usize) -> Result<Sample> {
    let pair = Pair {
        source: stand.source,
        topic: topic.to_owned(),
        destination: stand.destination,
        copy: format!("late{}x{number}", std::process::id()),
        partitions: 1,
        codec: Codec::None,
    };
    let mut watch = stand.logs.watch(&pair, true)?;
    let process = lane::start(stand, Name::Mirror, &pair)?;
    let first = watch.mark()?;
    let last = watch.mark().context("filling up to where the source begins")?;
    let cpu = Snapshot::take(process.pid())?.since(&Snapshot::default()).as_secs_f64();
    let resident = most_resident_bytes(process.pid())? as f64 / (1024.0 * 1024.0);
    drop(process);
    let estimate = subject::first_estimate(&stand.folder.join("mirror.log"))?;
    stand.logs.delete(stand.destination, &pair.copy)?;
    let rate = (last.offsets - first.offsets) / (last.seconds - first.seconds);
    Ok(Sample { rate, seconds: last.seconds, cpu, resident, estimate })
}
