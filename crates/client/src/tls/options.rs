//! From PEM text to a rustls configuration.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretSlice};
use thiserror::Error;

use super::verifier::ChainVerifier;

/// What TLS needs; without any option it trusts the public certificate authorities and presents nothing.
#[derive(Debug, Default)]
pub struct TlsOptions {
    authorities: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, SecretSlice<u8>)>,
    any_host: bool,
    server_name: Option<String>,
}

/// TLS, ready for use; cheap to clone.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: Option<String>,
}

/// Why TLS cannot be configured; which file the PEM came from is the caller's to add.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text is not PEM.
    #[error("the {what} is not valid PEM: {cause:?}")]
    Pem {
        /// Which of the texts.
        what: &'static str,
        /// What is wrong with it.
        cause: pem::Error,
    },
    /// There is no certificate in the text.
    #[error("the {what} holds no certificate, want at least one BEGIN CERTIFICATE block")]
    NoCertificate {
        /// Which of the texts.
        what: &'static str,
    },
    /// There is no usable key in the text.
    #[error("the client key holds no private key, want an unencrypted PKCS#8, PKCS#1 or SEC1 block")]
    NoKey,
    /// A certificate authority cannot be read.
    #[error("certificate {number} of the CA bundle cannot serve as a trust anchor: {cause}")]
    Authority {
        /// Its place in the bundle, from 1.
        number: usize,
        /// What is wrong with it.
        cause: rustls::Error,
    },
    /// The client certificate and key do not go together, or are of an unknown kind.
    #[error("the client certificate and key cannot be used: {0}")]
    Identity(rustls::Error),
    /// rustls refuses the configuration.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl TlsOptions {
    /// No options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these certificate authorities, in PEM, and no others.
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Presents this certificate chain and key, in PEM.
    #[must_use]
    pub fn identity(mut self, chain_pem: impl Into<Vec<u8>>, key_pem: SecretSlice<u8>) -> Self {
        self.identity = Some((chain_pem.into(), key_pem));
        self
    }

    /// Takes a certificate of a trusted authority whatever host it names, as Kafka does with an empty
    /// `ssl.endpoint.identification.algorithm`. Any holder of such a certificate can then play the broker.
    #[must_use]
    pub fn without_endpoint_identification(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// Expects this name in the certificate and sends it as SNI, instead of the endpoint's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    /// [`TlsError`] for the first text that cannot be used.
    pub fn build(self) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let roots = match &self.authorities {
            Some(pem) => roots(pem)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?;
        let builder = if self.any_host {
            let verifier = Arc::new(ChainVerifier::new(roots, &provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            builder.with_root_certificates(roots)
        };
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates("client certificate", chain)?;
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(TlsError::Identity)?
            }
        };
        Ok(Tls { config: Arc::new(config), server_name: self.server_name })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// The certificates of a bundle, all of which can serve as trust anchors.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    roots(pem)?;
    certificates("CA bundle", pem)
}

fn roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates("CA bundle", pem)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|cause| TlsError::Authority { number: index + 1, cause })?;
    }
    Ok(roots)
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|cause| TlsError::Pem { what, cause })?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate { what });
    }
    Ok(found)
}

fn private_key(pem: &SecretSlice<u8>) -> Result<PrivateKeyDer<'static>, TlsError> {
    // The parser's own words may quote a line of the key, so they go no further.
    PrivateKeyDer::from_pem_slice(pem.expose_secret()).map_err(|_| TlsError::NoKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: TlsOptions) -> String {
        options.build().map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn without_options_the_public_authorities_are_trusted() {
        assert!(TlsOptions::new().build().is_ok());
    }

    #[test]
    fn mistakes_are_named_and_show_no_key() {
        assert!(message(TlsOptions::new().authorities("")).contains("CA bundle holds no certificate"));
        let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(message(TlsOptions::new().authorities(torn)).contains("CA bundle is not valid PEM"));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(message(TlsOptions::new().authorities(empty)).contains("certificate 1 of the CA bundle"));

        let key = "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n";
        let options = TlsOptions::new().identity(empty, SecretSlice::from(key.as_bytes().to_vec()));
        assert!(!format!("{options:?}").contains("hunter2"));
        let message = message(options);
        assert!(message.contains("holds no private key") && !message.contains("hunter2"), "{message}");
    }
}
