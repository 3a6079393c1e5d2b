//! What the load does in a scenario, and which figures come of it.

use anyhow::Result;

use super::figures::{self, Figure};
use super::lane::{Lane, Name};
use super::load::Sample;
use super::stand::Stand;
use super::{Args, By, Upstream, What};

/// One kind of load, measured in rounds.
pub(super) struct Scenario {
    pub(super) title: String,
    pub(super) reads: bool,
    pub(super) arguments: Vec<String>,
    pub(super) figures: Vec<Figure>,
}

impl Scenario {
    /// Every lane once.
    pub(super) fn round(&self, stand: &Stand) -> Result<Vec<(Name, Sample)>> {
        let topic = if self.reads { stand.topics.read } else { stand.topics.write };
        let sample = |lane: &Lane| Ok((lane.name, stand.loader.measure(lane, topic, &self.arguments)?));
        stand.lanes.iter().map(sample).collect()
    }
}

/// The scenarios of the rows asked for, each once.
pub(super) fn all(args: &Args) -> Vec<Scenario> {
    let asked = |rows: &[What]| rows.iter().any(|row| args.what.contains(row));
    let mut scenarios = Vec::new();
    for &by in &args.by {
        if asked(&[What::CpuProduce, What::Throughput]) {
            scenarios.push(produce(args, by));
        }
        if asked(&[What::CpuConsume, What::Throughput]) {
            scenarios.push(consume(args, by));
        }
        if asked(&[What::Small]) {
            scenarios.push(small(args, by));
        }
    }
    if let (true, Some(&by)) = (asked(&[What::Latency]), args.by.first()) {
        scenarios.push(latency(args, by));
    }
    scenarios
}

fn produce(args: &Args, by: By) -> Scenario {
    let version = if by == By::Names { 9 } else { 13 };
    Scenario {
        title: format!("Produce {version} ({}), 1 KB records in 128 KB batches", words(by)),
        reads: false,
        arguments: arguments("produce", by, &[("--bytes", bytes(args))]),
        figures: vec![figures::CPU_PER_GB, figures::THROUGHPUT],
    }
}

fn consume(args: &Args, by: By) -> Scenario {
    let version = if by == By::Names { 12 } else { 17 };
    Scenario {
        title: format!("Fetch {version} ({}), 1 MB per partition of 128 KB batches", words(by)),
        reads: true,
        arguments: arguments("consume", by, &[("--bytes", bytes(args))]),
        figures: vec![figures::CPU_PER_GB, figures::THROUGHPUT],
    }
}

fn small(args: &Args, by: By) -> Scenario {
    let version = if by == By::Names { 9 } else { 13 };
    Scenario {
        title: format!("Produce {version} ({}) of 100 B, acks=1, one at a time", words(by)),
        reads: false,
        arguments: arguments("small", by, &[("--requests", args.requests.to_string())]),
        figures: vec![figures::CPU_PER_REQUEST, figures::REQUESTS],
    }
}

fn latency(args: &Args, by: By) -> Scenario {
    let seconds = args.latency_seconds;
    Scenario {
        title: format!("2,000 acks=1 produces/s of 100 B ({}), windows of {seconds} s", words(by)),
        reads: false,
        arguments: arguments("latency", by, &[("--seconds", seconds.to_string())]),
        figures: vec![figures::P50, figures::P99],
    }
}

fn arguments(mode: &str, by: By, options: &[(&str, String)]) -> Vec<String> {
    let by = if by == By::Names { "names" } else { "ids" };
    let mut arguments = vec![mode.to_owned(), "--by".to_owned(), by.to_owned()];
    for (name, value) in options {
        arguments.extend([(*name).to_owned(), value.clone()]);
    }
    arguments
}

fn words(by: By) -> &'static str {
    if by == By::Names { "topics by name" } else { "topics by id" }
}

fn bytes(args: &Args) -> String {
    let default = if args.upstream == Upstream::Null { 2.0 } else { 0.5 };
    let bytes = args.gigabytes.unwrap_or(default) * 1e9;
    format!("{bytes:.0}")
}
