//! A Kafka cluster and how to enter it: one item of `clusters`.

mod connect;
mod read;
mod sasl;

use std::path::PathBuf;

use secrecy::SecretString;
use tidegate_client::TokenEndpoint;
use tidegate_core::ClusterName;
use tidegate_wire::sasl::PasswordMechanism;

use crate::{HostPort, PemFile};

pub use read::{ClusterNames, read, read_all, read_with};

/// A Kafka cluster and how to enter it.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The name that the rest of the configuration uses.
    pub name: ClusterName,
    /// Where to begin; at least one.
    pub bootstrap: Vec<HostPort>,
    /// TLS towards the brokers; `None` is plain text.
    pub tls: Option<UpstreamTls>,
    /// SASL towards the brokers; `None` is none.
    pub sasl: Option<UpstreamSasl>,
}

/// TLS towards the brokers.
#[derive(Debug, Clone)]
pub struct UpstreamTls {
    /// Whom to trust; `None` is the public authorities.
    pub ca: Option<PemFile>,
    /// The daemon's own certificate, for brokers that want one.
    pub identity: Option<ClientIdentity>,
    /// Whether the broker's name must be in its certificate.
    pub endpoint_identification: bool,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The chain, own certificate first.
    pub certificate: PemFile,
    /// The private key.
    pub key: PemFile,
}

/// SASL towards the brokers.
#[derive(Debug, Clone)]
pub enum UpstreamSasl {
    /// PLAIN or SCRAM.
    Password {
        /// Which of them.
        mechanism: PasswordMechanism,
        /// The user.
        username: String,
        /// Its password.
        password: SecretString,
    },
    /// OAUTHBEARER.
    Token(TokenOrigin),
}

/// Where the tokens of OAUTHBEARER come from.
#[derive(Debug, Clone)]
pub enum TokenOrigin {
    /// A file that somebody keeps fresh; it is read at each login.
    File(PathBuf),
    /// An identity provider, for client credentials.
    Endpoint(TokenEndpoint),
}

impl UpstreamSasl {
    /// The secret that the configuration names.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Password { password, .. } => Some(password),
            Self::Token(TokenOrigin::Endpoint(endpoint)) => Some(&endpoint.client_secret),
            Self::Token(TokenOrigin::File(_)) => None,
        }
    }
}

/// For daemons whose own type of a cluster holds more.
impl AsRef<Self> for Cluster {
    fn as_ref(&self) -> &Self {
        self
    }
}
