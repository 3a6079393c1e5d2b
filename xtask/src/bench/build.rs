//! What a bench runs, built anew.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The profile of the daemons that are handed out.
const PROFILE: &str = "dist";

/// Builds programs of some packages as they are handed out, all of them if none is named, and gives their folder.
pub(super) fn dist(packages: &[&str], programs: &[&str]) -> Result<PathBuf> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--profile", PROFILE, "--quiet"]);
    for package in packages {
        command.args(["-p", package]);
    }
    for program in programs {
        command.args(["--bin", program]);
    }
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(target_folder()?.join(PROFILE))
}

/// The folder of a bench's own files.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = target_folder()?.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// This program is TARGET/PROFILE/xtask.
fn target_folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(2).context("xtask runs outside a target folder")?;
    Ok(folder.to_owned())
}
