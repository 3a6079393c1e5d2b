//! A Kafka cluster and how to enter it: one item of `clusters`.

mod connect;
mod read;

use secrecy::SecretString;
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
pub struct UpstreamSasl {
    /// The mechanism.
    pub mechanism: PasswordMechanism,
    /// The user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
}

/// For daemons whose own type of a cluster holds more.
impl AsRef<Self> for Cluster {
    fn as_ref(&self) -> &Self {
        self
    }
}
