//! `tidegate credentials create`.

use std::io::{self, Write};

use clap::Args;
use serde_json::Map;

use super::Zone;
use super::new::New;
use crate::output::{Format, on_one_line};
use crate::rest::Rest;

/// Arguments of `tidegate credentials create`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    new: New,
}

impl Arguments {
    pub(super) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { zone: Zone { zone }, new } = self;
        let format = new.output.format;
        let made = new.make(rest, &zone, Map::new())?;
        match format {
            Format::Table => Ok(writeln!(io::stderr(), "{}", on_one_line(&made.told))?),
            _ => Ok(()),
        }
    }
}
