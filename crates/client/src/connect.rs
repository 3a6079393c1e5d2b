//! From an endpoint to a connection that may be asked.

use std::time::Duration;

use tidegate_wire::frame::FrameError;

use crate::dial::{Failed, dial, tls_failure};
use crate::error::{AskError, CallError, CallFailure, ConnectError, ConnectFailure, ConnectStep};
use crate::login::log_in;
use crate::{Connection, Endpoint, SaslLogin, Security, versions};

/// A broker on the same continent answers a SYN within a second; ten leave room for a lost one or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// As the gateway gives its own clients.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// Kafka's own default for `request.timeout.ms`.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest legal answer is a Fetch: 50 MiB by our clamp, and one batch above it.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// TLS and SASL.
    pub security: Security,
    /// The name in each request's header; shows in the broker's logs and quotas.
    pub client_id: String,
    /// The time for name and TCP together.
    pub connect_timeout: Duration,
    /// The time for the TLS handshake.
    pub tls_timeout: Duration,
    /// The time for one request and its answer.
    pub request_timeout: Duration,
    /// The largest answer taken, in bytes.
    pub max_response_bytes: usize,
}

impl ConnectOptions {
    /// Options with the usual limits.
    #[must_use]
    pub fn new(client_id: impl Into<String>, security: Security) -> Self {
        Self {
            security,
            client_id: client_id.into(),
            connect_timeout: CONNECT_TIMEOUT,
            tls_timeout: TLS_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            max_response_bytes: MAX_RESPONSE_BYTES,
        }
    }
}

/// Connects to a broker: a token if the login needs one, name, TCP, TLS, ApiVersions, SASL.
///
/// # Errors
/// [`ConnectError`] with the step that failed.
pub async fn connect(endpoint: &Endpoint, options: &ConnectOptions) -> Result<Connection, ConnectError> {
    open(endpoint, options, options.security.login.as_ref()).await.map_err(|failed| at(endpoint, failed))
}

/// As [`connect`], with another login than the options hold.
///
/// # Errors
/// As [`connect`].
pub async fn connect_as(
    endpoint: &Endpoint,
    options: &ConnectOptions,
    login: &SaslLogin,
) -> Result<Connection, ConnectError> {
    open(endpoint, options, Some(login)).await.map_err(|failed| at(endpoint, failed))
}

impl Connection {
    /// Logs in again on this connection, so that its session does not end (KIP-368).
    ///
    /// # Errors
    /// [`ConnectError`]; the connection should then be dropped.
    pub async fn reauthenticate(&mut self, login: &SaslLogin) -> Result<(), ConnectError> {
        let result = match login.proof().await {
            Ok(proof) => log_in(self, &proof).await,
            Err(failed) => Err(failed),
        };
        result.map_err(|failed| at(self.endpoint(), failed))
    }
}

async fn open(
    endpoint: &Endpoint,
    options: &ConnectOptions,
    login: Option<&SaslLogin>,
) -> Result<Connection, Failed> {
    let proof = match login {
        Some(login) => Some(login.proof().await?),
        None => None,
    };
    let stream = dial(endpoint, options).await?;
    let mut connection = Connection::new(endpoint.clone(), stream, options);
    let versions = versions::ask(&mut connection).await;
    let versions = versions.map_err(first_answer)?;
    connection.set_versions(versions);
    if let Some(proof) = &proof {
        log_in(&mut connection, proof).await?;
    }
    tracing::debug!(%endpoint, "connected to broker");
    Ok(connection)
}

fn at(endpoint: &Endpoint, (step, failure): Failed) -> ConnectError {
    ConnectError { endpoint: endpoint.clone(), step, failure }
}

/// A TLS alert record, read as a Kafka frame size, begins with these two bytes.
const TLS_ALERT: usize = 0x1503;

/// Names the usual causes of a bad first answer: one side speaks TLS and the other does not, or the broker
/// refuses our certificate, which TLS 1.3 tells only after the handshake.
fn first_answer(error: AskError) -> Failed {
    let failure = match error {
        AskError::Call(CallError { failure: CallFailure::Io(error), .. }) => match tls_failure(error) {
            ConnectFailure::Tls(error) => return (ConnectStep::Tls, ConnectFailure::Tls(error)),
            failure => failure,
        },
        AskError::Call(CallError {
            failure: CallFailure::Frame(FrameError::TooLarge { size, .. }), ..
        }) if size >> 16 == TLS_ALERT => ConnectFailure::PeerSpeaksTls,
        AskError::Call(CallError { failure: CallFailure::Closed, .. }) => ConnectFailure::ClosedAtOnce,
        AskError::Call(error) => ConnectFailure::Call(error),
        AskError::Unsupported { api, .. } | AskError::Malformed { api, .. } => {
            ConnectFailure::Unsupported { api }
        }
        AskError::Refused { code, .. } => ConnectFailure::Refused { code, message: String::new() },
    };
    (ConnectStep::ApiVersions, failure)
}
