//! `cargo xtask bench`: what is measured against a bar of speed, CPU or memory.
//!
//! Every figure comes from alternating rounds (A B C, A B C, ...) in one run, and what is compared with a bar
//! is the median of the paired ratios: what the machine does meanwhile meets all of them alike. CPU time is
//! read from the scheduler's nanosecond counters of a process's threads.

#![allow(clippy::print_stdout, reason = "a command: its answer goes to standard output")]

mod bar;
mod build;
mod cpu;
mod gateway;
mod mirror;
mod process;
mod rounds;
mod stats;
mod talk;
mod words;

use anyhow::Result;
use clap::Subcommand;

/// Arguments of `cargo xtask bench`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    subject: Subject,
}

/// What is measured.
#[derive(Clone, Debug, Subcommand)]
enum Subject {
    /// The gateway against a bare TCP proxy, haproxy and no proxy at all
    Gateway(gateway::Args),
    /// The mirror against a copier that does nothing else, and against MirrorMaker 2
    Mirror(mirror::Args),
}

/// Runs the benches of one subject and prints their figures.
pub(crate) fn run(args: Args) -> Result<()> {
    match args.subject {
        Subject::Gateway(args) => gateway::run(&args),
        Subject::Mirror(args) => mirror::run(&args),
    }
}
