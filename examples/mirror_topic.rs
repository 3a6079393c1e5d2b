//! One topic, mirrored to another cluster with every record at its offset, until Ctrl-C. Both clusters are reached in plaintext
//! here; `ConnectOptions` takes TLS and SASL as well.
//!
//! ```sh
//! cargo run -p tidegate-examples --bin mirror_topic -- SOURCE:9092 DESTINATION:9092 TOPIC
//! ```
//!
//! Only one of these may run for a topic: what keeps workers apart is a `Group`, which this program does without.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::sync::Arc;

use anyhow::{Context, Result};
use tidegate_client::{ConnectOptions, Security};
use tidegate_core::{LinkId, MirrorTopic};
use tidegate_link::copy::CopyLimits;
use tidegate_mirror::{Cluster, Lease, Link, Mirror, MirrorSpec, Share};
use tokio::signal::ctrl_c;
use tokio::time::{Duration, sleep};

/// The link's id stays the same for as long as the mirror lives: what it has written is known again by it.
const LINK: [u8; 16] = *b"example link one";

/// How often topics are looked at: for more partitions, and for configs that somebody changed.
const TEND: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next =
        |what| arguments.next().with_context(|| format!("{what} is missing: SOURCE DESTINATION TOPIC"));
    let source = cluster(&next("the source")?)?;
    let destination = cluster(&next("the destination")?)?;
    let topic = next("the topic")?;
    let link = Link::new(source, destination, Lease::forever());
    let mut mirror = Mirror::new(MirrorSpec {
        link: LinkId::from_bytes(LINK),
        mirror: MirrorTopic::parse(&topic)?,
        source: topic,
        replication_factor: None,
        // Without a store there is no counter that never goes back, and so no markers: gaps are filled with empty records.
        marker_epoch: None,
        limits: CopyLimits::default(),
    });
    loop {
        match mirror.tend(&link, &Share::all()).await {
            Ok(()) => tell(&mirror),
            Err(error) => println!("{error}"),
        }
        tokio::select! {
            () = sleep(TEND) => {}
            pressed = ctrl_c() => {
                pressed?;
                link.stop().await;
                return Ok(());
            }
        }
    }
}

fn cluster(bootstrap: &str) -> Result<Arc<Cluster>> {
    let options = ConnectOptions::new("tidegate-mirror-example", Security::plaintext());
    Ok(Arc::new(Cluster::new(vec![bootstrap.parse()?], options)))
}

fn tell(mirror: &Mirror) {
    for (partition, status) in mirror.partitions() {
        let position = status.position.map_or_else(|| "-".to_owned(), |position| position.to_string());
        let lag = status.lag().map_or_else(|| "-".to_owned(), |lag| lag.to_string());
        println!("partition {partition}: {:?}, at {position}, {lag} behind", status.phase);
    }
}
