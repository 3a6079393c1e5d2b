//! The client in JavaScript, installed once per source.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::sources;
use crate::{once, paths, process};

/// `node client.js`, with the library of `e2e/node/package-lock.json`.
pub(super) fn program() -> Result<Command> {
    let files = sources::files(&paths::e2e().join("node"))?;
    let dir = paths::target().join("e2e-node");
    once::once(&dir, &sources::key(&files)?, |dir| {
        // A module finds its library beside itself only, and the checkout stays as it is.
        for file in &files {
            let name = file.file_name().context("a file has a name")?;
            fs::copy(file, dir.join(name)).with_context(|| format!("copying {}", file.display()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts"]).current_dir(dir);
        process::run_ok(&npm, Duration::from_secs(600)).context("installing the JavaScript client")?;
        Ok(())
    })?;
    let mut node = Command::new("node");
    node.arg(dir.join("client.js"));
    Ok(node)
}
