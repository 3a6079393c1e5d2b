//! The process that is measured: the only place that knows how a mirror is started and what it says.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::lane::Pair;

/// What has to be built.
pub(super) const PACKAGE: &str = "tidegate-mirror-bin";
pub(super) const PROGRAM: &str = "tidegate-mirror";

/// The daemon with a link of one topic, and nothing that an earlier one has left.
pub(super) fn command(binaries: &Path, folder: &Path, pair: &Pair) -> Result<Command> {
    let home = folder.join(PROGRAM);
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    fs::create_dir(&home).with_context(|| format!("cannot make {}", home.display()))?;
    fs::write(home.join("tidegate-mirror.yaml"), configuration(pair)?)?;
    let mut command = Command::new(binaries.join(PROGRAM));
    command.current_dir(home);
    Ok(command)
}

fn configuration(pair: &Pair) -> Result<String> {
    let Pair { source, topic, destination, copy, .. } = pair;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let root_key = "5b".repeat(32);
    Ok(format!(
        r#"rootKey: "{root_key}"
http: {{bind: {{port: {port}}}}}
store: {{type: SQLITE}}
clusters:
- {{name: there, bootstrap: ["{source}"]}}
- {{name: here, bootstrap: ["{destination}"]}}
links:
- {{name: bench, source: there, destination: here, topics: [{{source: {topic}, mirror: {copy}}}]}}
"#
    ))
}

/// What it said about a start that it has to fill up to, before it filled: how many offsets, and the seconds that it takes.
pub(super) fn first_estimate(log: &Path) -> Result<Option<(f64, f64)>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let told = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let filling = told.filter_map(|line| {
        let said = line.get("fields")?;
        let left_ms = said.get("left_ms")?.as_f64()?;
        said.get("offsets")?.as_f64().map(|offsets| (offsets, left_ms / 1000.0))
    });
    Ok(filling.into_iter().next())
}
