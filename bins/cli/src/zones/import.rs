//! `tidegate import`: an export, into another gateway.
//!
//! Where `apply` makes what is there as it is wanted, an import must not run into what somebody else made: a zone of the
//! same name that is another one stops it before anything is made.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

use tidegate_core::{ZoneManifest, ZoneName};

use super::made::{Made, make, rehearse, tell};
use crate::failure::Failure;
use crate::manifests;
use crate::output::Output;
use crate::rest::{Applied, Rest};

/// Arguments of `tidegate import`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What `tidegate export` wrote: a file, a folder, or `-` for standard input.
    #[arg(long = "filename", short = 'f', value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Say what would come of it, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    pub(crate) fn run(self, rest: impl FnOnce() -> Result<Rest, Failure>) -> anyhow::Result<()> {
        let mut manifests = manifests::read(&self.files)?;
        // Of the gateway that it came from.
        manifests.iter_mut().for_each(|manifest| manifest.revision = None);
        let rest = rest()?;
        refuse_others(&rest, &manifests)?;
        let rehearsed = rehearse(&rest, &manifests, false)?;
        if self.dry_run {
            return tell(&rehearsed, self.output.format);
        }
        let (made, failure) = make(&rest, &manifests, rehearsed);
        tell(&made, self.output.format)?;
        tell_of_passwords(&made)?;
        failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

fn refuse_others(rest: &Rest, wanted: &[ZoneManifest]) -> Result<(), Failure> {
    let there: HashMap<ZoneName, ZoneManifest> =
        rest.manifests()?.into_iter().map(|there| (there.spec.name().clone(), there)).collect();
    let others = wanted.iter().filter_map(|wanted| {
        let name = wanted.spec.name();
        let there = there.get(name)?;
        let is_another = there.spec != wanted.spec;
        is_another.then(|| {
            format!("zone `{name}` is there already and is another one; rename it, or use `tidegate apply`")
        })
    });
    let others: Vec<String> = others.collect();
    match others.is_empty() {
        true => Ok(()),
        false => Err(Failure::Conflict(format!("{}\nnothing was changed", others.join("\n")))),
    }
}

fn tell_of_passwords(made: &[Made]) -> io::Result<()> {
    if made.iter().any(|made| made.applied == Applied::Created) {
        writeln!(
            io::stderr(),
            "passwords are in no export: `tidegate credentials create ZONE` makes one for each new zone"
        )?;
    }
    Ok(())
}
