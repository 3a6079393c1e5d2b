//! The project's own commands; `cargo xtask help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool for developers")]

mod command;
mod kafka;

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
        Task::Kafka(args) => kafka::run(&args),
    }
}
