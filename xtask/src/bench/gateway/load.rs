//! Runs the load tool and measures around it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::lane::Lane;
use super::stand::Topics;
use crate::bench::cpu::Snapshot;
use crate::bench::talk::Talk;

/// Where the load tool is.
pub(super) struct Loader(PathBuf);

/// What one run of the load did, and what it cost the lane's process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) bytes: f64,
    pub(super) requests: f64,
    pub(super) seconds: f64,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
}

impl Loader {
    pub(super) fn new(binary: PathBuf) -> Self {
        Self(binary)
    }

    /// Runs once through a lane. CPU time is read after the login and before the connections close.
    pub(super) fn measure(&self, lane: &Lane, topic: &str, arguments: &[String]) -> Result<Sample> {
        let mut running = self.start(lane, topic, arguments)?;
        let before = snapshot(lane)?;
        let outcome = running.go()?;
        let after = snapshot(lane)?;
        running.finish()?;
        let cpu = before.zip(after).map(|(before, after)| after.since(&before).as_secs_f64());
        Sample::new(&outcome, cpu)
    }

    /// Starts the tool and waits until it is ready to go.
    pub(super) fn start(&self, lane: &Lane, topic: &str, arguments: &[String]) -> Result<Talk> {
        let mut command = self.command(lane.address, &lane.topic(topic), arguments);
        command.arg("--gate");
        if let Some(zone) = &lane.zone {
            command.args(["--follow-leader", "--user", &zone.user, "--password", &zone.password]);
        }
        if let Some(ca) = &lane.ca {
            command.arg("--ca").arg(ca);
        }
        let through = || format!("load through {}", lane.name);
        let mut running = Talk::start(command).with_context(through)?;
        running.wait_ready().with_context(through)?;
        thread::sleep(SETTLE);
        Ok(running)
    }

    fn command(&self, address: SocketAddr, topic: &str, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(arguments).args(["--address", &address.to_string(), "--topic", topic]);
        command
    }
}

/// Makes the topics of a real Kafka and fills the one that is read.
pub(super) fn prepare_topics(loader: &Loader, kafka: SocketAddr, topics: Topics) -> Result<()> {
    let run = |topic: &str, arguments: &[&str]| -> Result<()> {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        let output = loader.command(kafka, topic, &arguments).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("cannot prepare topic {topic} at {kafka}");
        }
        Ok(())
    };
    // Retention keeps the disk bounded; the topic that is read from offset 0 keeps its few records.
    run(topics.write, &["create", "--retention-bytes", "268435456"])?;
    run(topics.read, &["create"])?;
    run(topics.read, &["produce", "--bytes", "16000000"])
}

impl Sample {
    fn new(outcome: &Value, cpu_seconds: Option<f64>) -> Result<Self> {
        let field = |name: &str| outcome.get(name).and_then(Value::as_f64);
        let required =
            |name: &str| field(name).with_context(|| format!("the load tool's outcome has no {name}"));
        Ok(Self {
            cpu_seconds,
            bytes: required("bytes")?,
            requests: required("requests")?,
            seconds: required("seconds")?,
            p50_us: field("p50_us"),
            p99_us: field("p99_us"),
        })
    }
}

fn snapshot(lane: &Lane) -> Result<Option<Snapshot>> {
    lane.process.as_ref().map(|process| Snapshot::take(process.pid())).transpose()
}

/// Time for the logins' last work to end before the CPU time is read.
const SETTLE: Duration = Duration::from_millis(100);
