//! A password that is made now, and reaches whoever it is for before anything else is done.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tidegate_core::{Label, ZoneName};

use crate::destination::Destination;
use crate::failure::Failure;
use crate::output::{Format, Output, on_one_line};
use crate::rest::{CreatedCredential, Rest, WantedCredential};

/// What may be said about a new password, and where it goes.
#[derive(Args)]
pub(crate) struct New {
    /// What people call it.
    #[arg(long, value_name = "TEXT", value_parser = Label::parse)]
    pub(super) label: Option<Label>,
    /// Days after which it opens nothing any more; never unless it is given.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
    /// Write it to this new file, which nobody else may read, in place of standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// A password that was made and written out.
pub(super) struct Made {
    pub(super) id: String,
    /// What there is to tell of it, but for itself.
    pub(super) told: String,
}

impl New {
    /// Makes it and writes it out; programs are told `more` with it.
    pub(super) fn make(self, rest: &Rest, zone: &ZoneName, more: Map<String, Value>) -> anyhow::Result<Made> {
        let Self { label, expires_in_days, to, output: Output { format } } = self;
        let mut destination = Destination::open(to)?;
        let wanted = WantedCredential { label: label.as_ref().map(Label::as_str), expires_in_days };
        let made = rest.create_credential(zone, &wanted).inspect_err(|_| destination.discard())?;
        let text = text(&made, zone, format, more)?;
        destination.write(&text).map_err(|error| lost(zone, &made.id, &error))?;
        Ok(Made { told: told(&made, zone, destination.path()), id: made.id })
    }
}

/// It was made and nobody saw it.
pub(crate) fn lost(zone: &ZoneName, id: &str, error: &io::Error) -> Failure {
    let id = on_one_line(id);
    Failure::Here(format!(
        "the password cannot be written: {error}; it is lost, so take it away: `tidegate credentials revoke {zone} {id}`"
    ))
}

/// The password alone goes out for people, for `PASSWORD=$(tidegate credentials create ...)`.
fn text(
    made: &CreatedCredential,
    zone: &ZoneName,
    format: Format,
    more: Map<String, Value>,
) -> anyhow::Result<SecretString> {
    let password = made.password.expose_secret();
    if format == Format::Table {
        return Ok(SecretString::from(format!("{password}\n")));
    }
    let fields = [("zone", zone.as_str()), ("id", &made.id), ("password", password)];
    let end = Some(("expiresAt", made.expires_at.as_str())).filter(|(_, time)| !time.is_empty());
    let fields = fields.into_iter().chain(end).map(|(key, text)| (key.to_owned(), Value::from(text)));
    Ok(SecretString::from(format.text(&Value::Object(fields.chain(more).collect()))?))
}

fn told(made: &CreatedCredential, zone: &ZoneName, file: Option<&Path>) -> String {
    let ends = if made.expires_at.is_empty() { "never" } else { &made.expires_at };
    let place = file.map_or("shown this once".to_owned(), |path| format!("in {} alone", path.display()));
    format!("credential {} of zone {zone}, ends {ends}; it is {place}", made.id)
}
