//! The built `tidegate-mirror`, started as an operator starts it: a folder with a configuration, one process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::{Ports, get};
use crate::process::{self, Finished, Guarded};
use crate::site::wait_for;
use crate::{paths, random};

const CONFIG: &str = "tidegate-mirror.yaml";

/// A comparison reads whole logs.
const COMPARE: Duration = Duration::from_secs(120);

/// A folder with a configuration. Workers of one link have a root key and a store in common.
#[derive(Debug)]
pub struct MirrorHome {
    folder: TempDir,
    ports: Ports,
    root_key: String,
}

impl MirrorHome {
    /// A folder of its own, with a root key of its own.
    pub fn new() -> Result<Self> {
        let digits = || format!("{:016x}", random::number(0, u16::MAX));
        Self::with_key((0..4).map(|_| digits()).collect())
    }

    /// A folder for another worker of the same installation.
    pub fn beside(&self) -> Result<Self> {
        Self::with_key(self.root_key.clone())
    }

    fn with_key(root_key: String) -> Result<Self> {
        Ok(Self { folder: paths::scratch("mirror")?, ports: Ports::claim()?, root_key })
    }

    /// Writes the configuration: all that a daemon needs, and `more`, which has clusters, store and links.
    pub fn write(&self, more: &str) -> Result<()> {
        let (root_key, port) = (&self.root_key, self.ports.http().port());
        let text = format!("rootKey: \"{root_key}\"\nhttp: {{bind: {{port: {port}}}}}\n{more}");
        Ok(fs::write(self.folder.path().join(CONFIG), text)?)
    }

    /// What the daemon has written.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Runs a program of Tidegate in this folder.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<Finished> {
        let mut command = Command::new(binary(program)?);
        command.args(arguments).current_dir(self.folder.path());
        process::run(&command, COMPARE)
    }

    /// What `tidegate mirror verify` says of each partition of a link.
    pub fn verify(&self, link: &str) -> Result<(ExitStatus, Vec<Value>)> {
        let done = self.run("tidegate", &["mirror", "verify", link, "--output", "json"])?;
        let found = serde_json::from_str(&done.stdout)
            .with_context(|| format!("{}\n{}{}", done.status, done.stdout, done.stderr))?;
        Ok((done.status, found))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A running daemon; dropping it kills it.
#[derive(Debug)]
pub struct MirrorDaemon {
    process: Guarded,
    http: std::net::SocketAddr,
}

impl MirrorDaemon {
    /// Starts it and waits until it is ready.
    pub fn start(home: &MirrorHome) -> Result<Self> {
        let mut daemon = Self::spawn(home)?;
        wait_for("the mirror daemon is ready", || {
            ensure!(daemon.process.ended()?.is_none(), "it has ended:\n{}", home.log());
            Ok(get(daemon.http, "/readyz").is_ok_and(|answer| answer.status == 200))
        })?;
        Ok(daemon)
    }

    /// Starts it, whatever becomes of it.
    pub fn spawn(home: &MirrorHome) -> Result<Self> {
        let mut command = Command::new(binary("tidegate-mirror")?);
        command.current_dir(home.path());
        let process = process::start(&command, &home.log_file())?;
        Ok(Self { process, http: home.ports.http() })
    }

    /// What it says of its links.
    pub fn links(&self) -> Result<Value> {
        Ok(serde_json::from_str(&get(self.http, "/links")?.body)?)
    }

    /// What it says of a mirror topic; none that it has no share of.
    pub fn mirror(&self, topic: &str) -> Result<Option<Value>> {
        let links = self.links()?;
        let links = links.as_array().context("a list of links")?;
        let mut mirrors = links.iter().flat_map(|link| link["mirrors"].as_array().into_iter().flatten());
        Ok(mirrors.find(|mirror| mirror["topic"] == topic).cloned())
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal, such as `HUP`, `STOP` or `CONT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let done = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status()?;
        ensure!(done.success(), "sending SIG{name}: {done}");
        Ok(())
    }

    /// Whether it runs, be it stopped by a signal.
    pub fn is_alive(&mut self) -> Result<bool> {
        Ok(self.process.ended()?.is_none())
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        self.process.wait(limit)
    }

    /// Kills it with SIGKILL.
    pub fn kill9(mut self) {
        self.process.kill();
    }

    /// Asks it to stop with SIGTERM and returns its exit status.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.process.stop(Duration::from_secs(30))?.context("the mirror daemon did not stop within 30 s")
    }
}

/// A program that Cargo built beside the tests.
fn binary(name: &str) -> Result<PathBuf> {
    let path = paths::target().join("debug").join(name);
    ensure!(
        path.is_file(),
        "{} is missing; build it with `cargo build -p tidegate-mirror-bin -p tidegate-cli` (cargo xtask test does)",
        path.display()
    );
    Ok(path)
}
