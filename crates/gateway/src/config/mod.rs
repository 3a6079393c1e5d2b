//! The daemon's configuration: one YAML file, read whole before anything starts.
//!
//! What people write is refused with all its mistakes at once, one line each; what comes out is a [`Config`] in which
//! impossible combinations do not exist, every secret is fetched, every file read and every path absolute or relative
//! to the working directory. `docs/configuration.md` is the reference; a test keeps it complete.

mod admin;
mod advertised;
mod client_auth;
mod cluster;
mod identity;
mod limits;
mod listener;
mod model;
mod nodes;
mod policy;
mod ports;
mod principal;
mod proxy;
mod read;
mod reload;
mod sni;

use std::path::Path;

use tidegate_daemon::config_file;

pub use identity::{AccountPattern, DEFAULT_PRINCIPAL_CLAIM, MAX_PROVIDERS};
pub use limits::{LIMITS, LimitSpec, Limits};
pub use model::{
    AdminConfig, AdminTls, ClientAuth, ClusterConfig, Config, IdentityProvider, KeySource, KeyUrl,
    ListenerConfig, ListenerTls, NodeAddress, NodeAddresses, ProxyProtocol, ReloadConfig, SaslMechanism,
};
pub use policy::PolicyConfig;
pub use principal::{AclPolicy, PerZone, UserPattern, UserPatternError, ZonePasswords};
pub use tidegate_daemon::cluster::{ClientIdentity, Cluster, TokenOrigin, UpstreamSasl, UpstreamTls};
pub use tidegate_daemon::fields::DEFAULT_STATE_FILE;
pub use tidegate_daemon::http::DEFAULT_HTTP_HOST;
pub use tidegate_daemon::store::{StoreConfig, StoreKind, TopicConfig};
pub use tidegate_daemon::{AddressError, ConfigErrors, HostPort, Machine, PemFile, Surroundings};

/// Reads the configuration file and everything that it points to. Makes the root key's file if it is missing, but only
/// if nothing else is wrong.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    config_file::load(path, parse)
}

/// Understands the text of a configuration file. The rest of the world is reached through `surroundings` alone;
/// `path` names the file in messages, and its folder is where relative paths begin.
pub fn parse(text: &str, path: &Path, surroundings: &dyn Surroundings) -> Result<Config, ConfigErrors> {
    read::parse(text, path, surroundings)
}

/// As [`parse`], for a program that brings zones and accounts itself: the configuration has no `zones` and no `accounts`.
pub fn parse_embedded(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, ConfigErrors> {
    read::parse_embedded(text, path, surroundings)
}

/// How often the list of brokers and topics is asked for anew: quick enough for a new broker to be served before
/// clients, who refresh every five minutes, hear of it; cheap, since one connection does it for all partners.
pub const DEFAULT_METADATA_REFRESH_MS: u64 = 30_000;
/// The customary port of Prometheus exporters that belong to a service.
pub const DEFAULT_HTTP_PORT: u16 = 9464;
/// Operators reach the REST from the gateway's own machine unless somebody says otherwise.
pub const DEFAULT_ADMIN_HOST: &str = "127.0.0.1";
/// The port after those of probes of the daemons.
pub const DEFAULT_ADMIN_PORT: u16 = 9466;
/// How often the files are looked at: a rotated certificate or an edited zone is in force within two looks, and a look
/// at some hundred files costs a fraction of a millisecond.
pub const DEFAULT_WATCH_MS: u64 = 2_000;
