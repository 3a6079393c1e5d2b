//! The command line of Tidegate: parses, composes, maps exit codes.

mod client_config;
mod command;
mod confirm;
mod contexts;
mod credentials;
mod destination;
mod failure;
mod manifests;
mod mirror;
mod output;
mod pages;
mod rest;
mod token;
mod zones;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match command::Arguments::parse().run() {
        Ok(code) => code,
        // Whoever reads has seen enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // The one place where text goes out past the commands' own output: a person or a script reads it.
            let _ = writeln!(io::stderr(), "{error:#}");
            failure::exit_code(&error)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
