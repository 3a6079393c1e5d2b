//! Why a request has no answer, or not the one hoped for.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec::CodecError;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::FrameError;
use tidegate_wire::reader::ReadError;

use super::{Fault, is_retriable};

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

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Call(error) => error.fault(),
            Self::Refused { code, .. } if is_retriable(*code) => Fault::Network,
            Self::Refused { .. } => Fault::Configuration,
            Self::Unsupported { .. } | Self::Malformed { .. } => Fault::Broker,
        }
    }
}
