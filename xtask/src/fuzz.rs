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
        None => targets()?,
    };
    write_seeds()?;
    for target in &targets {
        command::run(&mut fuzzer(target, args.seconds)?).with_context(|| broken(target))?;
    }
    println!("{} targets, {} s each, nothing found", targets.len(), args.seconds);
    Ok(())
}

/// Every target.
pub(crate) fn targets() -> Result<Vec<String>> {
    let targets: Vec<_> = command::output(cargo_fuzz()?.arg("list"))?.lines().map(str::to_owned).collect();
    ensure!(!targets.is_empty(), "fuzz has no targets");
    Ok(targets)
}

/// Builds all targets.
pub(crate) fn build() -> Result<()> {
    command::run(cargo_fuzz()?.arg("build"))
}

/// Puts the seeds beside what earlier runs have found; a fuzzer would need days to find them by itself.
pub(crate) fn write_seeds() -> Result<()> {
    command::run(&mut stable(["run", "--example", "seeds", "--", "fuzz/corpus"]))
}

/// One target for so long. No honest input is near the limits, so a length that sizes an allocation is a find.
pub(crate) fn fuzzer(target: &str, seconds: u32) -> Result<Command> {
    let mut fuzz = cargo_fuzz()?;
    fuzz.args(["run", target, "--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
    fuzz.args(["-max_len=16384", "-malloc_limit_mb=64", "-rss_limit_mb=1024", "-timeout=10"]);
    Ok(fuzz)
}

/// Where to look.
pub(crate) fn broken(target: &str) -> String {
    format!("the input that broke {target} lies in fuzz/artifacts/{target}")
}

/// A cargo command in the workspace of the targets, on the pinned toolchain, without a fuzzer.
pub(crate) fn stable<const N: usize>(args: [&str; N]) -> Command {
    let (command, rest) = args.split_first().unwrap_or((&"check", &[]));
    let mut cargo =
        command::cargo([*command, "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"]);
    cargo.arg(command::target().join("fuzz")).args(rest);
    cargo
}

/// Cargo's proxy picks the nightly, so the toolchain that runs this task must not be inherited.
fn cargo_fuzz() -> Result<Command> {
    let fuzz = command::root().join("fuzz");
    ensure!(fuzz.is_dir(), "{} is missing", fuzz.display());
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "fuzz"]).current_dir(command::root()).env_remove("RUSTUP_TOOLCHAIN");
    Ok(cargo)
}
