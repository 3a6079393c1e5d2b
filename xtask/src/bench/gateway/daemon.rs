//! The gateway of the bench: its configuration, its zone and its account.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::lane::{Lane, Name, Zone, alias};
use crate::bench::process::Process;

/// Where the gateway stands and what it shows.
pub(super) struct Plan<'a> {
    pub(super) binary: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) upstream: SocketAddr,
    pub(super) base_port: u16,
    /// Backing topics, each shown under its alias.
    pub(super) topics: &'a [&'a str],
    /// Where `certificate.pem` and `key.pem` are, for TLS.
    pub(super) tls: Option<&'a Path>,
}

impl Plan<'_> {
    /// Writes the configuration, makes the account and starts the gateway.
    pub(super) fn start(&self) -> Result<Lane> {
        let folder = self.folder.join("gateway");
        let zones = folder.join("zones");
        // A run begins anew: an old account would have another password.
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&zones).with_context(|| format!("cannot make {}", zones.display()))?;
        fs::write(folder.join("tidegate.yaml"), self.config())?;
        fs::write(zones.join("bench.yaml"), self.zone())?;
        let zone = Zone { user: USER.to_owned(), password: password()? };
        self.add_account(&folder, &zone)?;
        let address = self.address();
        let mut command = Command::new(self.binary);
        command.arg("--config").arg("tidegate.yaml").current_dir(&folder);
        let process = Process::serve("gateway", command, self.folder, address)?;
        wait_ready(SocketAddr::from(([127, 0, 0, 1], self.base_port + HTTP))).with_context(|| {
            format!("the gateway's output is in {}", self.folder.join("gateway.log").display())
        })?;
        let (name, ca) = match self.tls {
            None => (Name::Gateway, None),
            Some(folder) => (Name::Encrypted, Some(folder.join("certificate.pem"))),
        };
        Ok(Lane { name, address, zone: Some(zone), ca, process: Some(process) })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.base_port + BOOTSTRAP))
    }

    fn add_account(&self, folder: &Path, zone: &Zone) -> Result<()> {
        let mut child = Command::new(self.binary)
            .args(["account", "add", "--file", "accounts.yaml", "--password-stdin", &zone.user])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        writeln!(child.stdin.take().context("no standard input")?, "{}", zone.password)?;
        let status = child.wait()?;
        ensure!(status.success(), "`tidegate-gateway account add` failed: {status}");
        Ok(())
    }

    fn config(&self) -> String {
        let Self { upstream, base_port, .. } = self;
        let (protocol, tls) = match self.tls {
            None => ("SASL_PLAINTEXT", String::new()),
            Some(folder) => {
                let folder = folder.display();
                (
                    "SASL_SSL",
                    format!("\n    tls: {{certificate: {folder}/certificate.pem, key: {folder}/key.pem}}"),
                )
            }
        };
        let (bootstrap, nodes, http) = (base_port + BOOTSTRAP, base_port + NODES, base_port + HTTP);
        format!(
            r#"clusters:
  - name: main
    bootstrap: ["{upstream}"]
    security: {{protocol: PLAINTEXT}}
listeners:
  - name: partners
    cluster: main
    protocol: {protocol}{tls}
    mechanisms: [PLAIN]
    bind: {{host: 127.0.0.1, port: {bootstrap}}}
    advertised: {{host: 127.0.0.1, port: {bootstrap}}}
    nodes: {{bindPort: {nodes}, advertisedPort: {nodes}, count: 16}}
zones: {{folder: zones}}
accounts: {{file: accounts.yaml}}
rootKey: "file:root.key"
http: {{bind: {{host: 127.0.0.1, port: {http}}}}}
# The memory rows hold up to 5,000 connections of one client, and some more to prepare them.
limits: {{requestsPerSecondPerZone: 100000000, maxConnectionsPerZone: 6000, maxConnectionsPerAddress: 6000, maxLogins: 6000, maxLoginsPerAddress: 6000,
  connectionsPerSecond: 100000, connectionsPerSecondPerAddress: 100000, connectionsPerSecondPerZone: 100000}}
"#
        )
    }

    fn zone(&self) -> String {
        let mut manifest = format!(
            "apiVersion: v2\nkind: PartnerZone\nmetadata:\n  name: bench\nspec:\n  cluster: main\n  serviceAccount: {USER}\n  topics:\n"
        );
        for topic in self.topics {
            let alias = alias(topic);
            manifest += &format!("    - {{name: {alias}, backingTopic: {topic}, permission: WRITE}}\n");
        }
        manifest
    }
}

/// Waits until `/readyz` is green: the zone and its upstream are there.
fn wait_ready(http: SocketAddr) -> Result<()> {
    let start = Instant::now();
    loop {
        let status = readyz(http).unwrap_or_else(|error| error.to_string());
        if status.contains(" 200 ") {
            return Ok(());
        }
        ensure!(start.elapsed() < READY_PATIENCE, "the gateway is not ready: {status}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The status line of `/readyz`.
fn readyz(http: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(http)?;
    stream.set_read_timeout(Some(READY_PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A password of this run alone, from the system's random numbers.
fn password() -> Result<String> {
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").context("no random numbers")?;
    Ok(uuid.trim().to_owned())
}

const READY_PATIENCE: Duration = Duration::from_secs(15);
const USER: &str = "bench";
/// Ports, counted from the base port.
const BOOTSTRAP: u16 = 92;
const HTTP: u16 = 93;
const NODES: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_shows_each_topic_under_its_alias() {
        let plan = Plan {
            binary: Path::new("gateway"),
            folder: Path::new("."),
            upstream: SocketAddr::from(([127, 0, 0, 1], 9092)),
            base_port: 19_000,
            topics: &["bench", "bench-read"],
            tls: None,
        };
        assert!(plan.zone().ends_with(
            "  topics:\n    - {name: alias-bench, backingTopic: bench, permission: WRITE}\n    - {name: alias-bench-read, backingTopic: bench-read, permission: WRITE}\n"
        ));
        assert!(plan.config().contains("nodes: {bindPort: 19100, advertisedPort: 19100, count: 16}"));
        assert!(plan.config().contains(r#"bootstrap: ["127.0.0.1:9092"]"#));
    }
}
