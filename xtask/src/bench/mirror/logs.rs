//! The programs of the bench that make logs and look at them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::lane::Pair;
use crate::bench::talk::Talk;

/// Where they are.
pub(super) struct Logs {
    logs: PathBuf,
    load: PathBuf,
}

/// How far a copy had come, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) offsets: f64,
    pub(super) seconds: f64,
}

impl Logs {
    pub(super) fn new(binaries: &Path) -> Self {
        Self { logs: binaries.join("logs"), load: binaries.join("load") }
    }

    /// Makes a topic that keeps what it has.
    pub(super) fn create(&self, address: SocketAddr, topic: &str, partitions: u32) -> Result<()> {
        let mut command = self.load("create", address, topic);
        command.arg(format!("--partitions={partitions}")).args(["--config", "retention.ms=-1"]);
        output(command)?;
        Ok(())
    }

    /// Appends batches, and tells of how many bytes and records.
    pub(super) fn fill(
        &self,
        address: SocketAddr,
        topic: &str,
        partitions: u32,
        codec: &str,
        bytes: f64,
    ) -> Result<f64> {
        let mut command = self.load("produce", address, topic);
        command.arg(format!("--partitions={partitions}")).args(["--keyed", codec]);
        command.arg(format!("--bytes={bytes:.0}"));
        let outcome: Value = serde_json::from_str(&output(command)?)?;
        outcome.get("bytes").and_then(Value::as_f64).context("the load tool tells of no bytes")
    }

    /// Makes partition 0 of a topic that is there begin at an offset.
    pub(super) fn begin(&self, address: SocketAddr, topic: &str, offset: u64) -> Result<()> {
        let mut command = self.of("begin", address, topic);
        command.arg(format!("--offset={offset}"));
        output(command)?;
        Ok(())
    }

    pub(super) fn delete(&self, address: SocketAddr, topic: &str) -> Result<()> {
        output(self.of("delete", address, topic))?;
        Ok(())
    }

    /// Begins to watch a copy, which need not be there yet.
    pub(super) fn watch(&self, pair: &Pair, begin: bool) -> Result<Watch> {
        let mut command = self.of_pair("watch", pair);
        if begin {
            command.arg("--begin");
        }
        let mut talk = Talk::start(command)?;
        talk.wait_ready()?;
        Ok(Watch(talk))
    }

    /// What appends records and waits for them, ready to go.
    pub(super) fn lag(&self, pair: &Pair, records: u64) -> Result<Talk> {
        let mut command = self.of_pair("lag", pair);
        command.arg(format!("--records={records}"));
        let mut talk = Talk::start(command)?;
        talk.wait_ready()?;
        Ok(talk)
    }

    fn load(&self, mode: &str, address: SocketAddr, topic: &str) -> Command {
        let mut command = Command::new(&self.load);
        command.args([mode, "--address", &address.to_string(), "--topic", topic]);
        command
    }

    fn of(&self, task: &str, address: SocketAddr, topic: &str) -> Command {
        let mut command = Command::new(&self.logs);
        command.args([task, "--address", &address.to_string(), "--topic", topic]);
        command
    }

    fn of_pair(&self, task: &str, pair: &Pair) -> Command {
        let mut command = Command::new(&self.logs);
        command.arg(task).args(pair.arguments()).arg(format!("--partitions={}", pair.partitions));
        command
    }
}

/// A copy that is being watched.
pub(super) struct Watch(Talk);

impl Watch {
    /// The next thing that it has seen: first records, then all of them.
    pub(super) fn mark(&mut self) -> Result<Mark> {
        let told = self.0.json().context("watching a copy")?;
        let field = |name| told.get(name).and_then(Value::as_f64).context("half a mark");
        Ok(Mark { offsets: field("offsets")?, seconds: field("seconds")? })
    }
}

fn output(mut command: Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done = done.with_context(|| format!("cannot start {command:?}"))?;
    if !done.status.success() {
        bail!("{command:?} ended with {}; its message is above", done.status);
    }
    Ok(String::from_utf8(done.stdout)?.trim_end().to_owned())
}
