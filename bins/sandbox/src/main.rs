//! `tidegate-sandbox`: a broker, a gateway and a sample zone in one process, to try Tidegate without a Kafka.
//!
//! The order of start is the order of what may fail: reach the cluster, look for the ports, create the
//! sample topics, write the folder, start the gateway, print the commands. Nothing outlives the process
//! but the sample topics of an `--upstream` Kafka and a folder that `--keep-dir` asked to keep.

mod accounts;
mod broker;
mod gateway;
mod instructions;
mod kafka;
mod options;
mod ports;
mod sandbox;
mod seed;
mod setup;

use std::io::{Write as _, stderr};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    log_warnings_to_stderr();
    match sandbox::run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr must not turn the exit code into a panic.
            drop(writeln!(stderr(), "tidegate-sandbox: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The printed commands are what the person reads, so logs stay quiet unless `RUST_LOG` asks for more.
fn log_warnings_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG_FILTER));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).init();
}

/// The embedded broker logs each closed connection as an error, which would alarm for nothing.
const DEFAULT_LOG_FILTER: &str = "warn,tansu_broker=off,tansu_service=off,tansu_storage=off";
