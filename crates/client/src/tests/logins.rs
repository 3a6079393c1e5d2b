//! SASL against a broker that checks.

use std::time::Duration;

use kafka_protocol::protocol::StrBytes;
use secrecy::{ExposeSecret, SecretString};
use tidegate_wire::api::ApiKey;
use tidegate_wire::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use tidegate_wire::sasl::{
    Mechanism, Nonce, PasswordMechanism, Rejection, ScramCredential, ScramHash, ServerExchange, ServerStep,
};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::broker::{Broker, Peer, body, options};
use crate::{
    ConnectError, ConnectFailure, ConnectStep, Connection, Fault, FixedToken, SaslLogin, Security, connect,
};

const PASSWORD: &str = "s3cret";
const LIFETIME_MS: i64 = 60_000;

fn login(mechanism: Mechanism, password: &str) -> SaslLogin {
    let password = SecretString::from(password);
    match PasswordMechanism::of(mechanism) {
        Some(mechanism) => SaslLogin::Password { mechanism, user: "ann".to_owned(), password },
        None => SaslLogin::bearer(FixedToken::new(password)),
    }
}

async fn log_in(broker: &Broker, login: SaslLogin) -> Result<Connection, ConnectError> {
    connect(&broker.endpoint, &options(Security::plaintext().with_login(login))).await
}

fn credential(hash: ScramHash) -> ScramCredential {
    ScramCredential::derive(hash, &SecretString::from(PASSWORD), &[5; 16], 4_096).unwrap()
}

/// Answers a handshake; yields the mechanism.
async fn handshake(peer: &mut Peer<TcpStream>) -> Mechanism {
    let request = peer.request(ApiKey::SaslHandshake).await;
    assert_eq!(request.version, 1);
    let named = body::<SaslHandshakeRequest>(&request).mechanism;
    peer.answer(&request, &SaslHandshakeResponse::default()).await;
    Mechanism::parse(&named).unwrap()
}

/// Takes a whole login as a broker does.
async fn take_login(peer: &mut Peer<TcpStream>) {
    let mechanism = handshake(peer).await;
    let mut exchange = ServerExchange::start(mechanism, Nonce::from_random([3; Nonce::BYTES]));
    loop {
        let request = peer.request(ApiKey::SaslAuthenticate).await;
        let mut step = exchange.step(&body::<SaslAuthenticateRequest>(&request).auth_bytes);
        step = match step {
            ServerStep::CheckPassword { password, resume, .. } => {
                let fits = credential(ScramHash::Sha256).verify_password(&password);
                resume.with(if fits { Ok(()) } else { Err(Rejection::WrongPassword) })
            }
            ServerStep::NeedCredential { hash, resume, .. } => resume.with(credential(hash), true),
            ServerStep::CheckToken { token, resume } => {
                let fits = token.expose_secret() == PASSWORD;
                resume.with(if fits {
                    Ok("ann".to_owned())
                } else {
                    Err(Rejection::Token("wrong".to_owned()))
                })
            }
            step => step,
        };
        let answer = SaslAuthenticateResponse::default();
        match step {
            ServerStep::Challenge { bytes, next } => {
                exchange = next;
                peer.answer(&request, &answer.with_auth_bytes(bytes.into())).await;
            }
            ServerStep::Accepted { bytes, .. } => {
                let answer = answer.with_auth_bytes(bytes.into()).with_session_lifetime_ms(LIFETIME_MS);
                return peer.answer(&request, &answer).await;
            }
            ServerStep::Rejected { .. } => {
                let text = StrBytes::from_static_str("Invalid\u{7} credentials");
                let answer = answer.with_error_code(58).with_error_message(Some(text));
                return peer.answer(&request, &answer).await;
            }
            step => panic!("{step:?}"),
        }
    }
}

#[tokio::test]
async fn every_mechanism_logs_in_and_learns_its_lifetime() {
    for mechanism in Mechanism::ALL {
        let broker = Broker::run(|mut peer| async move {
            peer.versions().await;
            take_login(&mut peer).await;
        })
        .await;
        let before = Instant::now();
        let connection = log_in(&broker, login(mechanism, PASSWORD)).await.unwrap();
        let left = connection.session_ends_at().unwrap() - before;
        assert!((Duration::from_secs(60)..Duration::from_secs(65)).contains(&left), "{left:?}");
        broker.finished().await;
    }
}

#[tokio::test]
async fn a_login_can_be_renewed_on_the_same_connection() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        take_login(&mut peer).await;
        take_login(&mut peer).await;
    })
    .await;
    let mut connection = log_in(&broker, login(Mechanism::ScramSha256, PASSWORD)).await.unwrap();
    let first_end = connection.session_ends_at().unwrap();
    connection.reauthenticate(&login(Mechanism::ScramSha256, PASSWORD)).await.unwrap();
    assert!(connection.session_ends_at().unwrap() > first_end);
    broker.finished().await;
}

#[tokio::test]
async fn a_wrong_password_is_final_and_shows_no_secret() {
    for mechanism in Mechanism::ALL {
        let broker = Broker::run(|mut peer| async move {
            peer.versions().await;
            take_login(&mut peer).await;
        })
        .await;
        let error = log_in(&broker, login(mechanism, "hunter2")).await.unwrap_err();
        assert_eq!((error.step, error.fault()), (ConnectStep::SaslAuthenticate, Fault::Configuration));
        assert!(!error.is_retriable());
        let text = error.to_string();
        let end = "the broker answers SASL_AUTHENTICATION_FAILED (58): Invalid credentials";
        assert!(text.ends_with(end), "{text}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_named_with_those_that_are() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::SaslHandshake).await;
        let names = ["PLAIN", "GSSAPI"].map(StrBytes::from_static_str);
        let answer = SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(names.to_vec());
        peer.answer(&request, &answer).await;
    })
    .await;
    let error = log_in(&broker, login(Mechanism::ScramSha512, PASSWORD)).await.unwrap_err();
    assert_eq!((error.step, error.is_retriable()), (ConnectStep::SaslHandshake, false));
    assert!(error.to_string().ends_with("does not take SCRAM-SHA-512, it offers PLAIN, GSSAPI"), "{error}");
}

#[tokio::test]
async fn a_close_at_either_step_is_retriable() {
    let at_handshake = Broker::run(|mut peer| async move {
        peer.versions().await;
        peer.request(ApiKey::SaslHandshake).await;
    })
    .await;
    let at_token = Broker::run(|mut peer| async move {
        peer.versions().await;
        handshake(&mut peer).await;
        peer.request(ApiKey::SaslAuthenticate).await;
    })
    .await;
    for (broker, step) in
        [(at_handshake, ConnectStep::SaslHandshake), (at_token, ConnectStep::SaslAuthenticate)]
    {
        let error = log_in(&broker, login(Mechanism::Plain, PASSWORD)).await.unwrap_err();
        assert_eq!(error.step, step);
        assert!(error.is_retriable(), "{error}");
    }
}

#[tokio::test]
async fn a_broker_that_cannot_sign_is_not_believed() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        handshake(&mut peer).await;
        let request = peer.request(ApiKey::SaslAuthenticate).await;
        // It agrees at once, with nothing to show for it.
        peer.answer(&request, &SaslAuthenticateResponse::default()).await;
    })
    .await;
    let error = log_in(&broker, login(Mechanism::ScramSha256, PASSWORD)).await.unwrap_err();
    assert!(matches!(error.failure, ConnectFailure::Sasl(_)), "{error}");
    assert_eq!((error.fault(), error.is_retriable()), (Fault::Broker, false));
}

#[tokio::test]
async fn a_listener_without_sasl_is_named() {
    let broker = Broker::run(|mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        let mut versions = super::broker::api_versions(0);
        versions.api_keys.retain(|api| api.api_key != ApiKey::SaslHandshake as i16);
        peer.answer(&request, &versions).await;
    })
    .await;
    let error = log_in(&broker, login(Mechanism::Plain, PASSWORD)).await.unwrap_err();
    let unsupported = matches!(error.failure, ConnectFailure::Unsupported { api: ApiKey::SaslHandshake });
    assert!(unsupported, "{error}");
}

#[tokio::test]
async fn a_listener_that_knows_sasl_but_takes_no_login_is_named() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::SaslHandshake).await;
        // What a real PLAINTEXT listener answers.
        peer.answer(&request, &SaslHandshakeResponse::default().with_error_code(34)).await;
    })
    .await;
    let error = log_in(&broker, login(Mechanism::Plain, PASSWORD)).await.unwrap_err();
    assert!(matches!(error.failure, ConnectFailure::UnexpectedLogin), "{error}");
    assert_eq!((error.fault(), error.is_retriable()), (Fault::Configuration, false));
}
