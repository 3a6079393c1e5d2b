//! Certificates of clients: who may issue them, and whom they stand for.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConnection};
use secrecy::ExposeSecret;

use super::{Mistake, certificates};
use crate::config::{ClientAuth, PemFile};
use crate::principal::{CertificateNames, PrincipalRules};

/// Certificates that a listener takes from its clients.
#[derive(Debug)]
pub(crate) struct ClientCertificates {
    verifier: Arc<dyn ClientCertVerifier>,
    rules: PrincipalRules,
}

/// A verified certificate of a client.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    /// The account that it stands for; `None` when no rule knows it.
    pub(crate) principal: Option<String>,
}

impl ClientCertificates {
    /// As configured.
    pub(super) fn new(config: &ClientAuth, provider: &Arc<CryptoProvider>) -> Result<Self, Mistake> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&config.ca)? {
            authorities.add(certificate).map_err(|error| {
                let what = format!(
                    "a certificate in it is of no use as an authority: {error}; remove or correct it"
                );
                (config.ca.path.clone(), what)
            })?;
        }
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider));
        if let Some(crl) = &config.crl {
            // An authority without a list in the file revokes nothing; certificates it issued stay good.
            builder = builder.with_crls(lists(crl)?).allow_unknown_revocation_status();
        }
        if !config.required {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|error| {
            let file = config.crl.as_ref().unwrap_or(&config.ca);
            (file.path.clone(), format!("it cannot be used: {error}; correct the file"))
        })?;
        Ok(Self { verifier, rules: config.rules.clone() })
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }

    /// The certificate that the client of a finished handshake has shown.
    pub(super) fn of(&self, connection: &ServerConnection) -> Option<ClientCertificate> {
        let chain: Vec<_> =
            connection.peer_certificates()?.iter().cloned().map(CertificateDer::into_owned).collect();
        let principal = self.principal(chain.first()?);
        Some(ClientCertificate { chain, principal })
    }

    /// Whether a certificate, taken under earlier files, would be taken again and for the same account.
    pub(crate) fn still_takes(&self, certificate: &ClientCertificate) -> bool {
        let Some((own, issuers)) = certificate.chain.split_first() else { return false };
        self.verifier.verify_client_cert(own, issuers, UnixTime::now()).is_ok()
            && self.principal(own) == certificate.principal
    }

    fn principal(&self, own: &CertificateDer<'_>) -> Option<String> {
        self.rules.principal(&CertificateNames::read(own)?)
    }
}

fn lists(file: &PemFile) -> Result<Vec<CertificateRevocationListDer<'static>>, Mistake> {
    let lists: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_slice_iter(file.pem.expose_secret()).collect();
    match lists {
        Ok(lists) if lists.is_empty() => {
            Err((file.path.clone(), "it holds no revocation list; write it in PEM".to_owned()))
        }
        Ok(lists) => Ok(lists),
        Err(error) => Err((file.path.clone(), format!("it is not PEM: {error}; write the list in PEM"))),
    }
}
