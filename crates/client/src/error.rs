//! What can go wrong, at which step, whose fault it is, and whether trying again may help.
//!
//! No error holds a secret. Texts of a broker are cut to their printable part; they are for the operator
//! and must not travel on to a partner.

use std::time::Duration;
use std::{fmt, io};

use kafka_protocol::ResponseError;
use thiserror::Error;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec::CodecError;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::FrameError;
use tidegate_wire::reader::ReadError;
use tidegate_wire::sasl::{ClientFailure, Mechanism};

use crate::Endpoint;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody yet: the way to the broker or the broker is down or slow.
    Network,
    /// The broker answers what it should not.
    Broker,
    /// What this side was told to use does not fit: address, certificate, user, password.
    Configuration,
}

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
    /// This machine gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

impl ConnectError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match &self.failure {
            ConnectFailure::Refused { code, .. } => is_retriable(*code),
            ConnectFailure::Call(error) => error.is_retriable(),
            _ => self.fault() == Fault::Network,
        }
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match &self.failure {
            ConnectFailure::Io(_)
            | ConnectFailure::Timeout(_)
            | ConnectFailure::NoAddress
            | ConnectFailure::ClosedInTls
            | ConnectFailure::ClosedAtOnce
            | ConnectFailure::NoRandomness => Fault::Network,
            ConnectFailure::Call(error) => error.fault(),
            ConnectFailure::Unsupported { .. } => Fault::Broker,
            ConnectFailure::Sasl(ClientFailure::UnusableLogin) => Fault::Configuration,
            ConnectFailure::Sasl(_) => Fault::Broker,
            ConnectFailure::ServerName { .. }
            | ConnectFailure::Tls(_)
            | ConnectFailure::PeerSpeaksTls
            | ConnectFailure::Mechanism { .. }
            | ConnectFailure::Refused { .. } => Fault::Configuration,
        }
    }
}

impl fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve the host of",
            Self::Tcp => "open a TCP connection to",
            Self::Tls => "speak TLS with",
            Self::ApiVersions => "ask for the API versions of",
            Self::SaslHandshake => "agree on a SASL mechanism with",
            Self::SaslAuthenticate => "log in at",
        })
    }
}

/// Why a request has no answer.
#[derive(Debug, Error)]
#[error("{api:?} v{version}: {failure}")]
pub struct CallError {
    /// What was asked.
    pub api: ApiKey,
    /// Under which version.
    pub version: i16,
    /// What happened.
    pub failure: CallFailure,
}

/// What happened to a request.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// An earlier request broke the connection, or was given up half way.
    #[error("the connection broke at an earlier request")]
    Poisoned,
    /// The operating system or the peer ended it.
    #[error("{0}")]
    Io(io::Error),
    /// The broker closed the connection.
    #[error("the broker closed the connection before its answer was complete")]
    Closed,
    /// The answer took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The answer's size is illegal or over the limit.
    #[error("{0}")]
    Frame(FrameError),
    /// The answer has no whole header.
    #[error("malformed header of the answer: {0}")]
    Header(ReadError),
    /// The answer belongs to another request.
    #[error("the answer carries correlation id {received}, want {sent}")]
    Correlation {
        /// The id of the request.
        sent: i32,
        /// The id of the answer.
        received: i32,
    },
    /// The request has no form at this version.
    #[error("{0}")]
    Encode(CodecError),
    /// The answer is not what its schema says.
    #[error("{0}")]
    Decode(CodecError),
}

impl CallError {
    /// Whether the same request may succeed on a new connection.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.fault() == Fault::Network
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match &self.failure {
            CallFailure::Poisoned | CallFailure::Io(_) | CallFailure::Closed | CallFailure::Timeout(_) => {
                Fault::Network
            }
            CallFailure::Frame(_)
            | CallFailure::Header(_)
            | CallFailure::Correlation { .. }
            | CallFailure::Decode(_) => Fault::Broker,
            CallFailure::Encode(_) => Fault::Configuration,
        }
    }
}

/// Why a question to the cluster has no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    /// The request failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The broker does not speak the API at a version this side can use.
    #[error("the broker does not speak {api:?} at any of the versions {ours}")]
    Unsupported {
        /// The API.
        api: ApiKey,
        /// The versions this side can use.
        ours: Versions,
    },
    /// The broker answers with an error code.
    #[error("{api:?}: the broker answers {code}")]
    Refused {
        /// The API.
        api: ApiKey,
        /// The error code.
        code: ErrorCode,
    },
    /// The answer does not make sense.
    #[error("{api:?}: {what}")]
    Malformed {
        /// The API.
        api: ApiKey,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl AskError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Call(error) => error.is_retriable(),
            Self::Refused { code, .. } => is_retriable(*code),
            Self::Unsupported { .. } | Self::Malformed { .. } => false,
        }
    }
}

/// Whether Kafka calls an error code retriable.
fn is_retriable(code: ErrorCode) -> bool {
    ResponseError::try_from_code(code.0).is_some_and(|error| error.is_retriable())
}

const MAX_BROKER_TEXT: usize = 200;

/// The part of a broker's text that may stand in a log line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_BROKER_TEXT).collect()
}
