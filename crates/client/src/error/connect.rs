//! Why there is no connection.

use std::time::Duration;
use std::{fmt, io};

use thiserror::Error;
use tidegate_wire::api::ApiKey;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::sasl::{ClientFailure, Mechanism};

use super::{CallError, Fault, is_retriable};
use crate::{Endpoint, TokenError};

/// Why there is no connection.
#[derive(Debug, Error)]
#[error("cannot {step} {endpoint}: {failure}")]
pub struct ConnectError {
    /// Where to.
    pub endpoint: Endpoint,
    /// How far it came.
    pub step: ConnectStep,
    /// What happened there.
    pub failure: ConnectFailure,
}

/// The steps to a connection, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectStep {
    /// Obtaining the token of a login with OAUTHBEARER; nothing was dialled yet.
    Token,
    /// Looking up the host name.
    Resolve,
    /// The TCP connection.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// Asking which versions the broker speaks.
    ApiVersions,
    /// Naming the SASL mechanism.
    SaslHandshake,
    /// Logging in.
    SaslAuthenticate,
}

/// What happened at a step.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The operating system or the peer ended it.
    #[error("{0}")]
    Io(io::Error),
    /// It took too long.
    #[error("no result within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The name has no address.
    #[error("the host has no address")]
    NoAddress,
    /// The host cannot stand in a certificate.
    #[error("\"{name}\" is no name that a certificate can hold, set the server name")]
    ServerName {
        /// The name.
        name: String,
    },
    /// TLS failed, most often for the certificate.
    #[error("{0}")]
    Tls(rustls::Error),
    /// The peer closed during the TLS handshake.
    #[error("the peer closed the connection in the TLS handshake, is this a TLS listener?")]
    ClosedInTls,
    /// The peer answered plaintext with a TLS alert.
    #[error("the peer speaks TLS, but this side is set to plaintext")]
    PeerSpeaksTls,
    /// The peer closed before the first answer.
    #[error("the peer closed the connection at the first request, does this listener want TLS?")]
    ClosedAtOnce,
    /// A request of this step failed.
    #[error("{0}")]
    Call(CallError),
    /// The broker is too old for this step.
    #[error("the broker does not speak {api:?} at a version this side knows")]
    Unsupported {
        /// The API.
        api: ApiKey,
    },
    /// The broker does not offer the mechanism.
    #[error("the listener does not take {wanted}, it offers {offered}")]
    Mechanism {
        /// What this side was told to use.
        wanted: Mechanism,
        /// What the broker lists.
        offered: String,
    },
    /// The broker expects no login, neither a first one nor a renewal.
    #[error(
        "the broker expects no SASL login now: this listener is without SASL, \
         or the last renewal began less than a second ago"
    )]
    UnexpectedLogin,
    /// The broker answers with an error code.
    #[error("the broker answers {code}{}{message}", if message.is_empty() { "" } else { ": " })]
    Refused {
        /// The error code.
        code: ErrorCode,
        /// The broker's text, its printable part; may be empty.
        message: String,
    },
    /// The SASL exchange broke off on this side.
    #[error("{0}")]
    Sasl(ClientFailure),
    /// There is no token to log in with.
    #[error("{0}")]
    Token(TokenError),
    /// This machine gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

impl ConnectError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.fault() == Fault::Network
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match &self.failure {
            ConnectFailure::Io(_)
            | ConnectFailure::Timeout(_)
            | ConnectFailure::NoAddress
            | ConnectFailure::ClosedInTls
            | ConnectFailure::ClosedAtOnce => Fault::Network,
            ConnectFailure::Refused { code, .. } if is_retriable(*code) => Fault::Network,
            ConnectFailure::Call(error) => error.fault(),
            ConnectFailure::Token(error) => error.fault(),
            ConnectFailure::Unsupported { .. } => Fault::Broker,
            ConnectFailure::Sasl(ClientFailure::UnusableLogin | ClientFailure::UnusableToken) => {
                Fault::Configuration
            }
            ConnectFailure::Sasl(_) => Fault::Broker,
            ConnectFailure::ServerName { .. }
            | ConnectFailure::Tls(_)
            | ConnectFailure::PeerSpeaksTls
            | ConnectFailure::Mechanism { .. }
            | ConnectFailure::UnexpectedLogin
            | ConnectFailure::Refused { .. }
            | ConnectFailure::NoRandomness => Fault::Configuration,
        }
    }
}

impl fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "get a token for",
            Self::Resolve => "resolve the host of",
            Self::Tcp => "open a TCP connection to",
            Self::Tls => "speak TLS with",
            Self::ApiVersions => "ask for the API versions of",
            Self::SaslHandshake => "agree on a SASL mechanism with",
            Self::SaslAuthenticate => "log in at",
        })
    }
}
