//! What is made of the commands themselves: completions for shells, and manual pages.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::command;

/// Arguments of `tidegate completions`.
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `tidegate man`.
#[derive(clap::Args)]
pub(crate) struct Man {
    /// The folder to write a page for each command into.
    folder: PathBuf,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command::Arguments::command(), "tidegate", &mut text);
        Ok(io::stdout().write_all(&text)?)
    }
}

impl Man {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self { folder } = self;
        let write = || {
            std::fs::create_dir_all(&folder)?;
            clap_mangen::generate_to(command::Arguments::command(), &folder)
        };
        write().with_context(|| format!("{}: cannot write the manual pages", folder.display()))
    }
}
