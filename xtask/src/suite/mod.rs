//! `cargo xtask test`: every test of the default members, counted.

mod binaries;
mod lanes;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::seed::Seed;
use crate::tally::{ExpectedSkips, Tally};
use crate::{command, fuzz};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    seed: Seed,
    /// Passed on to `cargo test`, for instance `-p tidegate-wire`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

/// Builds the programs and the examples that the end-to-end tests start, runs all tests, and ends with the count alone on a line.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let seed = args.seed.print();
    build_programs()?;
    let mut tally = if args.cargo.is_empty() { run_all(seed)? } else { run_some(seed, &args.cargo)? };
    if !command::exists("kcat", "-V") {
        tally.skip("the client kcat in tidegate-e2e");
    }
    let unexpected = tally.unexpected_skips(&ExpectedSkips::read()?);
    for name in &unexpected {
        println!("unexpected skip: {name}");
    }
    println!("{seed}");
    println!("{tally}");
    Ok(if tally.is_success() && unexpected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Several binaries at once, since most of them wait for brokers most of the time; the fuzz targets, a workspace of their own, at the end.
fn run_all(seed: Seed) -> Result<Tally> {
    let mut tally = lanes::run(binaries::build()?, seed)?;
    let mut documentation = command::cargo(["test", "--locked", "--no-fail-fast", "--doc"]);
    seed.set(&mut documentation);
    tally.add(run_tests(&mut documentation, |_| {})?);
    tally.add(run_tests(&mut fuzz::stable(["test", "--tests"]), |_| {})?);
    Ok(tally)
}

/// What somebody asked for, in Cargo's order and as it comes.
fn run_some(seed: Seed, cargo: &[String]) -> Result<Tally> {
    let mut test = command::cargo(["test", "--locked", "--no-fail-fast"]);
    seed.set(test.args(cargo));
    run_tests(&mut test, |_| {})
}

/// The end-to-end tests start programs as an operator does, and the examples as a reader does.
pub(crate) fn build_programs() -> Result<()> {
    command::run(&mut command::cargo([
        "build",
        "--locked",
        "--package",
        "tidegate-gateway-bin",
        "--package",
        "tidegate-mirror-bin",
        "--package",
        "tidegate-cli",
        "--package",
        "tidegate-examples",
    ]))
}

/// Runs `cargo test`, shows its output, also to `see`, and counts. A binary that crashes prints no count:
/// Cargo's own exit code is part of the result.
pub(crate) fn run_tests(cargo: &mut Command, mut see: impl FnMut(&str)) -> Result<Tally> {
    let text = command::text(cargo);
    eprintln!("> {text}");
    let mut child = cargo.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {text}"))?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().context("the output is piped")?).lines() {
        let line = line.with_context(|| format!("reading what {text} prints"))?;
        println!("{line}");
        tally.read(&line);
        see(&line);
    }
    let status = child.wait().with_context(|| format!("waiting for {text}"))?;
    tally.end(status.success());
    Ok(tally)
}
