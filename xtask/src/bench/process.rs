//! Child processes that never outlive the bench.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A server of the bench; killed when dropped.
pub(super) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a program with its output in `folder/NAME.log`.
    pub(super) fn start(name: &str, mut command: Command, folder: &Path) -> Result<Self> {
        let log = log(name, folder);
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Starts a server likewise, and waits until it accepts connections.
    pub(super) fn serve(name: &str, command: Command, folder: &Path, address: SocketAddr) -> Result<Self> {
        if TcpStream::connect(address).is_ok() {
            bail!("{address}, meant for {name}, is in use: stop its owner or give another --base-port");
        }
        let mut process = Self::start(name, command, folder)?;
        let output = || format!("its output is in {}", log(name, folder).display());
        process.wait_listening(address).with_context(output)?;
        Ok(process)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_listening(&mut self, address: SocketAddr) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start: {status}", self.name);
            }
            if start.elapsed() > START_PATIENCE {
                bail!("{} does not listen at {address}", self.name);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn log(name: &str, folder: &Path) -> PathBuf {
    folder.join(format!("{name}.log"))
}

const START_PATIENCE: Duration = Duration::from_secs(15);
