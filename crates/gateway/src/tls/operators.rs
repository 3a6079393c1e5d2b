//! TLS towards operators: a certificate, and nobody is asked for theirs.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::sign::SingleCertAndKey;
use tokio_rustls::TlsAcceptor;

use super::certified_key;
use crate::config::AdminTls;
use crate::error::GatewayError;

/// Takes handshakes with this certificate: TLS 1.2 and 1.3.
///
/// # Errors
/// [`GatewayError::AdminTls`] with the file.
pub(crate) fn acceptor(tls: &AdminTls) -> Result<TlsAcceptor, GatewayError> {
    let fail = |(path, what)| GatewayError::AdminTls { path, what };
    let provider = Arc::new(default_provider());
    let certified = certified_key(&tls.certificate, &tls.key, &provider).map_err(fail)?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fail((tls.certificate.path.clone(), error.to_string())))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    Ok(TlsAcceptor::from(Arc::new(server)))
}
