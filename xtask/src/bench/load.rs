//! Runs the load tool and measures around it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cpu::Snapshot;
use super::lane::Lane;
use super::stand::Topics;

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
    pub(super) fn start(&self, lane: &Lane, topic: &str, arguments: &[String]) -> Result<Running> {
        let mut command = self.command(lane.address, &lane.topic(topic), arguments);
        command.arg("--gate");
        if let Some(zone) = &lane.zone {
            command.args(["--follow-leader", "--user", &zone.user, "--password", &zone.password]);
        }
        if let Some(ca) = &lane.ca {
            command.arg("--ca").arg(ca);
        }
        let mut running = Running::new(command).with_context(|| format!("load through {}", lane.name))?;
        let line = running.line()?;
        if line != "ready" {
            bail!("the load tool said {line:?} where it should be ready");
        }
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

/// A load tool at one of its stops.
pub(super) struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn new(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// Lets it run and gives its outcome; its connections stay open.
    pub(super) fn go(&mut self) -> Result<Value> {
        writeln!(self.input)?;
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("the load tool said {line:?}"))
    }

    /// Lets it close its connections.
    pub(super) fn finish(mut self) -> Result<()> {
        writeln!(self.input)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the load tool ended with {status}");
        }
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the load tool stopped early; its message is above");
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `finish` it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
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
