//! `cargo xtask kafka up`: the cluster of the tests, for a person.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::command;

/// Arguments of `cargo xtask kafka`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Starts a cluster, prints how to reach it, and keeps it until Ctrl-C
    Up {
        /// Options of the cluster: --version 4.1.1|3.9.1 --brokers 1|3 --protocol
        /// PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL --authorizer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

/// The cluster lives in the harness, which this crate does not link: `cargo xtask check` stays quick to build.
///
/// This process becomes the harness, so that Ctrl-C reaches exactly one that cleans up.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let Verb::Up { options } = &args.verb;
    let mut cargo =
        command::cargo(["run", "--quiet", "--package", "tidegate-e2e", "--bin", "kafka-up", "--"]);
    Err(cargo.args(options).exec()).context("starting cargo")
}
