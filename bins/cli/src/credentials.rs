//! `tidegate credentials`.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;
use tidegate_core::ZoneName;

use crate::output::{Format, Output};
use crate::rest::Rest;

/// What can be done with the passwords of a zone's account.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes one more password and prints it, once; those before stay good.
    Create(Zone),
}

/// A zone.
#[derive(Args)]
pub(crate) struct Zone {
    /// The zone.
    #[arg(value_parser = ZoneName::parse)]
    zone: ZoneName,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self::Create(Zone { zone, output: Output { format } }) = self;
        let password = rest.generate_credentials(&zone)?;
        match format {
            Format::Table => Ok(writeln!(io::stdout(), "{}", password.expose_secret())?),
            _ => format.print(&json!({"zone": zone.as_str(), "password": password.expose_secret()})),
        }
    }
}
