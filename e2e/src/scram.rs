//! A SCRAM login in steps, so that a test can stop in the middle or change what it sends.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use secrecy::SecretString;
use tidegate_wire::sasl::{ClientExchange, ClientStep, Mechanism, Nonce, PasswordMechanism};

use crate::random;
use crate::raw::Connection;

/// Goes as far as the server's challenge and returns it with the message that would prove the password.
pub fn begin(
    connection: &mut Connection,
    mechanism: Mechanism,
    user: &str,
    password: &str,
) -> Result<(Bytes, Vec<u8>)> {
    let name = StrBytes::from_static_str(mechanism.name());
    let shaken = connection.call(1, &SaslHandshakeRequest::default().with_mechanism(name))?;
    ensure!(shaken.error_code == 0, "SASL handshake refused with code {}", shaken.error_code);
    let nonce =
        Nonce::from_random(*random::name("0123").as_bytes().first_chunk().context("a name is long enough")?);
    let mechanism = PasswordMechanism::of(mechanism).context("a token proves no password")?;
    let password = SecretString::from(password);
    let (first, exchange) = ClientExchange::with_password(mechanism, user, password, nonce)?;
    let challenge = authenticate(connection, first)?;
    ensure!(challenge.error_code == 0, "refused with code {} before the proof", challenge.error_code);
    match exchange.step(&challenge.auth_bytes) {
        ClientStep::Respond { bytes, .. } => Ok((challenge.auth_bytes, bytes)),
        other => bail!("no proof after the challenge, but {other:?}"),
    }
}

/// Logs in.
pub fn log_in(connection: &mut Connection, mechanism: Mechanism, user: &str, password: &str) -> Result<()> {
    let (_, proof) = begin(connection, mechanism, user, password)?;
    let done = authenticate(connection, proof)?;
    ensure!(done.error_code == 0, "login of {user} refused with code {}", done.error_code);
    Ok(())
}

/// Sends one message of an exchange.
pub fn authenticate(connection: &mut Connection, message: Vec<u8>) -> Result<SaslAuthenticateResponse> {
    connection.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message)))
}
