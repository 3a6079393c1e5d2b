//! `cargo xtask bench gateway`: the gateway against a bare TCP proxy, haproxy and no proxy at all. CPU time is that of the
//! proxy's threads, logins left out.

mod daemon;
mod figures;
mod lane;
mod load;
mod memory;
mod report;
mod scenario;
mod stand;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::rounds::Rounds;
use super::words::write_report;
use lane::Name;
use stand::Stand;

/// Measures the bars of the gateway's hot path.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Alternating rounds; the bars ask for at least 7.
    #[arg(long, default_value_t = 7)]
    pub(crate) rounds: usize,
    /// Rows to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = What::ALL)]
    pub(crate) what: Vec<What>,
    /// Who takes part; bare is the reference.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Name::ALL)]
    pub(crate) lanes: Vec<Name>,
    /// How requests name topics; the latency row takes the first.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [By::Names, By::Ids])]
    pub(crate) by: Vec<By>,
    /// What stands behind the proxies.
    #[arg(long, value_enum, default_value_t = Upstream::Null)]
    pub(crate) upstream: Upstream,
    /// Bootstrap address of a real Kafka of one broker, PLAINTEXT, for `--upstream kafka`.
    #[arg(long, required_if_eq("upstream", "kafka"))]
    pub(crate) kafka: Option<SocketAddr>,
    /// Record bytes of one produce or consume sample, in units of 10^9 (2 before the null broker, else 0.5).
    #[arg(long)]
    pub(crate) gigabytes: Option<f64>,
    /// Requests of one sample of small requests.
    #[arg(long, default_value_t = 30_000)]
    pub(crate) requests: u64,
    /// Seconds of one latency sample.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) latency_seconds: f64,
    /// Connections of the memory row.
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 5000])]
    pub(crate) connections: Vec<u64>,
    /// Bytes that each connection of the memory row fetches at most (in whole batches of 128 KB).
    #[arg(long, default_value_t = 1024 * 1024)]
    pub(crate) memory_fetch_bytes: u64,
    /// Connections of the row of clients that do not read.
    #[arg(long, default_value_t = 1000)]
    pub(crate) stalled_connections: u64,
    /// Connections per second of the row of clients that reconnect.
    #[arg(long, default_value_t = 200)]
    pub(crate) reconnects: u32,
    /// Bytes of the bare proxy's copy buffers. Tokio's default of 8 KiB makes a reference that is easy to beat.
    #[arg(long, default_value_t = 32 * 1024)]
    pub(crate) bare_buffer: usize,
    /// First of the ports to use on 127.0.0.1; about 150 from here.
    #[arg(long, default_value_t = 19_000)]
    pub(crate) base_port: u16,
    /// Write the figures to this Markdown file as well.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

/// A row of the bars.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum What {
    /// CPU per GB produced, and throughput.
    CpuProduce,
    /// CPU per GB consumed, and throughput.
    CpuConsume,
    /// CPU per small produce request.
    Small,
    /// Latency at 2,000 produces a second.
    Latency,
    /// The throughput figures: the same runs as both CPU rows.
    Throughput,
    /// Resident memory of the gateway, idle and per connection.
    Memory,
    /// Resident memory of the gateway while clients do not read their large answers.
    Stalled,
    /// Resident memory of the gateway at minute 10 against minute 2, under load and with clients that reconnect.
    Resident,
}

impl What {
    /// The default: all that takes less than minutes each.
    const ALL: [Self; 7] = [
        Self::CpuProduce,
        Self::CpuConsume,
        Self::Small,
        Self::Latency,
        Self::Throughput,
        Self::Memory,
        Self::Stalled,
    ];
}

/// How requests name topics.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum By {
    /// Produce 9, Fetch 12.
    Names,
    /// Produce 13, Fetch 17.
    Ids,
}

/// What stands behind the proxies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Upstream {
    /// The null broker of the benches: canned answers.
    Null,
    /// The Kafka named by `--kafka`.
    Kafka,
}

/// Runs the benches and prints their figures.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "--rounds must be at least 1");
    let mut stand = Stand::start(args)?;
    let mut sections = vec![report::head(args, &stand)];
    println!("{}", report::head(args, &stand));
    for scenario in scenario::all(args) {
        let rounds = Rounds::run(args.rounds, |_| scenario.round(&stand))?;
        let section = report::scenario(&scenario, &rounds, args.upstream);
        println!("{section}");
        sections.push(section);
    }
    for section in memory::run(args, &mut stand)? {
        println!("{section}");
        sections.push(section);
    }
    write_report(args.report.as_deref(), &sections)
}
