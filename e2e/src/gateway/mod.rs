//! The built `tidegate-gateway`, started as an operator starts it: a folder of files, one process.

mod files;
mod http;
mod ports;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::clients::ClientConfig;
use crate::paths;
use crate::process::{self, Guarded};

pub use self::files::{Alias, Home, Permission, zone};
pub use self::http::get;
pub use self::ports::Ports;

/// Names the binary under test, when it is not the one that Cargo built beside the tests.
pub const BINARY_VARIABLE: &str = "TIDEGATE_GATEWAY_BIN";

/// Names a binary of the version before, for tests of upgrades; without it they replace a version by itself.
pub const OLD_BINARY_VARIABLE: &str = "TIDEGATE_OLD_GATEWAY_BIN";

const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running gateway; dropping it kills it.
#[derive(Debug)]
pub struct Gateway {
    process: Guarded,
}

impl Gateway {
    /// Starts the gateway on the files of `home` and waits until it is ready.
    pub fn start(home: &Home) -> Result<Self> {
        Self::start_of(&binary()?, home)
    }

    /// As [`Gateway::start`], of the version before, where one is named.
    pub fn start_old(home: &Home) -> Result<Self> {
        let old = env::var_os(OLD_BINARY_VARIABLE).map_or_else(binary, |path| Ok(PathBuf::from(path)))?;
        Self::start_of(&old, home)
    }

    fn start_of(binary: &Path, home: &Home) -> Result<Self> {
        let mut gateway = Self::spawn_of(binary, home)?;
        let until = Instant::now() + READY_LIMIT;
        loop {
            if let Some(status) = gateway.ended()? {
                bail!("the gateway ended with {status}:\n{}", home.log());
            }
            if get(home.ports().http(), "/readyz").is_ok_and(|answer| answer.status == 200) {
                return Ok(gateway);
            }
            ensure!(
                Instant::now() < until,
                "the gateway is not ready after {READY_LIMIT:?}:\n{}",
                home.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts the gateway on the files of `home`, whatever becomes of it.
    pub fn spawn(home: &Home) -> Result<Self> {
        Self::spawn_of(&binary()?, home)
    }

    fn spawn_of(binary: &Path, home: &Home) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["--config", files::CONFIG]).current_dir(home.path());
        command.envs(home.environment());
        Ok(Self { process: process::start(&command, &home.log_file())? })
    }

    /// The exit status, if it ended by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.ended()
    }

    /// Makes it read zones and accounts again, with SIGHUP.
    pub fn reload(&self) -> Result<()> {
        self.signal("HUP")
    }

    /// Asks it to stop with SIGTERM; see [`Gateway::wait`].
    pub fn ask_to_stop(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        self.process.wait(limit)
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// The processor time that its live threads have used.
    pub fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // A thread may end meanwhile.
            let stat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanos += stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    fn signal(&self, name: &str) -> Result<()> {
        let done =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.process.id())]).status()?;
        ensure!(done.success(), "sending SIG{name}: {done}");
        Ok(())
    }

    /// Kills it with SIGKILL.
    pub fn kill9(mut self) {
        self.process.kill();
    }

    /// Asks it to stop with SIGTERM and returns its exit status.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.process.stop(Duration::from_secs(30))?.context("the gateway did not stop within 30 s")
    }
}

/// The path of the binary under test.
pub fn binary() -> Result<PathBuf> {
    let path = match env::var_os(BINARY_VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => paths::target().join("debug/tidegate-gateway"),
    };
    ensure!(
        path.is_file(),
        "{} is missing; build it with `cargo build -p tidegate-gateway-bin` (cargo xtask test does), \
         or set {BINARY_VARIABLE}",
        path.display()
    );
    Ok(path)
}

/// How a partner reaches the gateway of `home`: through the advertised port, with `mechanism`.
pub fn client_config(home: &Home, mechanism: &str, user: &str, password: &str) -> ClientConfig {
    ClientConfig {
        bootstrap: home.ports().advertised().to_string(),
        protocol: "SASL_PLAINTEXT".to_owned(),
        mechanism: Some(mechanism.to_owned()),
        user: Some(user.to_owned()),
        password: Some(password.to_owned()),
        token_endpoint: None,
        ca: None,
        keystore: None,
        hosts: None,
    }
}
