//! A TCP connection, encrypted or not.

use std::io::{Read, Result as IoResult, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// What a session reads and writes.
pub(super) enum Stream {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A client that trusts what is in a PEM file.
pub(super) fn trusting(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(ca).with_context(|| format!("reading {}", ca.display()))?
    {
        roots.add(certificate?)?;
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

impl Stream {
    /// TLS with the server at `address`; the handshake goes with the first bytes.
    pub(super) fn encrypted(tcp: TcpStream, config: &Arc<ClientConfig>, address: SocketAddr) -> Result<Self> {
        let connection = ClientConnection::new(Arc::clone(config), address.ip().into())?;
        Ok(Self::Encrypted(Box::new(StreamOwned::new(connection, tcp))))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Encrypted(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Encrypted(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> IoResult<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Encrypted(tls) => tls.flush(),
        }
    }
}
