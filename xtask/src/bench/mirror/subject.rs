//! The process that is measured: the only place that knows how a mirror is started and what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::lane::Pair;

/// What has to be built.
pub(super) const PACKAGE: &str = "tidegate-benches";
pub(super) const PROGRAM: &str = "mirror";

/// A mirror of one topic, which makes the mirror topic itself.
pub(super) fn command(binaries: &Path, pair: &Pair) -> Command {
    let mut command = Command::new(binaries.join(PROGRAM));
    command.args(pair.arguments());
    command
}

/// What it said about a start that it has to fill up to, before it filled: how many offsets, and the seconds that it takes.
pub(super) fn first_estimate(log: &Path) -> Result<Option<(f64, f64)>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let told = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let filling = told.filter_map(|line| {
        let filling = line.get("filling")?;
        filling.get("offsets")?.as_f64().zip(filling.get("seconds")?.as_f64())
    });
    Ok(filling.into_iter().next())
}
