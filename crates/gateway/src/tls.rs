//! TLS towards partners.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use tidegate_core::ListenerName;
use tokio_rustls::TlsAcceptor;

use crate::config::{ListenerTls, PemFile};
use crate::error::GatewayError;

/// The acceptor of a listener: TLS 1.2 and 1.3, no early data, no renegotiation (rustls has none).
pub(crate) fn acceptor(listener: &ListenerName, tls: &ListenerTls) -> Result<TlsAcceptor, GatewayError> {
    let fail = |path: &Path, what: String| GatewayError::ListenerTls {
        listener: listener.to_string(),
        path: path.to_owned(),
        what,
    };
    let chain = certificates(&tls.certificate).map_err(|what| fail(&tls.certificate.path, what))?;
    let key = PrivateKeyDer::from_pem_slice(tls.key.pem.expose_secret()).map_err(|error| {
        fail(&tls.key.path, format!("it holds no private key: {error}; write a PEM key without a password"))
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| {
            let what = format!("certificate and key do not go together: {error}; check that they are a pair");
            fail(&tls.certificate.path, what)
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file.pem.expose_secret()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("it holds no certificate; write the chain in PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("it is not PEM: {error}; write the chain in PEM")),
    }
}
