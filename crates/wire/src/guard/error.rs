//! Why the guard refuses a body.

use std::fmt;

use thiserror::Error;

use super::Direction;
use super::schema::Counted;
use crate::api::{ApiKey, Versions};
use crate::reader::ReadError;

/// A body that the guard refuses; the connection it came from is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{api:?} {direction} v{version} refused at byte {at} of the body, field {field:?}: {fault}")]
#[non_exhaustive]
pub struct GuardError {
    /// The API.
    pub api: ApiKey,
    /// Which way the body travels.
    pub direction: Direction,
    /// The version that the body is read as.
    pub version: i16,
    /// The offset of the fault from the first byte of the body.
    pub at: usize,
    /// Kafka's name of the last field begun; empty before the first one.
    pub field: &'static str,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Tidegate never decodes this API.
    #[error("no schema for this api")]
    UnknownApi,
    /// The schema does not cover this version.
    #[error("version outside {0}")]
    UnknownVersion(Versions),
    /// The input ends inside a value.
    #[error("input ends {0} bytes short of a whole value")]
    Truncated(usize),
    /// A length below -1.
    #[error("illegal length {0}")]
    IllegalLength(i64),
    /// A varint of more than five bytes or 32 bits.
    #[error("varint too long")]
    VarintTooLong,
    /// A string that is not UTF-8.
    #[error("string is not UTF-8")]
    NotUtf8,
    /// A string beyond what the protocol allows in any form.
    #[error("string of {0} bytes, at most 32767 are legal")]
    StringTooLong(usize),
    /// Null where this version knows no null.
    #[error("null is not allowed in this version")]
    Null,
    /// The presence byte of a nullable struct is neither 1 nor -1.
    #[error("presence byte {0} is neither 1 nor -1")]
    Presence(i8),
    /// More elements than the rest of the input can hold.
    #[error("count {0} is more than the input can hold")]
    CountBeyondInput(usize),
    /// More elements than the cap leaves; the cap is a sum over the whole message.
    #[error("count {count} passes the cap on {counted} of one message")]
    TooMany {
        /// What is counted.
        counted: Counted,
        /// The count of this array.
        count: usize,
    },
    /// More entries in a tag section than the cap.
    #[error("{0} entries in one tag section")]
    TooManyTags(u32),
    /// Tag numbers are not strictly ascending.
    #[error("tag {0} is not above the tag before it")]
    TagOrder(u32),
    /// A tag that this struct defines, but not for this version; a broker refuses it as well.
    #[error("tag {0} is not valid in this version")]
    TagVersion(u32),
    /// The value of a known tag does not fill its declared size.
    #[error("the value of tag {number} leaves {unused} bytes of its declared size")]
    TagSize {
        /// The tag.
        number: u32,
        /// The bytes left.
        unused: usize,
    },
    /// Bytes after the last field.
    #[error("{0} bytes follow the message")]
    TrailingBytes(usize),
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Topics => "topics",
            Self::Partitions => "partitions",
            Self::Groups => "groups",
            Self::Keys => "keys",
            Self::Others => "other elements",
        })
    }
}

/// A fault and its place, before the walker's caller adds the message's name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Misfit {
    pub(super) at: usize,
    pub(super) fault: Fault,
}

impl From<ReadError> for Misfit {
    fn from(error: ReadError) -> Self {
        let (at, fault) = match error {
            ReadError::Truncated { at, wanted } => (at, Fault::Truncated(wanted)),
            ReadError::IllegalLength { at, length } => (at, Fault::IllegalLength(length)),
            ReadError::VarintTooLong { at } => (at, Fault::VarintTooLong),
            ReadError::NotUtf8 { at } => (at, Fault::NotUtf8),
        };
        Self { at, fault }
    }
}
