//! What a broker says against one partition, topic or resource of a request.

use std::fmt;

use thiserror::Error;
use tidegate_client::{is_retriable, printable};
use tidegate_wire::StrBytes;
use tidegate_wire::error_code::ErrorCode;

/// Why a broker does not do one thing of a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Refusal {
    /// The error code.
    pub code: ErrorCode,
    /// The broker's text, its printable part; may be empty. For operators.
    pub message: String,
}

impl Refusal {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        is_retriable(self.code)
    }

    /// Takes an answer's error code, and its text if the API has one.
    pub(super) fn check(code: i16, message: Option<&StrBytes>) -> Result<(), Self> {
        match ErrorCode(code) {
            ErrorCode::NONE => Ok(()),
            code => Err(Self { code, message: message.map(|text| printable(text)).unwrap_or_default() }),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "the broker answers {}", self.code),
            message => write!(f, "the broker answers {}: {message}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_refusal_unless_it_is_none() {
        assert_eq!(Refusal::check(0, Some(&StrBytes::from_static_str("fine"))), Ok(()));
        let refusal = Refusal::check(6, None).unwrap_err();
        assert!(refusal.is_retriable());
        assert_eq!(refusal.to_string(), "the broker answers NOT_LEADER_OR_FOLLOWER (6)");
        let refusal = Refusal::check(87, Some(&StrBytes::from_static_str("no\u{1b}[1m key"))).unwrap_err();
        assert!(!refusal.is_retriable());
        assert_eq!(refusal.to_string(), "the broker answers INVALID_RECORD (87): no[1m key");
    }
}
