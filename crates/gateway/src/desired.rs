//! What the operator wants: zones and accounts, and the mirrors among their topics; read whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_authz::Mirrors;
use tidegate_core::account::{Account, Accounts};
use tidegate_core::manifest::{SourcedZone, check_zones, parse_zones};
use tidegate_core::store::Revision;

use crate::config::Config;
use crate::error::GatewayError;

/// Zones and accounts as they should be served, and what readers of their topics must not see.
#[derive(Debug, Default)]
pub struct Desired {
    pub(crate) zones: Vec<SourcedZone>,
    pub(crate) accounts: Accounts,
    /// The topics into which links have written, if they come from a store: where there is none, there are no links.
    pub(crate) mirrors: Mirrors,
    /// What the store's last change was, if they come from a store.
    pub(crate) revision: Revision,
    /// Whether zones that are not here may be there all the same: they are not served, and nothing of them is taken away.
    pub(crate) is_partial: bool,
}

/// Largest manifest or accounts file that is read; a zone of 10,000 topics needs one MiB.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// A configuration for an embedding program, and a program that brings nothing.
const NO_ZONES: &str = "the configuration names no `zones.folder` and the program brings no zones; use one that names it, or `Parts::with_desired`";

impl Desired {
    /// Zones and accounts that a program brings itself. A zone whose account is not among them is not served.
    ///
    /// # Errors
    /// [`GatewayError::Desired`] with every conflict between the zones.
    pub fn new(zones: Vec<SourcedZone>, accounts: Accounts) -> Result<Self, GatewayError> {
        let conflicts: Vec<String> = check_zones(&zones).iter().map(ToString::to_string).collect();
        match conflicts.is_empty() {
            true => Ok(Self { zones, accounts, ..Self::default() }),
            false => Err(GatewayError::Desired(conflicts)),
        }
    }

    /// Zones whose accounts only the program's own [`Authenticator`](crate::logins::Authenticator) can check: each has
    /// its account, without credentials. Connections are cut when their zone is left out, not when a password changes.
    ///
    /// # Errors
    /// As [`Desired::new`].
    pub fn of_zones(zones: Vec<SourcedZone>) -> Result<Self, GatewayError> {
        let mut accounts = Accounts::default();
        for account in zones.iter().filter_map(|zone| Account::new(zone.zone.account().clone(), vec![]).ok())
        {
            accounts.insert(account);
        }
        Self::new(zones, accounts)
    }

    /// Every zone with the place it comes from.
    #[must_use]
    pub fn zones(&self) -> &[SourcedZone] {
        &self.zones
    }

    /// Every account.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether every zone is of a cluster that the configuration names.
    ///
    /// # Errors
    /// [`GatewayError::Desired`] with every zone of another one.
    pub(crate) fn check_clusters(&self, config: &Config) -> Result<(), GatewayError> {
        let unknown: Vec<String> = unknown_clusters(config, &self.zones).collect();
        if unknown.is_empty() { Ok(()) } else { Err(GatewayError::Desired(unknown)) }
    }

    /// Reads the zone folder and the accounts file of a configuration for the first time.
    ///
    /// # Errors
    /// [`GatewayError::Desired`] with every mistake in every file.
    pub fn load(config: &Config) -> Result<Self, GatewayError> {
        if config.zones_folder.as_os_str().is_empty() {
            return Err(GatewayError::Desired(vec![NO_ZONES.to_owned()]));
        }
        // Zones can be prepared before anybody may log in.
        if !config.accounts_file.exists() {
            tracing::warn!(file = %config.accounts_file.display(), "there is no accounts file yet: nobody can log in");
            return Self::read(config, |_, _| Accounts::default());
        }
        Self::read(config, accounts)
    }

    /// Reads them again. A file that was there and is not any more is a mistake: it must not cut everybody off.
    ///
    /// # Errors
    /// [`GatewayError::Desired`].
    pub fn load_again(config: &Config, before: &Self) -> Result<Self, GatewayError> {
        if before.accounts.iter().next().is_none() {
            Self::load(config)
        } else {
            Self::read(config, accounts)
        }
    }

    fn read(
        config: &Config,
        accounts: impl FnOnce(&Path, &mut Vec<String>) -> Accounts,
    ) -> Result<Self, GatewayError> {
        let mut problems = Vec::new();
        let zones = zones(&config.zones_folder, &mut problems);
        let accounts = accounts(&config.accounts_file, &mut problems);
        problems.extend(check_zones(&zones).iter().map(ToString::to_string));
        problems.extend(unknown_clusters(config, &zones));
        match problems.is_empty() {
            true => Ok(Self { zones, accounts, ..Self::default() }),
            false => Err(GatewayError::Desired(problems)),
        }
    }
}

fn zones(folder: &Path, problems: &mut Vec<String>) -> Vec<SourcedZone> {
    let mut zones = Vec::new();
    for path in manifests(folder, problems) {
        let source = path.display().to_string();
        match read(&path).map(|text| parse_zones(&text)) {
            Err(what) => problems.push(format!("{source}: {what}")),
            Ok(Err(errors)) => problems.extend(errors.lines(&source)),
            Ok(Ok(parsed)) => {
                zones.extend(parsed.into_iter().map(|zone| SourcedZone::new(source.clone(), zone)));
            }
        }
    }
    zones
}

/// The manifest files of a folder, in the order of their names.
pub(crate) fn manifests(folder: &Path, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(format!(
                "{}: cannot read the zone folder: {error}; create it or change `zones.folder`",
                folder.display()
            ));
            return Vec::new();
        }
    };
    let is_manifest = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml" | "json"))
    };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => {
                problems.push(format!("{}: cannot read the zone folder: {error}", folder.display()));
            }
        }
    }
    paths.retain(is_manifest);
    paths.sort();
    paths
}

fn accounts(file: &Path, problems: &mut Vec<String>) -> Accounts {
    let source = file.display().to_string();
    match read(file).map(|text| Accounts::parse(&text)) {
        Err(what) => problems.push(format!("{source}: {what}")),
        Ok(Err(errors)) => problems.extend(errors.lines(&source)),
        Ok(Ok(accounts)) => return accounts,
    }
    Accounts::default()
}

fn read(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| format!("cannot read the file: {error}"))?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("the file has {size} bytes, more than {MAX_FILE_BYTES}; split it"));
    }
    fs::read_to_string(path).map_err(|error| format!("cannot read the file: {error}"))
}

fn unknown_clusters<'a>(config: &'a Config, zones: &'a [SourcedZone]) -> impl Iterator<Item = String> + 'a {
    zones.iter().filter(|zone| config.cluster(zone.zone.cluster()).is_none()).map(|zone| {
        let known: Vec<_> = config.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        format!(
            "{}: spec.cluster: there is no cluster `{}` in the configuration; write one of {}",
            zone.source,
            zone.zone.cluster(),
            known.join(", ")
        )
    })
}
