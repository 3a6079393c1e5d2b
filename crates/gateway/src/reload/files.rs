//! How files look from outside, to find out cheaply whether one has changed.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Config;
use crate::desired::manifests;

/// How all files of a configuration look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<PathBuf, Option<Look>>);

/// How one file looks; links are followed, so another target is another look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    size: u64,
    identity: Identity,
}

impl Files {
    /// Looks at the configuration file and at everything that it names.
    pub(super) fn look(config: &Config, path: Option<&Path>) -> Self {
        let manifests = manifests(&config.zones_folder, &mut Vec::new());
        let named = config.files.iter().chain([&config.accounts_file]).cloned();
        let all = path.map(Path::to_path_buf).into_iter().chain(named).chain(manifests);
        Self(all.map(|path| (path.clone(), Look::at(&path))).collect())
    }

    /// With the files of `config` that were not among them yet.
    pub(super) fn extended(&self, config: &Config) -> Self {
        let mut all = Self::look(config, None).0;
        for (path, look) in &self.0 {
            // What only the configuration before has named is of no interest any more.
            if all.contains_key(path) || !config.files.contains(path) {
                all.insert(path.clone(), look.clone());
            }
        }
        Self(all)
    }
}

impl Look {
    fn at(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), size: metadata.len(), identity: identity(&metadata) })
    }
}

/// Device, inode, and the time of the last change of either content or name.
type Identity = (u64, u64, i64, i64);

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {
    Identity::default()
}
