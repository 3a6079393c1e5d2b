//! The clients in Go, one program for all libraries, built once per source.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::sources;
use crate::{once, paths, process};

/// The built program, told which library to play with.
pub(super) fn program(library: &str) -> Result<Command> {
    let folder = paths::e2e().join("go");
    let dir = paths::target().join("e2e-go");
    once::once(&dir, &sources::key(&sources::files(&folder)?)?, |dir| {
        let mut go = Command::new("go");
        go.args(["build", "-buildvcs=false", "-mod=readonly", "-o"]);
        go.arg(dir.join("client")).arg(".").current_dir(&folder);
        process::run_ok(&go, Duration::from_secs(600)).context("building the Go clients")?;
        Ok(())
    })?;
    let mut client = Command::new(dir.join("client"));
    client.arg(library);
    Ok(client)
}
