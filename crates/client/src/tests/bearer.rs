//! Logins with tokens: where they come from, and what becomes of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use secrecy::{ExposeSecret, SecretString};
use tidegate_wire::api::ApiKey;
use tidegate_wire::messages::SaslHandshakeResponse;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::broker::{Broker, Peer, body, options};
use crate::{
    ConnectFailure, ConnectStep, Endpoint, Fault, FixedToken, Obtaining, SaslLogin, Security, TOKEN_TIMEOUT,
    TokenError, TokenFile, TokenSource, connect,
};

/// Gives the tokens `t0`, `t1` and so on, and remembers which a broker has refused.
#[derive(Debug, Default)]
struct Counting {
    given: AtomicUsize,
    refused: Mutex<Vec<String>>,
}

impl TokenSource for &'static Counting {
    fn token(&self) -> Obtaining<'_> {
        let number = self.given.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(SecretString::from(format!("t{number}"))) })
    }

    fn refused(&self, token: &SecretString) {
        self.refused.lock().unwrap().push(token.expose_secret().to_owned());
    }
}

/// Never gives any.
#[derive(Debug)]
struct Stalled;

impl TokenSource for Stalled {
    fn token(&self) -> Obtaining<'_> {
        Box::pin(std::future::pending())
    }
}

/// Takes the beginning of a login; yields the request that brings the token, and the token.
async fn first_message(peer: &mut Peer<TcpStream>) -> (tidegate_wire::header::Request, String) {
    let request = peer.request(ApiKey::SaslHandshake).await;
    assert_eq!(body::<SaslHandshakeRequest>(&request).mechanism.as_str(), "OAUTHBEARER");
    peer.answer(&request, &SaslHandshakeResponse::default()).await;
    let request = peer.request(ApiKey::SaslAuthenticate).await;
    let message = String::from_utf8(body::<SaslAuthenticateRequest>(&request).auth_bytes.to_vec()).unwrap();
    let token = message.strip_prefix("n,,\x01auth=Bearer ").and_then(|rest| rest.strip_suffix("\x01\x01"));
    let token = token.expect("a token").to_owned();
    (request, token)
}

/// Takes a login and says that the session lasts so long.
async fn accept(peer: &mut Peer<TcpStream>, lifetime_ms: i64) -> String {
    let (request, token) = first_message(peer).await;
    peer.answer(&request, &SaslAuthenticateResponse::default().with_session_lifetime_ms(lifetime_ms)).await;
    token
}

/// Refuses a login as brokers do: what is wrong first, and the refusal once that is taken note of.
async fn refuse(peer: &mut Peer<TcpStream>) {
    let (request, _) = first_message(peer).await;
    let told =
        SaslAuthenticateResponse::default().with_auth_bytes((&br#"{"status":"invalid_token"}"#[..]).into());
    peer.answer(&request, &told).await;
    let request = peer.request(ApiKey::SaslAuthenticate).await;
    assert_eq!(&body::<SaslAuthenticateRequest>(&request).auth_bytes[..], b"\x01");
    let text = StrBytes::from_static_str(r#"{"status":"invalid_token"}"#);
    let refusal = SaslAuthenticateResponse::default().with_error_code(58).with_error_message(Some(text));
    peer.answer(&request, &refusal).await;
}

#[tokio::test]
async fn each_login_shows_a_token_of_its_own_and_a_session_lasts_as_long_as_it() {
    let source: &Counting = Box::leak(Box::default());
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        assert_eq!(accept(&mut peer, 60_000).await, "t0");
        assert_eq!(accept(&mut peer, 90_000).await, "t1");
    })
    .await;
    let login = SaslLogin::bearer(source);
    let (begun, security) = (Instant::now(), Security::plaintext().with_login(login.clone()));
    let mut connection = connect(&broker.endpoint, &options(security)).await.unwrap();
    let left = |end: Option<Instant>| end.unwrap() - begun;
    assert!((60..65).contains(&left(connection.session_ends_at()).as_secs()));
    connection.reauthenticate(&login).await.unwrap();
    assert!((90..95).contains(&left(connection.session_ends_at()).as_secs()));
    broker.finished().await;
}

#[tokio::test]
async fn a_file_is_read_anew_for_every_login() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let login = SaslLogin::bearer(TokenFile::new(&path));
    for token in ["first", "second"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let broker = Broker::run(move |mut peer| async move {
            peer.versions().await;
            assert_eq!(accept(&mut peer, 0).await, token);
        })
        .await;
        let security = Security::plaintext().with_login(login.clone());
        let connection = connect(&broker.endpoint, &options(security)).await.unwrap();
        assert_eq!(connection.session_ends_at(), None);
        broker.finished().await;
    }
}

#[tokio::test]
async fn the_source_hears_of_a_token_that_is_refused() {
    let source: &Counting = Box::leak(Box::default());
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        refuse(&mut peer).await;
    })
    .await;
    let security = Security::plaintext().with_login(SaslLogin::bearer(source));
    let error = connect(&broker.endpoint, &options(security)).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::SaslAuthenticate, Fault::Configuration));
    assert!(error.to_string().ends_with(r#"(58): {"status":"invalid_token"}"#), "{error}");
    assert_eq!(*source.refused.lock().unwrap(), ["t0"]);
    broker.finished().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_token_no_broker_is_dialled() {
    // Nobody listens there.
    let nobody = Endpoint::new("127.0.0.1", 1);
    let begun = Instant::now();
    let security = Security::plaintext().with_login(SaslLogin::bearer(Stalled));
    let error = connect(&nobody, &options(security)).await.unwrap_err();
    assert_eq!((error.step, begun.elapsed().as_secs()), (ConnectStep::Token, TOKEN_TIMEOUT.as_secs()));
    assert!(matches!(error.failure, ConnectFailure::Token(TokenError::Timeout(_))), "{error}");
    assert!(error.is_retriable());
    let missing = SaslLogin::bearer(TokenFile::new("no-such-folder/token"));
    let error = connect(&nobody, &options(Security::plaintext().with_login(missing))).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::Token, Fault::Configuration));
    let start = "cannot get a token for 127.0.0.1:1: the token file no-such-folder/token cannot be read: ";
    assert!(error.to_string().starts_with(start), "{error}");
}

#[tokio::test]
async fn what_is_no_token_is_not_sent() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::SaslHandshake).await;
        peer.answer(&request, &SaslHandshakeResponse::default()).await;
        assert!(peer.next().await.is_none());
    })
    .await;
    let login = SaslLogin::bearer(FixedToken::new(SecretString::from("hunter2\u{1}")));
    let error =
        connect(&broker.endpoint, &options(Security::plaintext().with_login(login))).await.unwrap_err();
    assert_eq!((error.fault(), error.is_retriable()), (Fault::Configuration, false));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    broker.finished().await;
}
