//! The gateway daemon: parses the command line, starts the gateway, maps errors to exit codes.

mod account;
mod admin;
mod audit_file;
mod first_token;
mod serve;
mod store;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Shows outside partners their zone of a Kafka cluster, and nothing else of it.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// The configuration file; see docs/configuration.md.
    #[arg(long, short, default_value = "tidegate.yaml")]
    config: PathBuf,
    /// Read the configuration, the zones and the accounts, report every mistake, and stop.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes, lists and removes the accounts that partners log in with.
    #[command(subcommand)]
    Account(account::Command),
    /// Zones and accounts in the store that the configuration names; see docs/store.md.
    #[command(subcommand)]
    Store(store::Command),
    /// Tokens that operators call the REST with; see docs/admin.md.
    #[command(subcommand)]
    Token(token::Command),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Account(command)) => account::run(command),
        Some(Command::Store(command)) => store::run(command),
        Some(Command::Token(command)) => token::run(command),
        None if arguments.check => serve::check(&arguments.config),
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
