//! `tidegate credentials rotate`: a new password first, and the old one goes when the new one is in hand.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Map, Value};
use tidegate_core::{CredentialId, Label, ZoneName};

use super::new::{Made, New};
use super::{Zone, all, called, find, is_good, last_used};
use crate::output::{Format, on_one_line};
use crate::rest::{Credential, Rest};

/// Arguments of `tidegate credentials rotate`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    zone: Zone,
    /// The one that the new one is in place of; it has the same label then, unless another one is given.
    #[arg(value_parser = CredentialId::parse)]
    id: Option<CredentialId>,
    /// Take the old one away when the new one is written out; connections that logged in with it are cut off.
    #[arg(long, requires = "id")]
    revoke_old: bool,
    #[command(flatten)]
    new: New,
}

impl Arguments {
    pub(super) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { zone: Zone { zone }, id, revoke_old, mut new } = self;
        let before = all(rest, &zone)?;
        if let Some(id) = &id {
            let old = find(&before, &zone, id.as_str())?;
            // Somebody at a gateway's own command line may have called it what is no label here.
            new.label = new.label.take().or_else(|| Label::parse(&old.label).ok());
        }
        let mut good: Vec<&Credential> = before.iter().filter(|credential| is_good(credential)).collect();
        let format = new.output.format;
        let made = new.make(rest, &zone, others(&good))?;
        let revoked = id.filter(|_| revoke_old);
        if let Some(old) = &revoked {
            revoke(rest, &zone, old, &made)?;
            good.retain(|credential| credential.id != old.as_str());
        }
        match format {
            Format::Table => tell(&zone, &made, revoked.as_ref(), &good),
            _ => Ok(()),
        }
    }
}

/// For programs: those beside the new one that are good when it is written out.
fn others(good: &[&Credential]) -> Map<String, Value> {
    let ids = good.iter().map(|credential| Value::from(credential.id.as_str()));
    Map::from_iter([("others".to_owned(), Value::Array(ids.collect()))])
}

fn revoke(rest: &Rest, zone: &ZoneName, old: &CredentialId, made: &Made) -> anyhow::Result<()> {
    let revoked = rest.revoke_credential(zone, old);
    revoked.map_err(|failure| {
        let new = on_one_line(&made.id);
        failure.map(|what| {
            format!("credential {new} is made and written, but `{old}` may still be good: {what}")
        })
    })?;
    Ok(())
}

fn tell(
    zone: &ZoneName,
    made: &Made,
    revoked: Option<&CredentialId>,
    good: &[&Credential],
) -> anyhow::Result<()> {
    let mut out = io::stderr().lock();
    writeln!(out, "{}", on_one_line(&made.told))?;
    if let Some(id) = revoked {
        writeln!(out, "{id} revoked")?;
    }
    for old in good {
        let (called, used, id) = (called(old), last_used(old), &old.id);
        let line = format!(
            "{called} is still good, {used}; when nobody needs it any more: `tidegate credentials revoke {zone} {id}`"
        );
        writeln!(out, "{}", on_one_line(&line))?;
    }
    Ok(())
}
