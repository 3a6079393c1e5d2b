//! The figures as Markdown.

use std::fmt::Write;

use super::copying::{Sample, Shape};
use super::idle::Outcome;
use super::lane::Name;
use super::{Args, Codec, forward};
use crate::bench::bar::Bar;
use crate::bench::rounds::{Compare, Rounds};
use crate::bench::stats::Quartiles;
use crate::bench::words::{machine, number, show};

/// What was measured and how.
pub(super) fn head(args: &Args) -> String {
    format!(
        "# Mirror bench\n\n`cargo xtask bench mirror`: {} alternating rounds between two Kafka 4.1.1 of one broker each, on the same machine as \
         all else. Median (lower - upper quartile); compared: median of the paired ratios. Whoever copies starts anew each time, and is measured \
         from the first records in the copy to the last ones. {}.\n",
        args.rounds,
        machine(),
    )
}

/// Who copied, at what cost.
pub(super) fn copying(shape: Shape, bytes: f64, rounds: &Rounds<Name, Sample>) -> String {
    let Shape { codec, partitions, .. } = shape;
    let records = match codec {
        Codec::None => "without compression".to_owned(),
        codec => format!("before they were compressed with {}", codec.as_str()),
    };
    let mut text = format!(
        "## Copying {} GB, {partitions} partitions, 1 KB records with keys in batches of 128 KB {records}\n\n\
         | lane | CPU s per GB | with its start | x MirrorMaker 2 | most resident MB | bars |\n|---|---|---|---|---|---|\n",
        number(bytes / 1e9),
    );
    for lane in rounds.lanes() {
        let of =
            |figure: fn(&Sample) -> f64| Quartiles::of(&rounds.values(lane, |sample| Some(figure(sample))));
        let (Some(cpu), Some(in_all), Some(resident)) =
            (of(|it| it.cpu_per_gb), of(|it| it.cpu_per_gb_in_all), of(|it| it.resident))
        else {
            continue;
        };
        let compared = compared(rounds, lane, Name::Maker, |sample| sample.cpu_per_gb);
        let mut bars = Vec::new();
        if lane == Name::Mirror {
            // The bar is for ordinary batches: what is compressed has more of them in a GB.
            if codec == Codec::None {
                bars.push(format!("CPU {}", Bar::AtMost(CPU_PER_GB).verdict(cpu.median)));
            }
            bars.extend(
                compared.map(|it| format!("of MirrorMaker 2 {}", Bar::AtMost(OF_MAKER).verdict(it.median))),
            );
            bars.push(format!("MB {}", Bar::AtMost(RESIDENT_MB).verdict(resident.upper)));
        }
        let compared = compared.map(show).unwrap_or_default();
        let (cpu, in_all, bars) = (show(cpu), show(in_all), bars.join(", "));
        let _ = writeln!(text, "| {lane} | {cpu} | {in_all} | {compared} | {} | {bars} |", show(resident));
    }
    text + "\n| lane | MB/s | x raw | s to the first records | bar |\n|---|---|---|---|---|\n"
        + &rates(rounds)
}

fn rates(rounds: &Rounds<Name, Sample>) -> String {
    let mut text = String::new();
    for lane in rounds.lanes() {
        let of =
            |figure: fn(&Sample) -> f64| Quartiles::of(&rounds.values(lane, |sample| Some(figure(sample))));
        let (Some(rate), Some(start)) = (of(|it| it.rate), of(|it| it.start)) else { continue };
        let compared = compared(rounds, lane, Name::Raw, |sample| sample.rate);
        let bar = compared.filter(|_| lane == Name::Mirror).map(|it| Bar::AtLeast(OF_RAW).verdict(it.median));
        let (compared, bar) = (compared.map(show).unwrap_or_default(), bar.unwrap_or_default());
        let _ = writeln!(text, "| {lane} | {} | {compared} | {} | {bar} |", show(rate), show(start));
    }
    text
}

fn compared(
    rounds: &Rounds<Name, Sample>,
    lane: Name,
    reference: Name,
    figure: fn(&Sample) -> f64,
) -> Option<Quartiles> {
    let ratios = rounds.compared(lane, reference, Compare::Ratio, |sample| Some(figure(sample)));
    Quartiles::of(&ratios).filter(|_| lane != reference)
}

/// How fast a mirror gets to where its source begins.
pub(super) fn forward(begin: u64, samples: &[forward::Sample]) -> String {
    let of = |figure: fn(&forward::Sample) -> Option<f64>| {
        let values: Vec<f64> = samples.iter().filter_map(figure).collect();
        Quartiles::of(&values)
    };
    let mut text = format!(
        "## Fast-forward to a source that begins at offset {begin}\n\n| what | value | bar |\n|---|---|---|\n"
    );
    let mut row = |what: &str, value: Option<Quartiles>, bar: Bar| {
        let verdict = value.map(|value| bar.verdict(value.median)).unwrap_or_default();
        let value = value.map_or_else(|| "none".to_owned(), show);
        let _ = writeln!(text, "| {what} | {value} | {verdict} |");
    };
    row("million offsets per second", of(|it| Some(it.rate / 1e6)), Bar::AtLeast(OFFSETS_PER_SECOND / 1e6));
    row("seconds, with the start of the process", of(|it| Some(it.seconds)), Bar::None);
    row("CPU seconds of the mirror", of(|it| Some(it.cpu)), Bar::None);
    row("most resident MB", of(|it| Some(it.resident)), Bar::AtMost(RESIDENT_MB));
    row("offsets to fill, as told before it began", of(|it| Some(it.estimate?.0)), Bar::None);
    row("seconds left, as told before it began", of(|it| Some(it.estimate?.1)), Bar::None);
    text
}

/// What many partitions cost in which little happens.
pub(super) fn idle(args: &Args, outcome: &Outcome) -> String {
    let Outcome { idle_share, busy_share, p50, p99, most, resident } = *outcome;
    let mut text = format!(
        "## {} partitions: {} s without a record, then {} records, ten a second\n\n| what | value | bar |\n|---|---|---|\n",
        args.idle_partitions, args.idle_seconds, args.records
    );
    let mut row = |what: &str, value: f64, bar: Bar| {
        let _ = writeln!(text, "| {what} | {} | {} |", number(value), bar.verdict(value));
    };
    row("% of a core, without a record", idle_share * 100.0, Bar::AtMost(IDLE_PERCENT));
    row("% of a core, ten records a second", busy_share * 100.0, Bar::AtMost(IDLE_PERCENT));
    row("ms from source to mirror, p50", p50, Bar::None);
    row("ms from source to mirror, p99", p99, Bar::AtMost(LAG_MS));
    row("ms from source to mirror, the longest", most, Bar::None);
    row("resident MB", resident, Bar::AtMost(RESIDENT_MB));
    text
}

const CPU_PER_GB: f64 = 1.0;
const OF_MAKER: f64 = 0.1;
const OF_RAW: f64 = 0.9;
const RESIDENT_MB: f64 = 64.0;
const OFFSETS_PER_SECOND: f64 = 5e6;
const IDLE_PERCENT: f64 = 3.0;
const LAG_MS: f64 = 200.0;
