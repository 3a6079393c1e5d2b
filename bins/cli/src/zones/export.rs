//! `tidegate export`: every zone as somebody would write it, without what belongs to this gateway alone.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tidegate_core::document::MAX_TEXT_BYTES;
use tidegate_core::{ZoneManifest, render_zone};

use crate::failure::Failure;
use crate::rest::Rest;

/// Arguments of `tidegate export`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write a file for each zone into this folder, in place of all of them to standard output.
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let manifests = rest.manifests()?;
        match self.folder {
            Some(folder) => to_folder(&folder, &manifests),
            None => to_stdout(&manifests),
        }
    }
}

fn to_stdout(manifests: &[ZoneManifest]) -> anyhow::Result<()> {
    let texts: Vec<String> = manifests.iter().filter_map(|manifest| render_zone(&manifest.spec)).collect();
    let text = texts.join("---\n");
    io::stdout().write_all(text.as_bytes())?;
    if text.len() > MAX_TEXT_BYTES {
        writeln!(io::stderr(), "this is longer than `apply` and `import` take in one piece; use `--folder`")?;
    }
    Ok(())
}

fn to_folder(folder: &Path, manifests: &[ZoneManifest]) -> anyhow::Result<()> {
    let cannot = |path: &Path, error: &io::Error| {
        Failure::Here(format!("{}: cannot write the manifest: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    let file = |manifest: &ZoneManifest| folder.join(format!("{}.yaml", manifest.spec.name()));
    // A mix of two exports would be nobody's.
    if let Some(there) = manifests.iter().map(file).find(|path| path.exists()) {
        let what = format!("{}: is there already; export into an empty folder", there.display());
        return Err(Failure::Here(what).into());
    }
    for manifest in manifests {
        let (path, text) = (file(manifest), render_zone(&manifest.spec).unwrap_or_default());
        fs::write(&path, text).map_err(|error| cannot(&path, &error))?;
    }
    Ok(writeln!(io::stdout(), "{} zones in {}", manifests.len(), folder.display())?)
}
