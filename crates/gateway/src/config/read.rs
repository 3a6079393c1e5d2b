//! The file as a whole.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tidegate_core::document::{self, Fields, Place, Problem, Report};

use super::address;
use super::limits;
use super::model::{ClusterConfig, Config, ListenerConfig, StoreConfig};
use super::ports::Ports;
use super::secret::{Around, RootKeySource};
use super::surroundings::Surroundings;
use super::{
    ConfigErrors, DEFAULT_HTTP_HOST, DEFAULT_HTTP_PORT, DEFAULT_STATE_FILE, cluster, identity, listener,
    policy, reload, store,
};

pub(super) fn parse(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, ConfigErrors> {
    understand(text, path, surroundings, source)
}

pub(super) fn parse_embedded(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, ConfigErrors> {
    understand(text, path, surroundings, |_, _, _| Some(Source::default()))
}

/// Where zones and accounts are.
#[derive(Default)]
struct Source {
    zones_folder: PathBuf,
    accounts_file: PathBuf,
    store: Option<StoreConfig>,
}

/// Reads where they are; the clusters are `None` when they are not all known.
type Sources = fn(&mut Fields<'_>, Option<&[ClusterConfig]>, &Around<'_>) -> Option<Source>;

fn understand(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
    source: Sources,
) -> Result<Config, ConfigErrors> {
    let (documents, syntax) = document::parse(text);
    let report = Report::default();
    let config = match documents.as_slice() {
        [document] if !document.is_empty() => read(
            &document.place(&report),
            &Around::new(path, surroundings),
            &report,
            syntax.is_some(),
            source,
        ),
        [] | [_] if syntax.is_some() => None,
        documents => {
            let number = documents.iter().filter(|document| !document.is_empty()).count();
            let what = format!("the file holds {number} documents; write one, begun with `clusters:`");
            report.add(Problem { document: None, path: String::new(), line: None, what });
            None
        }
    };
    let problems: Vec<Problem> = report.into_problems().into_iter().chain(syntax).collect();
    config.filter(|_| problems.is_empty()).ok_or_else(|| ConfigErrors::new(path, problems))
}

fn read(
    document: &Place<'_>,
    around: &Around<'_>,
    report: &Report,
    broken: bool,
    source: Sources,
) -> Option<Config> {
    let mut fields = document.fields()?;
    let mut ports = Ports::default();
    let (clusters, complete) = clusters(&mut fields, around);
    let known = complete.then_some(clusters.as_slice());
    let identity_providers = identity::read_all(fields.optional("identityProviders"), around);
    let takes_tokens = identity_providers.as_ref().is_none_or(|providers| !providers.is_empty());
    let listeners = listeners(&mut fields, known, takes_tokens, around, &mut ports);
    let source = source(&mut fields, known, around);
    let state_file = state(fields.optional("state"), around);
    let root_key = fields
        .required("rootKey", "write `rootKey: file:root.key`; the file is made at the first start")
        .and_then(|place| around.root_key(&place));
    let http_bind = http(fields.optional("http"), &mut ports);
    let policy = policy::read(fields.optional("policy"));
    let audit_file = fields.optional("audit").map(|place| audit(place, around));
    let limits = limits::read(fields.optional("limits"));
    let reload = reload::read(fields.optional("reload"));
    fields.finish();
    let root_key = match root_key? {
        RootKeySource::Key(key) => key,
        // A daemon that will not start must not leave a key behind.
        RootKeySource::ToBeMade(..) if broken || !report.is_empty() => return None,
        RootKeySource::ToBeMade(place, path) => around.make_root_key(&place, &path)?,
    };
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
        policy,
        // A broken one must not look like none.
        audit_file: audit_file.map_or(Some(None), |read| read.map(Some))?,
        limits,
        reload,
        files: around.files(),
    })
}

/// A store, or a folder and a file.
fn source(
    fields: &mut Fields<'_>,
    clusters: Option<&[ClusterConfig]>,
    around: &Around<'_>,
) -> Option<Source> {
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

/// The clusters, and whether that is all of them: a broken one must not make every mention of it a mistake too.
fn clusters(fields: &mut Fields<'_>, around: &Around<'_>) -> (Vec<ClusterConfig>, bool) {
    let items = list(fields, "clusters", "list the upstream clusters");
    let mut names = Unique::default();
    let mut clusters = Vec::new();
    let number = items.len();
    for place in items {
        let Some(cluster) = cluster::read(&place, around) else { continue };
        names.check(&place, "cluster", &cluster.name);
        clusters.push(cluster);
    }
    let complete = number > 0 && clusters.len() == number;
    (clusters, complete)
}

fn listeners<'a>(
    fields: &mut Fields<'a>,
    clusters: Option<&[ClusterConfig]>,
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

/// The state file; beside the configuration unless written.
fn state(place: Option<Place<'_>>, around: &Around<'_>) -> Option<PathBuf> {
    match place {
        None => Some(around.beside(DEFAULT_STATE_FILE)),
        Some(place) => inner(Some(place), "file", STATE).and_then(|place| around.path(&place)),
    }
}

/// The audit log's file.
fn audit(place: Place<'_>, around: &Around<'_>) -> Option<PathBuf> {
    inner(Some(place), "file", AUDIT).and_then(|place| around.path(&place))
}

fn http<'a>(place: Option<Place<'a>>, ports: &mut Ports<'a>) -> Option<SocketAddr> {
    let default_ip = DEFAULT_HTTP_HOST.parse().ok()?;
    let Some(place) = place else { return Some(SocketAddr::new(default_ip, DEFAULT_HTTP_PORT)) };
    let bind_place = inner(Some(place), "bind", "write `http: {bind: {host, port}}`")?;
    let mut fields = bind_place.fields()?;
    let host = fields.optional("host").map_or(Some(default_ip), |place| address::ip(&place));
    let port = fields.optional("port").map_or(Some(DEFAULT_HTTP_PORT), |place| address::port(&place));
    fields.finish();
    let bind = SocketAddr::new(host?, port?);
    ports.bind(&bind_place, bind.ip(), bind.port(), 1);
    Some(bind)
}

/// The items of a list that must not be empty.
fn list<'a>(fields: &mut Fields<'a>, key: &'static str, mend: &str) -> Vec<Place<'a>> {
    let Some(place) = fields.required(key, mend) else { return Vec::new() };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(format_args!("the list is empty; {mend}"));
    }
    items
}

/// The one field of a map.
fn inner<'a>(place: Option<Place<'a>>, key: &'static str, mend: &str) -> Option<Place<'a>> {
    let mut fields = place?.fields()?;
    let inner = fields.required(key, mend);
    fields.finish();
    inner
}

/// Names used so far, each with its first place.
pub(super) struct Unique<N>(HashMap<N, String>);

impl<N> Default for Unique<N> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<N: Hash + Eq + Clone + Display> Unique<N> {
    pub(super) fn check(&mut self, place: &Place<'_>, kind: &str, name: &N) {
        if let Some(first) = self.0.insert(name.clone(), place.path().to_owned()) {
            place.fail(format_args!("{kind} name `{name}` is already used by {first}; rename one"));
        }
    }
}

const ZONES: &str = "write `zones: {folder: PATH}`";
const STATE: &str = "write `state: {file: PATH}`";
const AUDIT: &str = "write `audit: {file: PATH}`";
const ACCOUNTS: &str = "write `accounts: {file: PATH}`";
