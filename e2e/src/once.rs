//! Work that several test processes want done once: downloads, compilations, virtual environments.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

/// Runs `make` unless `dir` already holds the result of the same `key`, under a lock between processes.
///
/// `make` gets an empty folder at its final place (a virtual environment cannot be moved); a stamp with the
/// key is written last, so an interrupted run starts again.
pub fn once(dir: &Path, key: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = dir.parent().context("the folder has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    let lock_path = dir.with_extension("lock");
    let lock = File::create(&lock_path).with_context(|| format!("creating {}", lock_path.display()))?;
    lock.lock().with_context(|| format!("locking {}", lock_path.display()))?;

    let stamp = dir.join(".stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == key) {
        return Ok(());
    }
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("emptying {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    make(dir)?;
    fs::write(&stamp, key).with_context(|| format!("writing {}", stamp.display()))
}
