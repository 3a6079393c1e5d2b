//! Fetching the public keys of an identity provider.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tidegate_core::ProviderName;
use tidegate_core::token::{KeySet, KeySetError, MAX_KEY_SET_BYTES};
use tokio::sync::Mutex;
use tokio::time::Instant;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::config::KeyUrl;
use crate::error::GatewayError;

/// Where keys are, and how they are got.
pub(super) struct Source {
    url: String,
    ca: Option<Vec<u8>>,
    tls: TlsConfig,
    pub(super) fetches: Mutex<Fetches>,
}

/// When keys were fetched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fetches {
    /// Last, whatever came of it.
    pub(super) tried: Option<Instant>,
    /// Last, with keys.
    pub(super) done: Option<Instant>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0}")]
    Http(String),
    #[error("the answer has the status {0}; name the address that the keys themselves are at")]
    Status(u16),
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

impl Source {
    /// # Errors
    /// [`GatewayError::KeyAuthorities`].
    pub(super) fn new(provider: &ProviderName, config: &KeyUrl) -> Result<Self, GatewayError> {
        let ca = config.ca.as_ref().map(|ca| ca.pem.expose_secret().to_vec());
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &ca {
            let roots = roots(pem).ok_or_else(|| GatewayError::KeyAuthorities(provider.to_string()))?;
            tls = tls.root_certs(roots);
        }
        Ok(Self { url: config.url.clone(), ca, tls: tls.build(), fetches: Mutex::default() })
    }
}

/// The same place, entered in the same way.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.ca) == (&other.url, &other.ca)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

/// Fetches keys. Redirects are not followed: the address that the operator trusts is the one that is asked.
pub(super) async fn fetch(source: &Arc<Source>, deadline: Duration) -> Result<Arc<KeySet>, FetchError> {
    let source = Arc::clone(source);
    let body = tokio::task::spawn_blocking(move || get(&source, deadline)).await;
    let body = body.map_err(|error| FetchError::Http(error.to_string()))??;
    Ok(Arc::new(KeySet::parse(&body)?))
}

fn get(source: &Source, deadline: Duration) -> Result<Vec<u8>, FetchError> {
    let config = Agent::config_builder()
        .timeout_global(Some(deadline))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .tls_config(source.tls.clone());
    let failed = |error: ureq::Error| FetchError::Http(error.to_string());
    let mut answer = Agent::new_with_config(config.build()).get(&source.url).call().map_err(failed)?;
    match answer.status().as_u16() {
        200 => {}
        other => return Err(FetchError::Status(other)),
    }
    let limit = u64::try_from(MAX_KEY_SET_BYTES).unwrap_or(u64::MAX);
    answer.body_mut().with_config().limit(limit).read_to_vec().map_err(failed)
}

/// The certificates of a PEM file; `None` if there is none or one is broken.
fn roots(pem: &[u8]) -> Option<RootCerts> {
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.ok()? {
            certificates.push(certificate);
        }
    }
    (!certificates.is_empty()).then(|| RootCerts::from(certificates.into_iter()))
}
