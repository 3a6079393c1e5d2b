//! The Python clients, in a virtual environment of their own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{once, paths, process};

/// `python -m PACKAGE` of `e2e/python`, with the libraries of `e2e/python/requirements.txt`.
pub fn program(package: &str) -> Result<Command> {
    let sources = paths::e2e().join("python");
    let requirements = sources.join("requirements.txt");
    let key = fs::read_to_string(&requirements).context("reading requirements.txt")?;
    let venv = paths::target().join("e2e-python");
    once::once(&venv, &key, |dir| {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(dir);
        process::run_ok(&make, Duration::from_secs(120)).context("making a Python environment")?;
        let mut pip = Command::new(dir.join("bin/pip"));
        pip.args(["install", "-q", "--disable-pip-version-check", "-r"]).arg(&requirements);
        process::run_ok(&pip, Duration::from_secs(600)).context("installing the Python clients")?;
        Ok(())
    })?;
    let mut python = Command::new(venv.join("bin/python"));
    // No byte code in the source tree.
    python.env("PYTHONPATH", &sources).args(["-B", "-m", package]);
    Ok(python)
}
