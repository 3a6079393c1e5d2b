//! The mirror that `cargo xtask bench mirror` measures: one link with one topic, and its status as a line of JSON now and then.

#![allow(clippy::print_stdout, reason = "a command-line tool: its answer goes to standard output")]

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tidegate_client::{ConnectOptions, Security};
use tidegate_core::{LinkId, MirrorTopic};
use tidegate_link::copy::{CopyLimits, Filling, Phase, Status};
use tidegate_mirror::{Cluster, Lease, Link, Mirror, MirrorSpec, Share};
use tokio::runtime::Builder;
use tokio::time::{Duration, Instant, sleep};

/// Mirrors a topic until it is killed, in plaintext.
#[derive(Parser)]
struct Args {
    /// A broker of the source, HOST:PORT.
    #[arg(long)]
    source: String,
    /// The topic there.
    #[arg(long)]
    topic: String,
    /// A broker of the mirror.
    #[arg(long)]
    destination: String,
    /// The mirror topic, which it makes.
    #[arg(long)]
    copy: String,
    /// Worker threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = Builder::new_multi_thread().worker_threads(args.threads).enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: Args) -> Result<()> {
    let link = Link::new(cluster(&args.source)?, cluster(&args.destination)?, Lease::forever());
    let mut mirror = Mirror::new(MirrorSpec {
        link: LinkId::from_bytes(LINK),
        source: args.topic,
        mirror: MirrorTopic::parse(&args.copy)?,
        replication_factor: None,
        marker_epoch: Some(1),
        limits: CopyLimits::default(),
    });
    let (mut told, mut fills) = (Instant::now(), false);
    loop {
        let tended = Instant::now();
        mirror.tend(&link, &Share::all()).await.context("tending the mirror")?;
        while tended.elapsed() < TEND {
            // What is to be filled is told before it is.
            let begins = !fills && !mirror.caught_up() && filling(&mirror).is_some();
            if begins || told.elapsed() > TELL {
                tell(&mirror);
                told = Instant::now();
            }
            fills |= begins;
            sleep(if mirror.caught_up() { TELL } else { LOOK }).await;
        }
    }
}

fn cluster(bootstrap: &str) -> Result<Arc<Cluster>> {
    let options = ConnectOptions::new("tidegate-mirror-bench", Security::plaintext());
    Ok(Arc::new(Cluster::new(vec![bootstrap.parse()?], options)))
}

fn tell(mirror: &Mirror) {
    let partitions: Vec<Status> = mirror.partitions().map(|(_, status)| status).collect();
    let copying = partitions.iter().filter(|status| status.phase == Phase::Copying).count();
    let lag: u64 = partitions.iter().filter_map(Status::lag).sum();
    let mut line = json!({"partitions": partitions.len(), "copying": copying, "lag": lag});
    if let (Some(Filling { offsets, left_ms }), Some(line)) = (filling(mirror), line.as_object_mut()) {
        line.insert("filling".to_owned(), json!({"offsets": offsets, "seconds": left_ms as f64 / 1000.0}));
    }
    println!("{line}");
}

/// All that is to be filled, and the longest that it takes.
fn filling(mirror: &Mirror) -> Option<Filling> {
    let all = mirror.partitions().filter_map(|(_, status)| status.filling);
    all.reduce(|one, other| Filling {
        offsets: one.offsets.saturating_add(other.offsets),
        left_ms: one.left_ms.max(other.left_ms),
    })
}

const LINK: [u8; 16] = *b"link of a bench.";
/// How often the topic is looked at.
const TEND: Duration = Duration::from_secs(2);
const TELL: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(10);
