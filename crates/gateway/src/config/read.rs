//! The file as a whole.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tidegate_core::document::{Fields, Place};
use tidegate_daemon::cluster::{ClusterNames, read_all};
use tidegate_daemon::config_file::{self, ConfigFile};
use tidegate_daemon::fields::{Unique, inner, list, state_file};
use tidegate_daemon::http::{self, Http};
use tidegate_daemon::store::{self, StoreConfig};
use tidegate_daemon::{Around, ConfigErrors, Surroundings};

use super::model::{Config, ListenerConfig};
use super::ports::Ports;
use super::{DEFAULT_HTTP_PORT, admin, cluster, identity, limits, listener, policy, reload};

pub(super) fn parse(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, ConfigErrors> {
    config_file::parse(text, path, surroundings, |file| read(file, source))
}

pub(super) fn parse_embedded(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, ConfigErrors> {
    config_file::parse(text, path, surroundings, |file| read(file, |_, _, _| Some(Source::default())))
}

/// Where zones and accounts are.
#[derive(Default)]
struct Source {
    zones_folder: PathBuf,
    accounts_file: PathBuf,
    store: Option<StoreConfig>,
}

/// Reads where they are.
type Sources = fn(&mut Fields<'_>, &ClusterNames, &Around<'_>) -> Option<Source>;

fn read(file: &ConfigFile<'_>, source: Sources) -> Option<Config> {
    let mut fields = file.document.fields()?;
    let around = &file.around;
    let mut ports = Ports::default();
    let (clusters, names) = read_all(&mut fields, |place| cluster::read(place, around));
    let identity_providers = identity::read_all(fields.optional("identityProviders"), around);
    let takes_tokens = identity_providers.as_ref().is_none_or(|providers| !providers.is_empty());
    let listeners = listeners(&mut fields, &names, takes_tokens, around, &mut ports);
    let source = source(&mut fields, &names, around);
    let state_file = state_file(fields.optional("state"), around);
    let root_key = file.root_key(&mut fields);
    let http_bind = http(fields.optional("http"), &mut ports);
    let has_store = source.as_ref().is_none_or(|source| source.store.is_some());
    let admin = fields.optional("admin").map(|place| admin::read(&place, has_store, around, &mut ports));
    let policy = policy::read(fields.optional("policy"));
    let audit_file = fields.optional("audit").map(|place| audit(place, around));
    let limits = limits::read(fields.optional("limits"));
    let reload = reload::read(fields.optional("reload"));
    fields.finish();
    let root_key = file.make_root_key(root_key?)?;
    let Source { zones_folder, accounts_file, store } = source?;
    Some(Config {
        clusters,
        listeners,
        identity_providers: identity_providers?,
        zones_folder,
        accounts_file,
        store,
        state_file: state_file?,
        root_key,
        http_bind: http_bind?,
        // A broken one must not look like none.
        admin: admin.map_or(Some(None), |read| read.map(Some))?,
        policy,
        // A broken one must not look like none.
        audit_file: audit_file.map_or(Some(None), |read| read.map(Some))?,
        limits,
        reload,
        files: around.files(),
    })
}

/// A store, or a folder and a file.
fn source(fields: &mut Fields<'_>, clusters: &ClusterNames, around: &Around<'_>) -> Option<Source> {
    if let Some(place) = fields.optional("store") {
        for key in ["zones", "accounts"] {
            if let Some(place) = fields.optional(key) {
                place.fail("with `store` zones and accounts are records in it; remove one of the two");
            }
        }
        let store = store::read(&place, clusters, around)?;
        return Some(Source { store: Some(store), ..Source::default() });
    }
    let zones = inner(fields.required("zones", ZONES), "folder", ZONES);
    let zones = zones.and_then(|place| around.folder(&place));
    let accounts = inner(fields.required("accounts", ACCOUNTS), "file", ACCOUNTS);
    let accounts = accounts.and_then(|place| around.path(&place));
    Some(Source { zones_folder: zones?, accounts_file: accounts?, store: None })
}

fn listeners<'a>(
    fields: &mut Fields<'a>,
    clusters: &ClusterNames,
    takes_tokens: bool,
    around: &Around<'_>,
    ports: &mut Ports<'a>,
) -> Vec<ListenerConfig> {
    let items = list(fields, "listeners", "list the doors for partners");
    let mut names = Unique::default();
    let mut listeners = Vec::new();
    for place in items {
        let Some(listener) = listener::read(&place, clusters, takes_tokens, around, ports) else { continue };
        names.check(&place, "listener", &listener.name);
        listeners.push(listener);
    }
    listeners
}

/// The audit log's file.
fn audit(place: Place<'_>, around: &Around<'_>) -> Option<PathBuf> {
    inner(Some(place), "file", AUDIT).and_then(|place| around.path(&place))
}

fn http<'a>(place: Option<Place<'a>>, ports: &mut Ports<'a>) -> Option<SocketAddr> {
    let Http { bind, place } = http::read(place, DEFAULT_HTTP_PORT)?;
    if let Some(place) = place {
        ports.bind(&place, bind.ip(), bind.port(), 1);
    }
    Some(bind)
}

const ZONES: &str = "write `zones: {folder: PATH}`";
const AUDIT: &str = "write `audit: {file: PATH}`";
const ACCOUNTS: &str = "write `accounts: {file: PATH}`";
