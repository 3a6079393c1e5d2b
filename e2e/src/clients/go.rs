//! The Go client, built once per source.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{once, paths, process};

/// The built program.
pub(super) fn program() -> Result<Command> {
    let sources = paths::e2e().join("go");
    let mut key = String::new();
    for file in ["main.go", "go.mod", "go.sum"] {
        key += &fs::read_to_string(sources.join(file)).with_context(|| format!("reading e2e/go/{file}"))?;
    }
    let dir = paths::target().join("e2e-go");
    once::once(&dir, &key, |dir| {
        let mut go = Command::new("go");
        go.args(["build", "-buildvcs=false", "-mod=readonly", "-o"]);
        go.arg(dir.join("client")).arg(".").current_dir(&sources);
        process::run_ok(&go, Duration::from_secs(600)).context("building the Go client")?;
        Ok(())
    })?;
    Ok(Command::new(dir.join("client")))
}
