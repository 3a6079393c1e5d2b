//! TLS for [`crate::raw::Connection`], with a server name and a certificate of the test's choice.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::pki::Identity;
use crate::raw::{Connection, dial};

/// A finished handshake.
#[derive(Debug)]
pub struct Encrypted {
    /// The connection.
    pub connection: Connection,
    /// The server's own certificate.
    pub certificate: CertificateDer<'static>,
}

/// Connects to `address`, asks for `name`, trusts `ca`, and shows `identity`; every step is bounded by `limit`.
pub fn connect(
    address: SocketAddr,
    name: &str,
    ca: &Path,
    identity: Option<&Identity>,
    limit: Duration,
) -> Result<Encrypted> {
    let config = Arc::new(config(ca, identity)?);
    let mut client = ClientConnection::new(config, ServerName::try_from(name.to_owned())?)?;
    let mut stream = dial(address, limit)?;
    while client.is_handshaking() {
        client.complete_io(&mut stream).context("shaking hands")?;
    }
    let certificate = client.peer_certificates().and_then(<[_]>::first).context("no certificate")?;
    let certificate = certificate.clone().into_owned();
    Ok(Encrypted { connection: Connection::over(StreamOwned::new(client, stream)), certificate })
}

/// A client that trusts `ca` and shows `identity`.
pub fn config(ca: &Path, identity: Option<&Identity>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&identity.chain)?.collect();
            builder.with_client_auth_cert(chain?, PrivateKeyDer::from_pem_file(&identity.key)?)?
        }
    })
}
