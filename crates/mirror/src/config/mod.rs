//! The configuration of a mirror daemon: one YAML file, read whole before anything starts. Clusters, store, root key and probes are
//! written as in the gateway's file; [`links`](LinkConfig) are its own. `docs/mirror.md` is the reference.

mod links;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tidegate_core::{ClusterName, LinkName, RootKey};
use tidegate_daemon::cluster::{self, Cluster};
use tidegate_daemon::config_file::{self, ConfigFile};
use tidegate_daemon::store::{self, StoreConfig, StoreKind, StoreParts};
use tidegate_daemon::{ConfigErrors, DaemonError, Surroundings, fields, http};

use crate::worker::LinkSpec;

pub use links::{DEFAULT_SESSION_TIMEOUT_MS, LEAST_BYTES_PER_SECOND, SESSION_TIMEOUT_MS};

/// The port of probes and status, beside the gateway's 9464 on one machine.
pub const DEFAULT_HTTP_PORT: u16 = 9465;

/// All that a mirror daemon has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The clusters that links join, each with a name of its own.
    pub clusters: Vec<Cluster>,
    /// Where links, mirrors and numbers are kept.
    pub store: StoreConfig,
    /// The file of the store, if it is one.
    pub state_file: PathBuf,
    /// The installation root key.
    pub root_key: RootKey,
    /// Where probes and status are served.
    pub http_bind: SocketAddr,
    /// The links, each with a name of its own.
    pub links: Vec<LinkConfig>,
}

/// A link of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkConfig {
    /// The cluster that topics come from; one of [`Config::clusters`].
    pub source: ClusterName,
    /// The cluster that they go to; one of [`Config::clusters`].
    pub destination: ClusterName,
    /// What it is to do.
    pub spec: LinkSpec,
}

impl Config {
    /// The cluster of that name.
    #[must_use]
    pub fn cluster(&self, name: &ClusterName) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.name == *name)
    }

    /// Opens the store.
    ///
    /// # Errors
    /// [`DaemonError`]; a store in a file is open at one place only.
    pub async fn open_store(&self) -> Result<StoreParts, DaemonError> {
        store::open_store(&self.store, &self.clusters, &self.root_key, &self.state_file).await
    }

    /// The link of that name.
    #[must_use]
    pub fn link(&self, name: &LinkName) -> Option<&LinkConfig> {
        self.links.iter().find(|link| link.spec.name == *name)
    }
}

/// Reads the configuration file and everything that it points to. Makes the root key's file if it is missing, but only if nothing
/// else is wrong.
///
/// # Errors
/// [`ConfigErrors`] with every mistake.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    config_file::load(path, parse)
}

/// Understands the text of a configuration file. The rest of the world is reached through `surroundings` alone.
///
/// # Errors
/// [`ConfigErrors`] with every mistake.
pub fn parse(text: &str, path: &Path, surroundings: &dyn Surroundings) -> Result<Config, ConfigErrors> {
    config_file::parse(text, path, surroundings, read)
}

fn read(file: &ConfigFile<'_>) -> Option<Config> {
    let mut fields = file.document.fields()?;
    let (clusters, names) = cluster::read_all(&mut fields, |place| cluster::read(place, &file.around));
    let store = fields
        .required(
            "store",
            "write `store: {type: SQLITE}`, or `{type: KAFKA, cluster: NAME}` for several workers",
        )
        .and_then(|place| store::read(&place, &names, &file.around));
    let state_file = fields::state_file(fields.optional("state"), &file.around);
    let root_key = file.root_key(&mut fields);
    let http = http::read(fields.optional("http"), DEFAULT_HTTP_PORT);
    let links = links::read_all(&mut fields, &names, store.as_ref().and_then(topic));
    fields.finish();
    Some(Config {
        // Last of what can go wrong: a daemon that will not start must not leave a key behind.
        root_key: file.make_root_key(root_key?)?,
        clusters,
        store: store?,
        state_file: state_file?,
        http_bind: http?.bind,
        links: links?,
    })
}

/// The topic of the store, which is nobody's source and nobody's mirror.
fn topic(store: &StoreConfig) -> Option<&str> {
    match &store.kind {
        StoreKind::Kafka(topic) => Some(&topic.topic),
        StoreKind::Sqlite => None,
    }
}
