//! `cargo xtask bench mirror`: the mirror against a copier that fetches and produces and does nothing else, and against
//! MirrorMaker 2; between two real Kafkas of one broker each.
//!
//! How far a copy has come is asked of the broker it goes to, in the same way for all of them: what counts is the time from the
//! first records there to the last ones, and the CPU time in between.

mod brokers;
mod copying;
mod forward;
mod idle;
mod lane;
mod logs;
mod maker;
mod report;
mod stand;
mod subject;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::words::write_report;
use lane::Name;
use stand::Stand;

/// Measures the bars of the mirror.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Alternating rounds; the bars ask for at least 7.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Rows to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = What::ALL)]
    what: Vec<What>,
    /// Who copies; raw is the reference.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Name::ALL)]
    lanes: Vec<Name>,
    /// How the records that are copied are compressed.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Codec::ALL)]
    codecs: Vec<Codec>,
    /// Partitions of the topic that is copied. MirrorMaker 2, which takes long, takes part with the last number and without compression.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4])]
    partitions: Vec<u32>,
    /// Bytes of the topic that is copied, in units of 10^9: with much less a copy takes no time that could be measured.
    #[arg(long, default_value_t = 2.0)]
    gigabytes: f64,
    /// The offset that the source of the row fast-forward begins with.
    #[arg(long, default_value_t = 100_000_000)]
    begin: u64,
    /// Partitions of the row idle.
    #[arg(long, default_value_t = 1000)]
    idle_partitions: u32,
    /// Seconds for which nothing happens in the row idle.
    #[arg(long, default_value_t = 20)]
    idle_seconds: u64,
    /// Records of the row idle, ten a second.
    #[arg(long, default_value_t = 600)]
    records: u64,
    /// A broker of the source that runs already, instead of one for the bench.
    #[arg(long, requires = "destination")]
    source: Option<SocketAddr>,
    /// And one of the destination.
    #[arg(long, requires = "source")]
    destination: Option<SocketAddr>,
    /// Write the figures to this Markdown file as well.
    #[arg(long)]
    report: Option<PathBuf>,
}

/// A row of the bars.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum What {
    /// CPU per GB, throughput and resident memory while a topic is copied.
    Copy,
    /// Offsets per second where the source begins late.
    FastForward,
    /// CPU and lag of many partitions in which little happens.
    Idle,
}

impl What {
    const ALL: [Self; 3] = [Self::Copy, Self::FastForward, Self::Idle];
}

/// How records are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Codec {
    None,
    Lz4,
    Zstd,
}

impl Codec {
    const ALL: [Self; 3] = [Self::None, Self::Lz4, Self::Zstd];

    /// As Kafka's configs and the load tool spell it.
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Runs the benches and prints their figures.
pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "--rounds must be at least 1");
    let stand = Stand::start(args)?;
    let mut sections = Vec::new();
    let mut tell = |section: String| {
        println!("{section}");
        sections.push(section);
    };
    tell(report::head(args));
    if args.what.contains(&What::Copy) {
        for shape in copying::shapes(args) {
            tell(copying::run(args, &stand, shape)?);
        }
    }
    if args.what.contains(&What::FastForward) {
        tell(forward::run(args, &stand)?);
    }
    if args.what.contains(&What::Idle) {
        tell(idle::run(args, &stand)?);
    }
    write_report(args.report.as_deref(), &sections)
}
