//! `tidegate credentials revoke`.

use std::io::{self, Write};

use clap::Args;
use tidegate_core::CredentialId;

use super::{Zone, all, called, find, last_used};
use crate::confirm::confirm;
use crate::output::on_one_line;
use crate::rest::Rest;

/// Arguments of `tidegate credentials revoke`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    zone: Zone,
    /// Its id, as `tidegate credentials list` tells it.
    #[arg(value_parser = CredentialId::parse)]
    id: CredentialId,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

impl Arguments {
    /// It is looked up first, so that whoever is asked knows what it is about.
    pub(super) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { zone: Zone { zone }, id, yes } = self;
        let all = all(rest, &zone)?;
        let credential = find(&all, &zone, id.as_str())?;
        let (called, used) = (called(credential), last_used(credential));
        let question = format!(
            "Revoke credential {called} of zone {zone}, {used}? Connections that logged in with it are cut off."
        );
        confirm(&on_one_line(&question), yes)?;
        rest.revoke_credential(&zone, &id)?;
        Ok(writeln!(io::stdout(), "{id} revoked")?)
    }
}
