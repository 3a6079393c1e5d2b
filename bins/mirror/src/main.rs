//! The mirror daemon: parses the command line, starts the links, maps errors to exit codes.

mod fleet;
mod http;
mod resume;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Copies topics from one Kafka cluster to another, each record at its offset.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// The configuration file; see docs/mirror.md.
    #[arg(long, short, default_value = "tidegate-mirror.yaml")]
    config: PathBuf,
    /// Read the configuration, report every mistake, and stop.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Lets a mirror topic that has FAILED go on, after somebody has seen to it.
    Resume(resume::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Resume(arguments)) => resume::run(&arguments),
        None if arguments.check => {
            tidegate_mirror::config::load(&arguments.config).map(|_| ()).map_err(Into::into)
        }
        None => serve::run(&arguments.config),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The one place where text goes out past the log: a person or a service manager reads it.
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}
