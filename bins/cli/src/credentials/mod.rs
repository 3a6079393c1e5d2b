//! `tidegate credentials`: passwords of the accounts that partners log in with. Several are good at once, so that a partner
//! can change over.

mod create;
mod list;
mod new;
mod revoke;
mod rotate;

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use serde::Deserialize;
use tidegate_core::ZoneName;
use tidegate_core::records::Moment;

use crate::failure::Failure;
use crate::rest::{Credential, Rest};

pub(crate) use new::lost;

/// What can be done with the passwords of a zone's account.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the passwords, without themselves, and when they were last in use.
    List(list::Arguments),
    /// Makes one more password and prints it, once; those before stay good.
    Create(create::Arguments),
    /// Takes a password away: connections that logged in with it are cut off.
    Revoke(revoke::Arguments),
    /// Makes a new password and says which old ones are still good, and how to take them away.
    Rotate(rotate::Arguments),
}

/// A zone.
#[derive(Args)]
pub(crate) struct Zone {
    /// The zone.
    #[arg(value_parser = ZoneName::parse)]
    zone: ZoneName,
}

impl Command {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        match self {
            Self::List(it) => it.run(rest),
            Self::Create(it) => it.run(rest),
            Self::Revoke(it) => it.run(rest),
            Self::Rotate(it) => it.run(rest),
        }
    }
}

/// Every credential of a zone's account, as far as this version reads them.
fn all(rest: &Rest, zone: &ZoneName) -> Result<Vec<Credential>, Failure> {
    rest.credentials(zone)?.iter().map(read).collect()
}

fn read(credential: &serde_json::Value) -> Result<Credential, Failure> {
    Credential::deserialize(credential).map_err(|error| {
        Failure::Refused(format!("a credential of the answer is none of a gateway: {error}"))
    })
}

/// The credential that is meant.
fn find<'a>(all: &'a [Credential], zone: &ZoneName, id: &str) -> Result<&'a Credential, Failure> {
    all.iter().find(|credential| credential.id == id).ok_or_else(|| {
        Failure::NotFound(format!(
            "zone `{zone}` has no credential `{id}`; `tidegate credentials list {zone}` lists those that it has"
        ))
    })
}

/// Its id, and what people call it.
fn called(credential: &Credential) -> String {
    match credential.label.as_str() {
        "" => credential.id.clone(),
        label => format!("{} ({label})", credential.id),
    }
}

/// When it was in use, in a sentence.
fn last_used(credential: &Credential) -> String {
    match credential.last_time_used.as_str() {
        "" => "not in use lately".to_owned(),
        time => format!("last in use {time}"),
    }
}

/// By the clock of this machine.
fn is_good(credential: &Credential) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment::default().plus_seconds(since.as_secs());
    // Both are written in the same way, so their text is in the order of time.
    credential.expires_at.is_empty() || credential.expires_at > now.to_rfc3339()
}
