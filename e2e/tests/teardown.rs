//! No broker outlives its harness, whichever way that one ends.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidegate_e2e::paths;
use tidegate_e2e::process::{self, Guarded};

const START_LIMIT: Duration = Duration::from_secs(180);
const END_LIMIT: Duration = Duration::from_secs(10);

#[test]
fn brokers_die_with_a_killed_harness() -> Result<()> {
    let (mut harness, broker) = cluster()?;
    harness.kill();
    gone(broker)
}

#[test]
fn brokers_and_their_data_go_with_a_stopped_harness() -> Result<()> {
    let (mut harness, broker) = cluster()?;
    let data = paths::target().join("e2e-run").join(harness.id().to_string());
    ensure!(fs::read_dir(&data)?.count() == 1, "no data below {}", data.display());
    let status = harness.stop(END_LIMIT)?.context("the harness did not stop")?;
    ensure!(status.success(), "the harness ended with {status}");
    ensure!(fs::read_dir(&data)?.count() == 0, "data is left below {}", data.display());
    gone(broker)
}

/// `kafka-up` in a process of its own, and the address of its broker.
fn cluster() -> Result<(Guarded, SocketAddr)> {
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("log");
    let harness = process::start(&Command::new(env!("CARGO_BIN_EXE_kafka-up")), &log)?;
    let until = Instant::now() + START_LIMIT;
    loop {
        let text = fs::read_to_string(&log)?;
        let address = text.lines().find_map(|line| line.strip_prefix("bootstrap.servers="));
        if let Some(address) = address {
            let broker = address.parse().with_context(|| format!("{address} is no address"))?;
            TcpStream::connect(broker).with_context(|| format!("{broker} does not listen"))?;
            return Ok((harness, broker));
        }
        ensure!(Instant::now() < until, "no cluster after {START_LIMIT:?}:\n{text}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn gone(broker: SocketAddr) -> Result<()> {
    let until = Instant::now() + END_LIMIT;
    while TcpStream::connect(broker).is_ok() {
        ensure!(Instant::now() < until, "{broker} still listens after {END_LIMIT:?}");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
