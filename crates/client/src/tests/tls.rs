//! TLS against certificates made on the spot.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use secrecy::SecretSlice;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::broker::{Broker, Peer, options};
use crate::{
    ConnectError, ConnectFailure, ConnectStep, Connection, Fault, Security, Tls, TlsOptions, connect,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key for a host.
fn issue(authority: &Issuer<'static, KeyPair>, host: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions::new().authorities(authority.pem())
}

/// A server of `host`; it asks for a client certificate of `clients` if given.
fn acceptor(authority: &Authority, host: &str, clients: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from(clients.der().to_vec())).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let (certificate, key) = issue(authority, host);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A broker behind TLS; after a handshake that fails it waits for the client's close.
async fn broker(acceptor: TlsAcceptor) -> Broker {
    Broker::run(|peer| async move {
        match acceptor.accept(peer.into_stream()).into_fallible().await {
            Ok(stream) => Peer::new(stream).versions().await,
            Err((_, mut socket)) => drop(socket.read_to_end(&mut Vec::new()).await),
        }
    })
    .await
}

async fn dial(broker: &Broker, tls: Tls) -> Result<Connection, ConnectError> {
    connect(&broker.endpoint, &options(Security::tls(tls))).await
}

async fn refused(broker: &Broker, tls: Tls) -> ConnectError {
    let error = dial(broker, tls).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::Tls, Fault::Configuration), "{error}");
    assert!(!error.is_retriable());
    error
}

#[tokio::test]
async fn a_trusted_certificate_for_the_host_is_taken() {
    let authority = authority();
    let broker = broker(acceptor(&authority, "127.0.0.1", None)).await;
    let connection = dial(&broker, trusting(&authority).build().unwrap()).await.unwrap();
    let stream = connection.into_parts().unwrap().stream;
    assert!(stream.is_write_vectored());
    broker.finished().await;
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_unless_told_otherwise() {
    let authority = authority();
    let acceptor = acceptor(&authority, "kafka.example.com", None);
    refused(&broker(acceptor.clone()).await, trusting(&authority).build().unwrap()).await;

    let named = trusting(&authority).server_name("kafka.example.com").build().unwrap();
    dial(&broker(acceptor.clone()).await, named).await.unwrap();
    let any_host = trusting(&authority).without_endpoint_identification().build().unwrap();
    dial(&broker(acceptor).await, any_host).await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_is_always_refused() {
    let acceptor = acceptor(&authority(), "127.0.0.1", None);
    let trusted = authority();
    refused(&broker(acceptor.clone()).await, trusting(&trusted).build().unwrap()).await;
    let any_host = trusting(&trusted).without_endpoint_identification().build().unwrap();
    refused(&broker(acceptor.clone()).await, any_host).await;
    refused(&broker(acceptor).await, TlsOptions::new().build().unwrap()).await;
}

#[tokio::test]
async fn a_client_certificate_is_presented_when_asked_for() {
    let (authority, clients) = (authority(), authority());
    let acceptor = acceptor(&authority, "127.0.0.1", Some(&clients));
    let (certificate, key) = issue(&clients, "client");
    let key = SecretSlice::from(key.serialize_pem().into_bytes());
    let tls = trusting(&authority).identity(certificate.pem(), key).build().unwrap();
    dial(&broker(acceptor.clone()).await, tls).await.unwrap();

    // In TLS 1.3 a client learns only with the first answer that its certificate was wanted.
    refused(&broker(acceptor).await, trusting(&authority).build().unwrap()).await;
}

#[tokio::test]
async fn a_plaintext_listener_is_hinted_at() {
    let broker = Broker::run(|peer| async move { drop(peer.into_stream()) }).await;
    let error = dial(&broker, TlsOptions::new().build().unwrap()).await.unwrap_err();
    assert_eq!(error.step, ConnectStep::Tls);
    let closed = matches!(error.failure, ConnectFailure::ClosedInTls | ConnectFailure::Io(_));
    assert!(closed && error.is_retriable(), "{error}");
}

#[tokio::test]
async fn a_host_that_no_certificate_can_hold_is_named() {
    let authority = authority();
    let broker = broker(acceptor(&authority, "127.0.0.1", None)).await;
    let tls = trusting(&authority).server_name("not a name").build().unwrap();
    let error = refused(&broker, tls).await;
    assert!(matches!(error.failure, ConnectFailure::ServerName { .. }), "{error}");
}
