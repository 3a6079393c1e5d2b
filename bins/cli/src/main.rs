//! The command line of Tidegate: parses, composes, maps exit codes.

mod mirror;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Zones, shares and links of Tidegate.
#[derive(Parser)]
#[command(name = "tidegate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Mirror topics.
    #[command(subcommand)]
    Mirror(mirror::Command),
}

fn main() -> ExitCode {
    let Arguments { command: Command::Mirror(command) } = Arguments::parse();
    match mirror::run(command) {
        Ok(code) => code,
        Err(error) => {
            // The one place where text goes out past the commands' own output: a person or a script reads it.
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}
