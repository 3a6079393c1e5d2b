//! Where things lie: the checkout, the build tree, and the scratch folders of a run.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use anyhow::{Context, Result};

/// The `e2e` folder of the checkout.
pub fn e2e() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's build tree: everything the harness downloads or builds goes below it.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => e2e().parent().expect("e2e lies in the workspace").join("target"),
    }
}

/// A fresh scratch folder of this process, named after `label`.
///
/// Folders of processes that no longer live are swept first, so that a test killed with `kill -9` leaves
/// nothing for longer than until the next run.
pub fn scratch(label: &str) -> Result<tempfile::TempDir> {
    let root = target().join("e2e-run");
    sweep(&root);
    let own = root.join(process::id().to_string());
    fs::create_dir_all(&own).with_context(|| format!("creating {}", own.display()))?;
    tempfile::Builder::new()
        .prefix(&format!("{label}-"))
        .tempdir_in(&own)
        .with_context(|| format!("creating a folder in {}", own.display()))
}

fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let alive = Path::new("/proc").join(entry.file_name()).exists();
        if !alive {
            // Another test process may be sweeping the same folder: whoever comes second finds nothing.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
