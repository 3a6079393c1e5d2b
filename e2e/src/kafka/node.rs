//! One broker process.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Builder;
use crate::jars::Version;
use crate::java;
use crate::process::{self, Guarded};

#[derive(Debug)]
pub(super) struct Node {
    version: Version,
    /// Options of the JVM.
    java: Vec<String>,
    id: u16,
    properties: PathBuf,
    log: PathBuf,
    process: Option<Guarded>,
}

impl Node {
    /// Writes the configuration; nothing runs yet.
    pub(super) fn create(builder: &Builder, id: u16, dir: &Path, config: &str) -> Result<Self> {
        let properties = dir.join(format!("server-{id}.properties"));
        fs::write(&properties, config).with_context(|| format!("writing {}", properties.display()))?;
        let options = if builder.optimized { OPTIMIZED } else { QUICK };
        let java = options.iter().map(ToString::to_string).chain(builder.java.iter().cloned()).collect();
        let log = dir.join(format!("server-{id}.log"));
        Ok(Self { version: builder.version, java, id, properties, log, process: None })
    }

    pub(super) fn id(&self) -> u16 {
        self.id
    }

    pub(super) fn properties(&self) -> &Path {
        &self.properties
    }

    pub(super) fn start(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "broker {} already runs", self.id);
        let options: Vec<&str> = self.java.iter().map(String::as_str).collect();
        let mut command = java::program(self.version, &options, "kafka.Kafka")?;
        command.arg(&self.properties);
        self.process = Some(process::start(&command, &self.log)?);
        Ok(())
    }

    pub(super) fn kill9(&mut self) {
        self.process = None;
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            let status = process.stop(Duration::from_secs(60))?;
            ensure!(status.is_some(), "broker {} did not stop in order within a minute", self.id);
        }
        Ok(())
    }

    /// An error with the end of the log if a broker that should run has ended.
    pub(super) fn check_alive(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process
            && let Some(status) = process.ended()?
        {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            bail!("broker {} ended with {status}:\n{tail}", self.id);
        }
        Ok(())
    }

    /// Its process, while it is meant to run.
    pub(super) fn process_id(&self) -> Option<u32> {
        Some(self.process.as_ref()?.id())
    }

    /// Whether it is meant to run.
    pub(super) fn is_up(&self) -> bool {
        self.process.is_some()
    }
}

/// C1 only: brokers of a test live for seconds, and two cores have better things to compile.
const QUICK: &[&str] = &["-Xms96m", "-Xmx448m", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// As `kafka-server-start.sh` has it, with the collector for many cores instead of the one for tests.
const OPTIMIZED: &[&str] =
    &["-Xms1g", "-Xmx1g", "-XX:-UseSerialGC", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];
