//! The figures as Markdown.

use std::fmt::Write;

use super::figures::Figure;
use super::lane::Name;
use super::load::Sample;
use super::scenario::Scenario;
use super::stand::Stand;
use super::{Args, Upstream};
use crate::bench::rounds::{Compare, Rounds};
use crate::bench::stats::Quartiles;
use crate::bench::words::{machine, show};

/// What was measured and how.
pub(super) fn head(args: &Args, stand: &Stand) -> String {
    let upstream = match args.upstream {
        Upstream::Null => "the null broker (canned answers)",
        Upstream::Kafka => "a real Kafka",
    };
    let mut text = format!(
        "# Gateway bench\n\n`cargo xtask bench gateway`: {} alternating rounds before {upstream}. Median (lower - upper quartile); compared with bare: \
         median of the paired ratios or differences. Bare proxy: tokio, {} KiB buffers, 2 threads. {}.\n",
        args.rounds,
        args.bare_buffer / 1024,
        machine(),
    );
    for note in &stand.notes {
        let _ = writeln!(text, "\nNote: {note}.");
    }
    text
}

/// A table of one scenario, a row for each lane.
pub(super) fn scenario(scenario: &Scenario, rounds: &Rounds<Name, Sample>, upstream: Upstream) -> String {
    let mut text = format!("## {}\n", scenario.title);
    for figure in &scenario.figures {
        let relation = match figure.compare {
            Compare::Ratio => "x bare",
            Compare::Difference => "minus bare",
        };
        let _ = write!(text, "\n| lane | {} | {relation} | bar |\n|---|---|---|---|\n", figure.name);
        for lane in rounds.lanes() {
            text += &row(rounds, lane, figure, upstream);
        }
    }
    text
}

fn row(rounds: &Rounds<Name, Sample>, lane: Name, figure: &Figure, upstream: Upstream) -> String {
    let Some(value) = Quartiles::of(&rounds.values(lane, figure.of)) else { return String::new() };
    let compared = rounds.compared(lane, Name::Bare, figure.compare, figure.of);
    let compared = Quartiles::of(&compared).filter(|_| lane != Name::Bare);
    let verdict = match (lane, compared) {
        (Name::Gateway, Some(compared)) => (figure.bar)(upstream).verdict(compared.median),
        _ => String::new(),
    };
    let compared = compared.map(show).unwrap_or_default();
    format!("| {lane} | {} | {compared} | {verdict} |\n", show(value))
}
