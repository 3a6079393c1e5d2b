//! `tidegate mirror`.

mod links;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

/// What can be done with mirror topics.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Holds mirror topics against their sources, record by record, from the logs of both clusters, and says what they are worth.
    ///
    /// The exit code is 0 if all are exact (with fillers or without), 2 if one is not, and 1 if it cannot be found out.
    Verify(verify::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
    }
}
