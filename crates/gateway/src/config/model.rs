//! The configuration as understood.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tidegate_core::token::KeySet;
use tidegate_core::{ClusterName, ListenerName, ProviderName, RootKey};
use tidegate_daemon::cluster::Cluster;
use tidegate_daemon::store::StoreConfig;
use tidegate_daemon::{HostPort, PemFile};
use tidegate_wire::sasl::Mechanism;

use super::{AccountPattern, AclPolicy, Limits, PerZone, PolicyConfig};
use crate::principal::PrincipalRules;

/// All that the daemon has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The upstream clusters, each with a name of its own; at least one.
    pub clusters: Vec<ClusterConfig>,
    /// The doors for partners, each with a name of its own; at least one. No two share a port.
    pub listeners: Vec<ListenerConfig>,
    /// Who issues the tokens of OAUTHBEARER logins, each with a name and an issuer of its own.
    pub identity_providers: Vec<IdentityProvider>,
    /// The folder of PartnerZone manifests; empty when there is a store, or when the embedding program brings its own zones.
    pub zones_folder: PathBuf,
    /// The file of account verifiers. It need not exist yet. Empty as above.
    pub accounts_file: PathBuf,
    /// Where zones and accounts are kept instead; then there is no folder and no file of them.
    pub store: Option<StoreConfig>,
    /// The file of what must survive a crash. It need not exist yet.
    pub state_file: PathBuf,
    /// The installation root key.
    pub root_key: RootKey,
    /// Where probes and metrics are served.
    pub http_bind: SocketAddr,
    /// Where operators reach the REST; `None` is nowhere. With it there is a store.
    pub admin: Option<AdminConfig>,
    /// What partners may do beyond what their zones say.
    pub policy: PolicyConfig,
    /// Where refusals are written; `None` is into the log.
    pub audit_file: Option<PathBuf>,
    /// What clients may use up.
    pub limits: Limits,
    /// When files are read again by themselves.
    pub reload: ReloadConfig,
    /// Every file that the configuration names and that was read with it: certificates, keys, secrets.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// The cluster of that name.
    pub fn cluster(&self, name: &ClusterName) -> Option<&ClusterConfig> {
        self.clusters.iter().find(|cluster| cluster.name == *name)
    }
}

/// Where operators reach the REST.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// The address; a loopback one if there is no TLS.
    pub bind: SocketAddr,
    /// TLS towards operators.
    pub tls: Option<AdminTls>,
    /// Whether whoever is on this machine is served without a token; then the address is a loopback one.
    pub is_insecure: bool,
}

/// TLS towards operators.
#[derive(Debug, Clone)]
pub struct AdminTls {
    /// The chain, own certificate first.
    pub certificate: PemFile,
    /// The private key.
    pub key: PemFile,
}

/// An upstream Kafka cluster and how to enter it; [`Cluster`] is what every daemon knows of one.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Its name, its brokers, TLS and SASL; the fields are reached as if they were here.
    pub common: Cluster,
    /// How partners' connections log in; `None` is as the gateway itself.
    pub per_zone: Option<PerZone>,
    /// What is done with the ACLs of the zones' users.
    pub acls: AclPolicy,
    /// How often metadata is asked for anew.
    pub metadata_refresh: Duration,
}

impl Deref for ClusterConfig {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.common
    }
}

impl AsRef<Cluster> for ClusterConfig {
    fn as_ref(&self) -> &Cluster {
        &self.common
    }
}

/// A SASL mechanism of partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SaslMechanism {
    /// PLAIN: the password itself.
    Plain,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
    /// OAUTHBEARER: a token of an identity provider.
    OauthBearer,
}

impl SaslMechanism {
    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The mechanism of the same name.
impl From<SaslMechanism> for Mechanism {
    fn from(configured: SaslMechanism) -> Self {
        match configured {
            SaslMechanism::Plain => Self::Plain,
            SaslMechanism::ScramSha256 => Self::ScramSha256,
            SaslMechanism::ScramSha512 => Self::ScramSha512,
            SaslMechanism::OauthBearer => Self::OauthBearer,
        }
    }
}

/// A door for partners.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Its name, for logs and metrics.
    pub name: ListenerName,
    /// The cluster behind it; one of [`Config::clusters`].
    pub cluster: ClusterName,
    /// The mechanisms offered, none twice; none at all means that a client certificate alone logs in.
    pub mechanisms: Vec<SaslMechanism>,
    /// TLS towards partners: `Some` is SSL or SASL_SSL, `None` is SASL_PLAINTEXT.
    pub tls: Option<ListenerTls>,
    /// The load balancers that say whom a connection comes from; `None` is none.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// The bootstrap address: where it is bound, and what clients are told.
    pub bootstrap: NodeAddress,
    /// How clients tell which node they mean.
    pub nodes: NodeAddresses,
}

/// How clients tell which node they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeAddresses {
    /// By the port: the address of each node, by node id.
    Ports(BTreeMap<i32, NodeAddress>),
    /// By the name they ask for in TLS: `b<id>.<zone>.<domain>`, or `<zone>.<domain>` to begin with, in lower case. The
    /// advertised host of the bootstrap address is this domain.
    Names {
        /// The domain.
        domain: String,
    },
}

/// Load balancers that speak the PROXY protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// The addresses that may connect, and have to send a header; at least one.
    pub from: Vec<IpNet>,
}

/// TLS towards partners.
#[derive(Debug, Clone)]
pub struct ListenerTls {
    /// The chain that partners see, own certificate first.
    pub certificate: PemFile,
    /// The private key.
    pub key: PemFile,
    /// The certificates of partners; `None` asks for none.
    pub client_auth: Option<ClientAuth>,
}

/// Certificates of partners.
#[derive(Debug, Clone)]
pub struct ClientAuth {
    /// The authorities that issue them.
    pub ca: PemFile,
    /// What these have revoked.
    pub crl: Option<PemFile>,
    /// Whether there is no connection without one.
    pub required: bool,
    /// From a certificate to the account.
    pub rules: PrincipalRules,
}

/// Who issues tokens, and whom they may stand for.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    /// Its name, for logs and metrics.
    pub name: ProviderName,
    /// What `iss` of its tokens says, to the letter.
    pub issuer: String,
    /// One of these must be in `aud`; at least one.
    pub audiences: Vec<String>,
    /// The claim that names the account.
    pub principal_claim: String,
    /// From that claim to the account; `None` is as it stands.
    pub rules: Option<PrincipalRules>,
    /// The accounts that its tokens may stand for; none at all means any.
    pub accounts: Vec<AccountPattern>,
    /// Where its public keys are.
    pub keys: KeySource,
}

/// Where the public keys of an identity provider are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a file, as it was when the configuration was read.
    File(KeySet),
    /// At an address that is asked again and again.
    Url(KeyUrl),
}

/// An address of public keys.
#[derive(Debug, Clone)]
pub struct KeyUrl {
    /// HTTPS, or HTTP to this machine.
    pub url: String,
    /// Whom to trust; `None` is the public authorities.
    pub ca: Option<PemFile>,
}

/// When files are read again by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadConfig {
    /// Time between two looks at the files; `None` is never.
    pub watch: Option<Duration>,
}

/// An address as the gateway binds it and as clients are told it; they differ behind NAT or a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// Where the gateway listens.
    pub bind: SocketAddr,
    /// Where clients connect.
    pub advertised: HostPort,
}
