//! `tidegate delete`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidegate_core::ZoneName;

use crate::confirm::confirm;
use crate::failure::Failure;
use crate::manifests;
use crate::rest::Rest;

/// What can be deleted.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Partner zones with their accounts and passwords.
    #[command(visible_alias = "zones")]
    Zone(Zones),
}

/// Arguments of `tidegate delete zone`.
#[derive(Args)]
pub(crate) struct Zones {
    /// The zones.
    #[arg(value_parser = ZoneName::parse, value_name = "NAME", required_unless_present = "filename")]
    names: Vec<ZoneName>,
    /// The zones of these manifests: a file, a folder, or `-` for standard input (with `--yes`).
    #[arg(id = "filename", long = "filename", short = 'f', value_name = "FILE", conflicts_with = "names")]
    files: Vec<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

impl Command {
    /// All of them are looked up, and then asked about, before the first one goes.
    pub(crate) fn run(self, rest: impl FnOnce() -> Result<Rest, Failure>) -> anyhow::Result<()> {
        let Self::Zone(Zones { mut names, files, yes }) = self;
        if !files.is_empty() {
            names =
                manifests::read(&files)?.into_iter().map(|manifest| manifest.spec.name().clone()).collect();
        }
        let rest = rest()?;
        for name in &names {
            rest.zone(name)?;
        }
        confirm(&question(&names), yes)?;
        for name in &names {
            rest.delete(name)?;
            writeln!(io::stdout(), "{name} deleted")?;
        }
        Ok(())
    }
}

fn question(names: &[ZoneName]) -> String {
    const WHAT: &str = "Whoever is connected is cut off, and the passwords are gone for good.";
    match names {
        [name] => format!("Delete zone {name} with its account? {WHAT}"),
        names => {
            let list: Vec<String> = names.iter().map(ToString::to_string).collect();
            format!("Delete {} zones with their accounts ({})? {WHAT}", names.len(), list.join(", "))
        }
    }
}
