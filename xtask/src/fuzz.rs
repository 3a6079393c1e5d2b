//! `cargo xtask fuzz`: every fuzz target for a while.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target; all of them when left out
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 30)]
    seconds: u32,
}

/// Needs cargo-fuzz and a nightly toolchain.
pub(crate) fn run(args: &Args) -> Result<()> {
    let targets = match &args.target {
        Some(target) => vec![target.clone()],
        None => command::output(cargo_fuzz()?.arg("list"))?.lines().map(str::to_owned).collect(),
    };
    ensure!(!targets.is_empty(), "fuzz has no targets");
    for target in &targets {
        let limit = format!("-max_total_time={}", args.seconds);
        command::run(cargo_fuzz()?.args(["run", target, "--", &limit]))
            .with_context(|| format!("the input that broke {target} lies in fuzz/artifacts/{target}"))?;
    }
    println!("{} targets, {} s each, nothing found", targets.len(), args.seconds);
    Ok(())
}

/// Cargo's proxy picks the nightly, so the toolchain that runs this task must not be inherited.
fn cargo_fuzz() -> Result<Command> {
    let fuzz = command::root().join("fuzz");
    ensure!(fuzz.is_dir(), "{} is missing", fuzz.display());
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "fuzz"]).current_dir(command::root()).env_remove("RUSTUP_TOOLCHAIN");
    Ok(cargo)
}
