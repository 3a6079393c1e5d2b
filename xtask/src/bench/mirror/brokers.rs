//! A real Kafka for the bench: that of the tests, which this crate does not link, with a JVM as in production.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command;

/// One broker; stopped when dropped, and its data removed.
pub(super) struct Broker {
    child: Child,
    /// Held: whoever speaks to nobody ends.
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Broker {
    /// Starts one, and waits until it can be asked.
    pub(super) fn start(harness: &PathBuf) -> Result<Self> {
        let mut child = Command::new(harness)
            .arg("--optimized")
            .args(SETTINGS.map(|setting| format!("--setting={setting}")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", harness.display()))?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut broker = Self { child, output, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        broker.address = broker.told_address()?;
        Ok(broker)
    }

    fn told_address(&mut self) -> Result<SocketAddr> {
        for line in self.output.by_ref().lines() {
            if let Some(address) = line?.strip_prefix("bootstrap.servers=") {
                return address.parse().with_context(|| format!("no address: {address}"));
            }
        }
        bail!("Kafka did not start; its message is above")
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // In order, since only so does it remove its data; std has no call for SIGTERM and unsafe code is forbidden.
        Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().ok();
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Builds what starts it.
pub(super) fn harness() -> Result<PathBuf> {
    let status =
        command::cargo(["build", "--quiet", "--package", "tidegate-e2e", "--bin", "kafka-up"]).status()?;
    ensure!(status.success(), "the build failed");
    Ok(command::target().join("debug/kafka-up"))
}

/// What is deleted goes from the disk at once: a run copies more than there may be room for.
const SETTINGS: [&str; 3] =
    ["log.segment.delete.delay.ms=500", "log.segment.bytes=268435456", "auto.create.topics.enable=false"];
const PATIENCE: Duration = Duration::from_secs(60);
