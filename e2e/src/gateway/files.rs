//! The files that an operator writes: configuration, zones, accounts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::ports::NODES;
use super::{Ports, binary};
use crate::kafka::Kafka;
use crate::{paths, process};

/// The configuration's file name.
pub(super) const CONFIG: &str = "tidegate.yaml";

/// The environment variable from which the configuration takes the upstream password.
const PASSWORD_VARIABLE: &str = "UPSTREAM_PASSWORD";

/// A gateway's folder and ports. The tests for bad input change its files before the gateway starts.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    ports: Ports,
    environment: BTreeMap<String, String>,
}

/// A topic of a zone.
#[derive(Clone, Debug)]
pub struct Alias {
    /// What the partner sees.
    pub name: String,
    /// What the cluster has.
    pub backing: String,
    /// What the partner may do.
    pub permission: Permission,
}

/// The right on an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// READ
    Read,
    /// WRITE, which includes READ
    Write,
}

impl Home {
    /// A complete configuration before `kafka`, without zones and accounts.
    pub fn create(kafka: &Kafka) -> Result<Self> {
        let home = Self::bare(&kafka.bootstrap(), &upstream_security(kafka))?;
        let password = kafka.admin().password.clone();
        Ok(Self { environment: BTreeMap::from([(PASSWORD_VARIABLE.to_owned(), password)]), ..home })
    }

    /// As [`Home::create`], before whatever is at `bootstrap`; `security` is a YAML flow mapping.
    pub fn bare(bootstrap: &str, security: &str) -> Result<Self> {
        let dir = paths::scratch("gateway")?;
        let ports = Ports::claim()?;
        let home = Self { dir, ports, environment: BTreeMap::new() };
        fs::create_dir(home.file("zones"))?;
        home.write(CONFIG, &config(&home.ports, bootstrap, security))?;
        Ok(home)
    }

    /// The folder, which is also the gateway's working directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// What the gateway's environment has besides the test's own.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Sets one more variable.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Takes the upstream password out of the environment.
    pub fn forget_password(&mut self) {
        self.environment.clear();
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Replaces `old`, which must be there, in a file of the folder.
    pub fn replace(&self, name: &str, old: &str, new: &str) -> Result<()> {
        let text = fs::read_to_string(self.file(name)).with_context(|| format!("reading {name}"))?;
        ensure!(text.contains(old), "{name} has no {old:?}");
        self.write(name, &text.replace(old, new))
    }

    /// Adds an account with the gateway's own command.
    pub fn add_account(&self, name: &str, password: &str) -> Result<()> {
        self.account(&["add", "--file", "accounts.yaml", "--password-stdin", name], password)
    }

    /// Removes an account with the gateway's own command.
    pub fn remove_account(&self, name: &str) -> Result<()> {
        self.account(&["remove", "--file", "accounts.yaml", name], "")
    }

    /// Keeps zones and accounts in a store from now on; `store` is a YAML flow mapping.
    pub fn use_store(&self, store: &str) -> Result<()> {
        let files = "zones: {folder: zones}\naccounts: {file: accounts.yaml}\n";
        self.replace(CONFIG, files, &format!("store: {store}\n"))
    }

    /// Runs the gateway's command for the store; gives what it printed.
    pub fn store(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(binary()?);
        command.arg("store").args(arguments).current_dir(self.path()).envs(self.environment());
        let done = process::run(&command, Duration::from_secs(60))?;
        ensure!(done.status.success(), "store: {}\n{}{}", done.status, done.stdout, done.stderr);
        Ok(done.stdout)
    }

    fn account(&self, arguments: &[&str], input: &str) -> Result<()> {
        let mut command = Command::new(binary()?);
        command.arg("account").args(arguments).current_dir(self.path());
        let done = process::run_with_input(&command, Duration::from_secs(20), input)?;
        ensure!(done.status.success(), "account: {}\n{}{}", done.status, done.stdout, done.stderr);
        Ok(())
    }

    /// Adds the manifest of a zone whose partner logs in as `account`.
    pub fn add_zone(&self, name: &str, account: &str, topics: &[Alias]) -> Result<()> {
        self.write(&format!("zones/{name}.yaml"), &zone(name, account, topics))
    }

    /// The gateway's log.
    pub fn log_file(&self) -> PathBuf {
        self.file("gateway.log")
    }

    /// What the gateway has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

/// The text of a PartnerZone manifest.
pub fn zone(name: &str, account: &str, topics: &[Alias]) -> String {
    let mut text = format!(
        "apiVersion: v2\nkind: PartnerZone\nmetadata:\n  name: {name}\nspec:\n  cluster: main\n  \
         authenticationMode:\n    type: PLAIN\n    serviceAccount: {account}\n  topics:\n"
    );
    for Alias { name, backing, permission } in topics {
        let permission = match permission {
            Permission::Read => "READ",
            Permission::Write => "WRITE",
        };
        let _ = writeln!(
            text,
            "    - name: {name}\n      backingTopic: {backing}\n      permission: {permission}"
        );
    }
    text
}

fn config(ports: &Ports, bootstrap: &str, security: &str) -> String {
    let servers: Vec<String> = bootstrap.split(',').map(|server| format!("\"{server}\"")).collect();
    format!(
        "clusters:
  - name: main
    bootstrap: [{servers}]
    security: {security}
listeners:
  - name: partners
    cluster: main
    protocol: SASL_PLAINTEXT
    mechanisms: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512]
    bind: {{host: 127.0.0.1, port: {bound}}}
    advertised: {{host: 127.0.0.1, port: {advertised}}}
    nodes: {{bindPort: {bound_nodes}, advertisedPort: {advertised_nodes}, count: {NODES}}}
zones: {{folder: zones}}
accounts: {{file: accounts.yaml}}
rootKey: \"file:root.key\"
http:
  bind: {{host: 127.0.0.1, port: {http}}}
reload: {{watchMs: 0}}
",
        servers = servers.join(", "),
        bound = ports.bound().port(),
        advertised = ports.advertised().port(),
        bound_nodes = ports.bound_nodes(),
        advertised_nodes = ports.advertised_nodes(),
        http = ports.http().port(),
    )
}

/// How the gateway logs in upstream: as the admin, with PLAIN where there is a login.
fn upstream_security(kafka: &Kafka) -> String {
    let protocol = kafka.protocol();
    let mut parts = vec![format!("protocol: {protocol}")];
    if protocol.has_sasl() {
        let user = &kafka.admin().name;
        let password = format!("${{env:{PASSWORD_VARIABLE}}}");
        parts.push(format!("sasl: {{mechanism: PLAIN, username: {user}, password: \"{password}\"}}"));
    }
    if protocol.has_tls() {
        parts.push(format!("tls: {{ca: \"{}\"}}", kafka.ca().display()));
    }
    format!("{{{}}}", parts.join(", "))
}
