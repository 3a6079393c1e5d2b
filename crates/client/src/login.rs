//! The SASL login of a connection, also to renew it (KIP-368).

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use tidegate_wire::sasl::{ClientExchange, ClientFailure, ClientStep, Mechanism, Nonce, PasswordMechanism};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use crate::dial::Failed;
use crate::error::{ConnectFailure, ConnectStep, printable};
use crate::{Connection, SaslLogin, TokenError, TokenSource};

/// Version 0 of the handshake would send the tokens without Kafka headers.
const HANDSHAKE: Versions = Versions::new(1, 1);
const AUTHENTICATE: Versions = Versions::new(0, 2);

/// The longest that a source of tokens may take, whatever limits it has of its own: whoever wants the connection waits.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// What a login shows.
pub(crate) enum Proof<'a> {
    Password { mechanism: PasswordMechanism, user: &'a str, password: &'a SecretString },
    Token { token: SecretString, source: &'a dyn TokenSource },
}

impl SaslLogin {
    /// Obtains what the login shows. No broker should wait for that.
    pub(crate) async fn proof(&self) -> Result<Proof<'_>, Failed> {
        let source = match self {
            Self::Password { mechanism, user, password } => {
                return Ok(Proof::Password { mechanism: *mechanism, user, password });
            }
            Self::Bearer(source) => source.as_ref(),
        };
        let token = timeout(TOKEN_TIMEOUT, source.token()).await;
        let token = token.unwrap_or(Err(TokenError::Timeout(TOKEN_TIMEOUT)));
        let token = token.map_err(|error| (ConnectStep::Token, ConnectFailure::Token(error)))?;
        Ok(Proof::Token { token, source })
    }
}

impl Proof<'_> {
    fn mechanism(&self) -> Mechanism {
        match self {
            Self::Password { mechanism, .. } => Mechanism::from(*mechanism),
            Self::Token { .. } => Mechanism::OauthBearer,
        }
    }

    fn start(&self) -> Result<(Vec<u8>, ClientExchange), ConnectFailure> {
        let started = match self {
            Self::Password { mechanism, user, password } => {
                ClientExchange::with_password(*mechanism, user, (*password).clone(), nonce()?)
            }
            Self::Token { token, .. } => ClientExchange::with_token(token),
        };
        started.map_err(ConnectFailure::Sasl)
    }

    /// The broker has refused it.
    fn refused(&self) {
        if let Self::Token { token, source } = self {
            source.refused(token);
        }
    }
}

pub(crate) async fn log_in(connection: &mut Connection, proof: &Proof<'_>) -> Result<(), Failed> {
    let version = version(connection, ApiKey::SaslAuthenticate, AUTHENTICATE)
        .map_err(|failure| (ConnectStep::SaslHandshake, failure))?;
    handshake(connection, proof.mechanism())
        .await
        .map_err(|failure| (ConnectStep::SaslHandshake, failure))?;
    let lifetime = authenticate(connection, proof, version).await;
    let lifetime = lifetime.map_err(|failure| (ConnectStep::SaslAuthenticate, failure))?;
    connection.set_session_ends_at(lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime)));
    Ok(())
}

async fn handshake(connection: &mut Connection, mechanism: Mechanism) -> Result<(), ConnectFailure> {
    let version = version(connection, ApiKey::SaslHandshake, HANDSHAKE)?;
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism.name()));
    let answer = connection.call(version, &request).await.map_err(ConnectFailure::Call)?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(()),
        ErrorCode::UNSUPPORTED_SASL_MECHANISM => {
            Err(ConnectFailure::Mechanism { wanted: mechanism, offered: offered(&answer) })
        }
        ErrorCode::ILLEGAL_SASL_STATE => Err(ConnectFailure::UnexpectedLogin),
        code => Err(ConnectFailure::Refused { code, message: String::new() }),
    }
}

/// Passes the tokens; yields how long the session lasts.
async fn authenticate(
    connection: &mut Connection,
    proof: &Proof<'_>,
    version: i16,
) -> Result<Option<Duration>, ConnectFailure> {
    let (mut token, mut exchange) = proof.start()?;
    loop {
        let answer = send_token(connection, version, token).await.inspect_err(|failure| {
            if matches!(failure, ConnectFailure::Refused { code: ErrorCode::SASL_AUTHENTICATION_FAILED, .. })
            {
                proof.refused();
            }
        })?;
        match step(exchange, answer.auth_bytes.clone()).await {
            ClientStep::Respond { bytes, next } => (token, exchange) = (bytes, next),
            ClientStep::Done => return Ok(session_lifetime(&answer)),
            ClientStep::Failed(failure) => return Err(ConnectFailure::Sasl(failure)),
        }
    }
}

async fn send_token(
    connection: &mut Connection,
    version: i16,
    token: Vec<u8>,
) -> Result<SaslAuthenticateResponse, ConnectFailure> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(token));
    let answer = connection.call(version, &request).await.map_err(ConnectFailure::Call)?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(answer),
        code => {
            let message = answer.error_message.as_ref().map(|text| printable(text)).unwrap_or_default();
            Err(ConnectFailure::Refused { code, message })
        }
    }
}

/// Takes a step on a thread of its own: a SCRAM challenge may cost tens of milliseconds.
async fn step(exchange: ClientExchange, message: Bytes) -> ClientStep {
    match spawn_blocking(move || exchange.step(&message)).await {
        Ok(step) => step,
        // Only a runtime that shuts down cancels it.
        Err(_) => ClientStep::Failed(ClientFailure::Malformed { what: "exchange given up" }),
    }
}

fn session_lifetime(answer: &SaslAuthenticateResponse) -> Option<Duration> {
    u64::try_from(answer.session_lifetime_ms).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

fn version(connection: &Connection, api: ApiKey, ours: Versions) -> Result<i16, ConnectFailure> {
    connection.versions().version_for(api, ours).ok_or(ConnectFailure::Unsupported { api })
}

fn nonce() -> Result<Nonce, ConnectFailure> {
    let mut bytes = [0; Nonce::BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ConnectFailure::NoRandomness)?;
    Ok(Nonce::from_random(bytes))
}

fn offered(answer: &SaslHandshakeResponse) -> String {
    let names: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { printable(&names.join(", ")) }
}
