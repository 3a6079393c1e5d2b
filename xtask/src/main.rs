//! The project's own commands; `cargo xtask help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool for developers")]

mod bench;
mod check;
mod command;
mod fillers;
mod fuzz;
mod instructions;
mod kafka;
mod layering;
mod schema;
mod seed;
mod soak;
mod suite;
mod tally;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tidegate's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Formatting, lints, documentation, licences, and the rules of who may depend on whom
    Check(check::Args),
    /// Every test at CI size; the last line is `N passed, N failed, N skipped`
    Test(suite::Args),
    /// One test file at bar size, written to docs/measured
    Soak(soak::Args),
    /// The gateway side by side with a bare TCP proxy and haproxy, or with nothing between
    Bench(bench::Args),
    /// Instructions per partition of rewriting a Fetch answer, against a checked-in baseline
    Instructions(instructions::Args),
    /// The guard's tables, made from Kafka's message definitions
    Schema(schema::Args),
    /// The table of fillers: makes what is missing, and never alters what is there
    Fillers(fillers::Args),
    /// Fuzz targets, briefly or for longer
    Fuzz(fuzz::Args),
    /// Real Apache Kafka for a person at a terminal
    Kafka(kafka::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Check(args) => check::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Test(args) => suite::run(&args),
        Task::Soak(args) => soak::run(&args),
        Task::Bench(args) => bench::run(args).map(|()| ExitCode::SUCCESS),
        Task::Instructions(args) => instructions::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Schema(args) => schema::run(&args.jar, &args.out, args.check).map(|()| ExitCode::SUCCESS),
        Task::Fillers(args) => fillers::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Fuzz(args) => fuzz::run(&args).map(|()| ExitCode::SUCCESS),
        Task::Kafka(args) => kafka::run(&args),
    }
}
