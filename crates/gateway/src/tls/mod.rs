//! TLS towards partners: what a listener shows, and whom it believes.

mod client;
mod names;
mod operators;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};
use secrecy::ExposeSecret;
use tidegate_core::{ClusterName, ListenerName};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub(crate) use self::operators::acceptor;

pub(crate) use self::client::{ClientCertificate, ClientCertificates};
use self::names::OnlyKnownNames;
pub(crate) use self::names::{Named, Target, can_be_host, node_host};
use crate::config::{ListenerConfig, ListenerTls, NodeAddresses, PemFile};
use crate::error::GatewayError;
use crate::snapshot::Snapshot;

/// TLS of one listener, as its files were when they were last read.
pub(crate) struct ListenerTlsState {
    /// Takes the handshake.
    pub(crate) acceptor: TlsAcceptor,
    /// Whom client certificates stand for; `None` asks for none.
    pub(crate) clients: Option<ClientCertificates>,
    /// What names in the handshake mean; `None` where the port says it.
    pub(crate) named: Option<Named>,
}

/// What a handshake has told.
#[derive(Debug, Default)]
pub(crate) struct Introduced {
    /// The client's certificate.
    pub(crate) certificate: Option<ClientCertificate>,
    /// The zone and the node that the client named.
    pub(crate) target: Option<Target>,
}

impl ListenerTlsState {
    /// TLS of a listener, if it has any.
    ///
    /// # Errors
    /// [`GatewayError::ListenerTls`] with the file.
    pub(crate) fn of(
        config: &ListenerConfig,
        snapshots: &watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Option<Self>, GatewayError> {
        config.tls.as_ref().map(|tls| Self::new(config, tls, snapshots)).transpose()
    }

    /// TLS 1.2 and 1.3, no early data, no renegotiation (rustls has none).
    fn new(
        config: &ListenerConfig,
        tls: &ListenerTls,
        snapshots: &watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, GatewayError> {
        let fail = |(path, what): Mistake| fault(&config.name, path, what);
        let provider = Arc::new(default_provider());
        let certified = certified_key(&tls.certificate, &tls.key, &provider).map_err(fail)?;
        let clients = tls
            .client_auth
            .as_ref()
            .map(|auth| ClientCertificates::new(auth, &provider))
            .transpose()
            .map_err(fail)?;
        let named = named(&config.nodes, &config.cluster, snapshots);
        let resolver: Arc<dyn ResolvesServerCert> = match &named {
            None => Arc::new(SingleCertAndKey::from(certified)),
            Some(named) => Arc::new(OnlyKnownNames::new(named.clone(), certified)),
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fail((tls.certificate.path.clone(), error.to_string())))?;
        let mut server = match &clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(clients.verifier()),
        }
        .with_cert_resolver(resolver);
        if clients.is_some() {
            // A resumed session would not look at the client's certificate again.
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.send_tls13_tickets = 0;
        }
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), clients, named })
    }

    /// What a finished handshake has told; `None` if the client named what is not here any more.
    pub(crate) fn introduced(&self, connection: &ServerConnection) -> Option<Introduced> {
        let certificate = self.clients.as_ref().and_then(|clients| clients.of(connection));
        let target = match &self.named {
            None => None,
            Some(named) => Some(named.target(connection.server_name()?)?),
        };
        Some(Introduced { certificate, target })
    }
}

impl std::fmt::Debug for ListenerTlsState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ListenerTlsState")
    }
}

/// A file, and what is wrong with it and how to mend it.
type Mistake = (PathBuf, String);

fn fault(listener: &ListenerName, path: PathBuf, what: String) -> GatewayError {
    GatewayError::ListenerTls { listener: listener.to_string(), path, what }
}

fn named(
    nodes: &NodeAddresses,
    cluster: &ClusterName,
    snapshots: &watch::Receiver<Arc<Snapshot>>,
) -> Option<Named> {
    match nodes {
        NodeAddresses::Ports(_) => None,
        NodeAddresses::Names { domain } => Some(Named::new(domain, cluster.clone(), snapshots.clone())),
    }
}

/// Certificate and key, known to be a pair.
fn certified_key(
    certificate: &PemFile,
    key: &PemFile,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Mistake> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(key.pem.expose_secret()).map_err(|error| {
        let what = format!("it holds no private key: {error}; write a PEM key without a password");
        (key.path.clone(), what)
    })?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| {
        let key = key.path.display();
        let what =
            format!("certificate and key do not go together: {error}; check that it and {key} are a pair");
        (certificate.path.clone(), what)
    })
}

fn certificates(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let at = |path: &Path, what: String| Err((path.to_owned(), what));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file.pem.expose_secret()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            at(&file.path, "it holds no certificate; write the chain in PEM".to_owned())
        }
        Ok(chain) => Ok(chain),
        Err(error) => at(&file.path, format!("it is not PEM: {error}; write the chain in PEM")),
    }
}
