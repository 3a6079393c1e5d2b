//! The figures as Markdown.

use std::fmt::Write;

use super::figures::{Bar, Compare, Figure};
use super::lane::Name;
use super::rounds::Rounds;
use super::scenario::Scenario;
use super::stand::Stand;
use super::stats::Quartiles;
use super::{Args, Upstream};

/// What was measured and how.
pub(super) fn head(args: &Args, stand: &Stand) -> String {
    let upstream = match args.upstream {
        Upstream::Null => "the null broker (canned answers)",
        Upstream::Kafka => "a real Kafka",
    };
    let mut text = format!(
        "# Gateway bench\n\n`cargo xtask bench`: {} alternating rounds before {upstream}. Median (lower - upper quartile); compared with bare: \
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
pub(super) fn scenario(scenario: &Scenario, rounds: &Rounds, upstream: Upstream) -> String {
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

fn row(rounds: &Rounds, lane: Name, figure: &Figure, upstream: Upstream) -> String {
    let Some(value) = Quartiles::of(&rounds.values(lane, figure)) else { return String::new() };
    let compared = Quartiles::of(&rounds.compared(lane, figure)).filter(|_| lane != Name::Bare);
    let verdict = match (lane, compared) {
        (Name::Gateway, Some(compared)) => verdict((figure.bar)(upstream), compared.median),
        _ => String::new(),
    };
    let compared = compared.map(show).unwrap_or_default();
    format!("| {lane} | {} | {compared} | {verdict} |\n", show(value))
}

/// A bar and whether the value keeps to it.
pub(super) fn verdict(bar: Bar, value: f64) -> String {
    let limit = match bar {
        Bar::AtMost(limit) => format!("<= {limit}"),
        Bar::AtLeast(limit) => format!(">= {limit}"),
        Bar::None => return String::new(),
    };
    match bar.holds(value) {
        Some(true) => format!("{limit}: held"),
        _ => format!("{limit}: MISSED"),
    }
}

fn show(quartiles: Quartiles) -> String {
    let Quartiles { lower, median, upper } = quartiles;
    format!("{} ({} - {})", number(median), number(lower), number(upper))
}

/// Three digits that matter, none that do not.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} CPUs, {}", model.map_or("model unknown", |(_, name)| name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1234.4, 56.78, 1.234, 0.0567].map(number), ["1234", "56.8", "1.23", "0.057"]);
    }

    #[test]
    fn a_verdict_names_the_bar() {
        assert_eq!(verdict(Bar::AtMost(1.3), 1.3), "<= 1.3: held");
        assert_eq!(verdict(Bar::AtLeast(0.8), 0.7), ">= 0.8: MISSED");
        assert_eq!(verdict(Bar::None, 1.0), "");
    }
}
