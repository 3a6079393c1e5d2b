//! `tidegate get`.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::ZoneName;

use crate::failure::Failure;
use crate::output::{Format, Output, Table, day_and_time};
use crate::rest::{Rest, Zone};

/// What can be listed.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Partner zones: all of them, or one.
    #[command(visible_alias = "zone")]
    Zones(Zones),
}

/// Arguments of `tidegate get zones`.
#[derive(Args)]
pub(crate) struct Zones {
    /// One zone; `apply` takes what is printed of it again.
    #[arg(value_parser = ZoneName::parse)]
    name: Option<ZoneName>,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self::Zones(Zones { name, output: Output { format } }) = self;
        let is_one = name.is_some();
        let mut zones = match name {
            Some(name) => vec![rest.zone(&name)?],
            None => rest.zones()?,
        };
        match (format, is_one) {
            (Format::Table, _) => Ok(write!(io::stdout(), "{}", table(&zones)?)?),
            // Whoever asked for one gets no list of one.
            (_, true) => zones.pop().map_or(Ok(()), |zone| format.print(&zone)),
            (_, false) => format.print_each(zones),
        }
    }
}

/// A zone as a gateway tells it.
pub(super) fn read(zone: &Value) -> Result<Zone, Failure> {
    Zone::deserialize(zone)
        .map_err(|error| Failure::Refused(format!("a zone of the answer is none of a gateway: {error}")))
}

fn table(zones: &[Value]) -> Result<Table, Failure> {
    let mut table = Table::new(["NAME", "URL", "TOPICS", "GATEWAY", "STATUS", "UPDATED"]);
    for zone in zones {
        let Zone { metadata, spec } = read(zone)?;
        let (topics, updated) = (spec.topics.len().to_string(), day_and_time(&metadata.updated_at));
        table.row([&metadata.name, &spec.url, &topics, &spec.cluster, &metadata.status, &updated]);
    }
    Ok(table)
}
