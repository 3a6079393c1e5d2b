//! Why the gateway does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::{AddressError, ConfigErrors};
use tidegate_authz::RuleMisfit;
use tidegate_client::ConnectError;
use tidegate_core::FactsError;
use tidegate_daemon::DaemonError;

/// The gateway does not start, or not again after a reload. The operator is at fault unless it says so.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The configuration file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Zones or accounts are wrong; one line each, with file and path.
    #[error("{}", .0.join("\n"))]
    Desired(Vec<String>),
    /// What the configuration names cannot be used: a cluster's TLS options, the state file, the store.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// What the state file or the embedder's store holds cannot be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The configuration names a folder and a file instead.
    #[error("the configuration has no `store`: zones and accounts are files")]
    NoStore,
    /// A port cannot be bound.
    #[error("listener `{listener}`: cannot listen on {address}: {source}; free the port or change `bind`")]
    Bind {
        /// The listener, or `http`.
        listener: String,
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// A rule of the embedding program does not fit into the table.
    #[error("listener `{listener}`: {source}")]
    Rules {
        /// The listener.
        listener: String,
        /// What does not fit.
        source: RuleMisfit,
    },
    /// The authorities of an identity provider's address cannot be used.
    #[error("identity provider `{0}`: `jwks.ca` holds no certificate that can be read; correct the PEM file")]
    KeyAuthorities(String),
    /// The certificate or key of a listener cannot be used.
    #[error("listener `{listener}`: {path}: {what}")]
    ListenerTls {
        /// The listener.
        listener: String,
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        what: String,
    },
    /// The certificate or key that operators see cannot be used.
    #[error("admin: {path}: {what}")]
    AdminTls {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        what: String,
    },
    /// No broker of a cluster can be reached at the start.
    #[error(
        "cluster `{cluster}`: no broker can be used: {source}; check `clusters.bootstrap`, `security` and what the brokers advertise"
    )]
    Unreachable {
        /// The cluster.
        cluster: String,
        /// What the last one tried said.
        source: Box<UpstreamError>,
    },
}

/// Why a cluster cannot be asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No answer, or a useless one.
    #[error(transparent)]
    Ask(#[from] tidegate_client::AskError),
    /// A configured address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The configuration names no bootstrap server.
    #[error("no bootstrap server is configured")]
    NoBootstrap,
}
