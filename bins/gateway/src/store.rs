//! `tidegate-gateway store`: zones and accounts in the store that the configuration names.
//!
//! With a store in Kafka the commands work beside running gateways, which follow at once; a store in the state file belongs to
//! its gateway, so that must be stopped.

mod backup;
mod credentials;
mod edit;
mod import;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tidegate_core::records::{AuditRecord, Moment, Sealing};
use tidegate_core::registry::{Registry, RegistryError};
use tidegate_core::store::{Change, ChangeError, CommitError, MAX_WRITES, Revision};
use tidegate_gateway::config;
use tidegate_gateway::stored::{StoreParts, open_store};
use tokio::time::timeout;

/// What to do with the store.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the zones: name, account, credentials, topics.
    List(List),
    /// Makes or changes the zones of manifests; says of each whether it was created, updated or left.
    Apply(Files),
    /// Deletes a zone and its account; its partner is cut off.
    Delete(Zone),
    /// Lists the credentials of a zone's account: id, label, when made, when it expires, when it was last in use.
    Credentials(Zone),
    /// Adds a credential to a zone's account and prints its password, once. Those before stay good.
    AddCredential(NewCredential),
    /// Takes a credential away; connections that logged in with it are cut on every replica.
    RevokeCredential(Credential),
    /// Says from which networks a zone's clients may come; none is from anywhere. Who is elsewhere is cut off.
    AllowFrom(Networks),
    /// Takes over a zone folder and an accounts file: partners notice nothing.
    Import(Import),
    /// Writes every zone to a file of manifests, which `apply` takes again.
    Export(File),
    /// Lists what was done to the store, the last thousand times: number, time, who, what, records.
    History(Here),
    /// Writes every record to a file; secrets stay sealed.
    Backup(File),
    /// Brings a backup into an empty store.
    Restore(File),
    /// Seals every secret anew with `store.sealingKey`; then `store.previousSealingKey` can be forgotten.
    Reseal(Here),
}

#[derive(Args)]
pub(crate) struct Here {
    /// The configuration file.
    #[arg(long, short, default_value = "tidegate.yaml")]
    config: PathBuf,
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    here: Here,
    /// Counts the records of each kind instead.
    #[arg(long)]
    kinds: bool,
}

#[derive(Args)]
pub(crate) struct Files {
    #[command(flatten)]
    here: Here,
    /// Manifests of zones.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct File {
    #[command(flatten)]
    here: Here,
    /// The file.
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Zone {
    #[command(flatten)]
    here: Here,
    /// The zone's name.
    zone: String,
}

#[derive(Args)]
pub(crate) struct Credential {
    #[command(flatten)]
    zone: Zone,
    /// The credential's id, unique within the account.
    id: String,
}

#[derive(Args)]
pub(crate) struct NewCredential {
    #[command(flatten)]
    credential: Credential,
    /// What people call it.
    #[arg(long)]
    label: Option<String>,
    /// Days after which it opens nothing and its connections are cut.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
    /// The same in seconds.
    #[arg(long, conflicts_with = "expires_in_days", value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_seconds: Option<u32>,
}

#[derive(Args)]
pub(crate) struct Networks {
    #[command(flatten)]
    zone: Zone,
    /// Networks of IPv4 or IPv6, such as 192.0.2.0/24 or 2001:db8::/32.
    networks: Vec<ipnet::IpNet>,
}

#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    here: Here,
    /// The folder of manifests.
    #[arg(long)]
    zones: PathBuf,
    /// The file of accounts.
    #[arg(long)]
    accounts: PathBuf,
}

/// How often a change is tried when somebody else is faster.
const ATTEMPTS: usize = 5;

/// How long what the other one changed may take to be here.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Zones in one change: each is a record, so is its account, and one is for who did it.
const ZONES_TOGETHER: usize = (MAX_WRITES - 1) / 2;

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::List(List { here, kinds: true }) => edit::kinds(&open(&here.config).await?),
            Command::List(List { here, .. }) => edit::list(&open(&here.config).await?),
            Command::Apply(files) => edit::apply(&files.here.config, &files.files).await,
            Command::Delete(zone) => edit::delete(&open(&zone.here.config).await?, &zone.zone).await,
            Command::Credentials(zone) => credentials::list(&zone.here.config, &zone.zone).await,
            Command::AddCredential(it) => {
                edit::add_credential(&open(&it.credential.zone.here.config).await?, it).await
            }
            Command::AllowFrom(it) => {
                let parts = open(&it.zone.here.config).await?;
                edit::allow_from(&parts, &it.zone.zone, &it.networks).await
            }
            Command::RevokeCredential(it) => {
                edit::revoke_credential(&open(&it.zone.here.config).await?, &it.zone.zone, &it.id).await
            }
            Command::Import(it) => import::import(&it.here.config, &it.zones, &it.accounts).await,
            Command::Export(file) => backup::export(&open(&file.here.config).await?, &file.file),
            Command::History(here) => edit::history(&open(&here.config).await?),
            Command::Backup(file) => backup::backup(&open(&file.here.config).await?, &file.file),
            Command::Restore(file) => backup::restore(&open(&file.here.config).await?, &file.file).await,
            Command::Reseal(here) => backup::reseal(&open(&here.config).await?).await,
        }
    })
}

async fn open(path: &Path) -> anyhow::Result<StoreParts> {
    Ok(open_store(&config::load(path)?).await?)
}

/// Makes a change that is decided anew whenever somebody else was faster; `None` if nothing had to be changed. It is in the
/// history under `action`, unless it is one of many that are told of together by [`tell`].
pub(crate) async fn change<T>(
    parts: &StoreParts,
    action: Option<&str>,
    decide: impl FnMut(&Registry<'_>) -> Result<(Change, T), RegistryError>,
) -> anyhow::Result<(Option<Revision>, T)> {
    change_as(parts, &who(), action, decide).await
}

/// The same of somebody who is not at the command line.
pub(crate) async fn change_as<T>(
    parts: &StoreParts,
    who: &str,
    action: Option<&str>,
    mut decide: impl FnMut(&Registry<'_>) -> Result<(Change, T), RegistryError>,
) -> anyhow::Result<(Option<Revision>, T)> {
    commit(parts, |registry| {
        let (change, told) = decide(registry)?;
        let change = match action {
            Some(action) if !change.writes().is_empty() => in_history(registry, change, who, action)?,
            _ => change,
        };
        Ok((change, told))
    })
    .await
}

/// Puts into the history what was done in several changes.
async fn tell(parts: &StoreParts, action: &str) -> anyhow::Result<()> {
    let who = who();
    let told = commit(parts, |registry| Ok((in_history(registry, Change::new(), &who, action)?, ()))).await;
    told.map(|_| ()).with_context(|| format!("{action}: done, and only its line in the history is missing"))
}

/// `change`, and that it was done by `who`.
fn in_history(
    registry: &Registry<'_>,
    change: Change,
    who: &str,
    action: &str,
) -> Result<Change, RegistryError> {
    Ok(AuditRecord::tell(change, registry.image, &registry.sealing, registry.now, who, action)?)
}

/// Commits what `decide` makes of the records, anew whenever somebody else was faster; `None` if there is nothing to commit.
async fn commit<T>(
    parts: &StoreParts,
    mut decide: impl FnMut(&Registry<'_>) -> Result<(Change, T), RegistryError>,
) -> anyhow::Result<(Option<Revision>, T)> {
    let random = ring::rand::SystemRandom::new();
    for _ in 0..ATTEMPTS {
        let image = parts.store.image();
        let sealing = Sealing { sealer: &parts.sealer, random: &random };
        let (change, told) = decide(&Registry { image: &image, sealing, now: now() })?;
        if change.writes().is_empty() {
            return Ok((None, told));
        }
        match parts.store.commit(change).await {
            Ok(revision) => return Ok((Some(revision), told)),
            Err(CommitError::Change(ChangeError::Conflict(conflict))) => {
                tracing::warn!(%conflict, "trying again");
                // What the other changed has to be here first.
                let _ = timeout(CATCH_UP, parts.store.later(image.revision())).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("somebody else changes the same records all the time; nothing was changed")
}

/// Whoever is logged in to this machine.
fn who() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    format!("{user} at the command line")
}

/// Microseconds since 1970.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::sync::{Arc, Mutex};

    use tidegate_core::store::{Answer, Image, Sealer, SealingKey, Store};
    use tidegate_store::MemoryStore;

    use super::*;

    /// A store in which somebody else is always faster, until they have nothing more to change.
    #[derive(Debug)]
    struct Contended {
        inner: MemoryStore,
        others: Mutex<Vec<Change>>,
    }

    impl Store for Contended {
        fn image(&self) -> Arc<Image> {
            self.inner.image()
        }

        fn later(&self, than: Revision) -> Answer<Arc<Image>> {
            self.inner.later(than)
        }

        fn commit(&self, change: Change) -> Answer<Revision, CommitError> {
            // In memory a change is made as its answer is, not only when that is awaited.
            let _theirs = self.others.lock().unwrap().pop().map(|other| self.inner.commit(other));
            self.inner.commit(change)
        }

        fn behind(&self) -> Duration {
            Duration::ZERO
        }

        fn alarms(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn what_was_done_is_in_the_history_also_if_others_write_it_meanwhile() {
        let sealer = Arc::new(Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap()));
        let random = ring::rand::SystemRandom::new();
        let sealing = Sealing { sealer: &sealer, random: &random };
        let told =
            |action| AuditRecord::tell(Change::new(), &Image::default(), &sealing, now(), "bob", action);
        let store =
            Contended { inner: MemoryStore::new(), others: Mutex::new(vec![told("theirs").unwrap()]) };
        let parts = StoreParts { store: Arc::new(store), sealer: Arc::clone(&sealer) };
        tell(&parts, "ours").await.unwrap();
        let history = AuditRecord::all(&parts.store.image(), &sealer);
        let actions: Vec<&str> = history.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["theirs", "ours"]);
    }
}
