//! `tidegate apply`.

use std::path::PathBuf;

use super::made::{make, rehearse, tell};
use crate::failure::Failure;
use crate::manifests;
use crate::output::Output;
use crate::rest::Rest;

/// Arguments of `tidegate apply`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Manifests: a file, a folder of them, or `-` for standard input.
    #[arg(long = "filename", short = 'f', value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Say what would come of it, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Show how each zone differs from what is there.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// Everything is read before anybody is asked, and everybody is asked before anything is changed.
    pub(crate) fn run(self, rest: impl FnOnce() -> Result<Rest, Failure>) -> anyhow::Result<()> {
        let manifests = manifests::read(&self.files)?;
        let rest = rest()?;
        let rehearsed = rehearse(&rest, &manifests, self.diff)?;
        if self.dry_run {
            return tell(&rehearsed, self.output.format);
        }
        let (made, failure) = make(&rest, &manifests, rehearsed);
        tell(&made, self.output.format)?;
        failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}
