//! The row copy: a topic, copied by each lane in turn.

use anyhow::{Context, Result};

use super::lane::{self, Name, Pair};
use super::stand::Stand;
use super::{Args, Codec, report};
use crate::bench::cpu::{Snapshot, most_resident_bytes};
use crate::bench::rounds::Rounds;

/// What is copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) codec: Codec,
    pub(super) partitions: u32,
    /// Whether MirrorMaker 2 takes part, which takes long.
    with_maker: bool,
}

/// What copying it once took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Seconds of CPU per 10^9 bytes, from the first records in the copy to the last ones.
    pub(super) cpu_per_gb: f64,
    /// The same with all that came before.
    pub(super) cpu_per_gb_in_all: f64,
    /// 10^6 bytes per second.
    pub(super) rate: f64,
    /// Seconds from the start of the process to the first records.
    pub(super) start: f64,
    /// At most, in MiB.
    pub(super) resident: f64,
}

/// Every codec with one number of partitions, and without compression every number.
pub(super) fn shapes(args: &Args) -> Vec<Shape> {
    let last = args.partitions.last();
    let mut shapes = Vec::new();
    for &codec in &args.codecs {
        for partitions in &args.partitions {
            let is_last = Some(partitions) == last;
            if codec == Codec::None || is_last {
                let with_maker = codec == Codec::None && is_last;
                shapes.push(Shape { codec, partitions: *partitions, with_maker });
            }
        }
    }
    shapes
}

pub(super) fn run(args: &Args, stand: &Stand, shape: Shape) -> Result<String> {
    let Shape { codec, partitions, with_maker } = shape;
    let topic = format!("bench-{}-{partitions}", codec.as_str());
    stand.logs.create(stand.source, &topic, partitions)?;
    let bytes = stand.logs.fill(stand.source, &topic, partitions, codec.as_str(), args.gigabytes * 1e9)?;
    let round = |number| {
        // MirrorMaker 2 begins with a new JVM each time: nothing warms it up.
        let takes_part = |lane: &Name| *lane != Name::Maker || (with_maker && number > 0);
        let sample = |lane: Name| {
            let pair = pair(stand, &topic, lane, shape, number);
            Ok((lane, copy(stand, lane, &pair, bytes).with_context(|| format!("a copy by {lane}"))?))
        };
        args.lanes.iter().copied().filter(takes_part).map(sample).collect()
    };
    let rounds = Rounds::run(args.rounds, round)?;
    stand.logs.delete(stand.source, &topic)?;
    Ok(report::copying(shape, bytes, &rounds))
}

/// A copy that was never there before. MirrorMaker 2 gives it a name itself.
fn pair(stand: &Stand, topic: &str, lane: Name, shape: Shape, number: usize) -> Pair {
    let alias = match lane {
        Name::Raw => "raw",
        Name::Mirror => "mirror",
        Name::Maker => "mm",
    };
    // The process id: what another run left at brokers that run already is not met again.
    let alias = format!("{alias}{}x{number}", std::process::id());
    Pair {
        source: stand.source,
        topic: topic.to_owned(),
        destination: stand.destination,
        copy: format!("{alias}.{topic}"),
        partitions: shape.partitions,
        codec: shape.codec,
    }
}

fn copy(stand: &Stand, lane: Name, pair: &Pair, bytes: f64) -> Result<Sample> {
    if lane == Name::Raw {
        stand.logs.create(stand.destination, &pair.copy, pair.partitions)?;
    }
    let mut watch = stand.logs.watch(pair, false)?;
    let process = lane::start(stand, lane, pair)?;
    let first = watch.mark()?;
    let before = Snapshot::take(process.pid())?;
    let last = watch.mark()?;
    let after = Snapshot::take(process.pid())?;
    let resident = most_resident_bytes(process.pid())? as f64 / (1024.0 * 1024.0);
    drop(process);
    stand.logs.delete(stand.destination, &pair.copy)?;
    let copied = bytes * (last.offsets - first.offsets) / last.offsets;
    Ok(Sample {
        cpu_per_gb: after.since(&before).as_secs_f64() / (copied / 1e9),
        cpu_per_gb_in_all: after.since(&Snapshot::default()).as_secs_f64() / (bytes / 1e9),
        rate: copied / 1e6 / (last.seconds - first.seconds),
        start: first.seconds,
        resident,
    })
}
