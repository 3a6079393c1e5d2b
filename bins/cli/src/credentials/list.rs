//! `tidegate credentials list`.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::{Zone, is_good, read};
use crate::output::{Format, Output, Table, day_and_time};
use crate::rest::{Credential, Rest};

/// Arguments of `tidegate credentials list`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { zone: Zone { zone }, output: Output { format } } = self;
        let credentials = rest.credentials(&zone)?;
        if format != Format::Table {
            return format.print(&Value::Array(credentials));
        }
        let mut table = Table::new(["ID", "LABEL", "CREATED", "EXPIRES", "LAST USED"]);
        for credential in &credentials {
            let credential = read(credential)?;
            let [created, used] =
                [&credential.created_at, &credential.last_time_used].map(|time| or_none(&day_and_time(time)));
            table.row([
                &credential.id,
                &or_none(&credential.label),
                &created,
                &or_none(&expires(&credential)),
                &used,
            ]);
        }
        Ok(write!(io::stdout(), "{table}")?)
    }
}

fn expires(credential: &Credential) -> String {
    let time = day_and_time(&credential.expires_at);
    if is_good(credential) { time } else { format!("{time} (expired)") }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}
