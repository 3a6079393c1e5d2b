//! Why there is no token.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::MAX_TOKEN_BYTES;
use crate::Fault;

/// Why there is no token. It holds no secret, and of the texts of a token endpoint the printable part. All who waited for the same token
/// have the same reason.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file is not there, or is no text.
    #[error("the token file {} cannot be read: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: Arc<io::Error>,
    },
    /// There is no token in the file.
    #[error("the token file {} is empty: is whoever writes it running?", path.display())]
    EmptyFile {
        /// Which.
        path: PathBuf,
    },
    /// Brokers would not take it.
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// The source did not give one in time.
    #[error("no token within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The token endpoint cannot be asked.
    #[error("the token endpoint {endpoint} cannot be asked: {cause}")]
    Unreachable {
        /// Its address.
        endpoint: String,
        /// What happened.
        cause: String,
    },
    /// The token endpoint is not whom it should be.
    #[error(
        "the token endpoint {endpoint} is not trusted: {cause}; name the authority of its certificate, or its right address"
    )]
    Distrusted {
        /// Its address.
        endpoint: String,
        /// What is wrong.
        cause: String,
    },
    /// The token endpoint gives none.
    #[error("the token endpoint {endpoint} refuses, status {status}{}{reason}", if reason.is_empty() { "" } else { ": " })]
    Refused {
        /// Its address.
        endpoint: String,
        /// The status of its answer.
        status: u16,
        /// Its own words; may be empty.
        reason: String,
    },
    /// What the token endpoint answers is none.
    #[error("what the token endpoint {endpoint} answers is no token: {what}; is it the right address?")]
    Answer {
        /// Its address.
        endpoint: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A source of another kind has none.
    #[error("{0}")]
    Other(Arc<dyn StdError + Send + Sync>),
}

impl TokenError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Timeout(_)
            | Self::Unreachable { .. }
            | Self::Refused { status: 408 | 429 | 500.., .. }
            | Self::Other(_) => Fault::Network,
            Self::File { .. }
            | Self::EmptyFile { .. }
            | Self::TooLong
            | Self::Distrusted { .. }
            | Self::Refused { .. }
            | Self::Answer { .. } => Fault::Configuration,
        }
    }
}
