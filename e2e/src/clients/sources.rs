//! The sources of a client program, so that it is built again when one of them changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The files below a folder, sorted; what a package manager put there is no source.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if !path.is_dir() {
            found.push(path);
        } else if path.file_name().is_some_and(|name| name != "node_modules") {
            found.extend(files(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// Names and contents, for [`crate::once::once`].
pub(super) fn key(files: &[PathBuf]) -> Result<String> {
    let mut key = String::new();
    for file in files {
        key += &file.display().to_string();
        key += &fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    }
    Ok(key)
}
