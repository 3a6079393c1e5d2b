//! What can go wrong, at which step, whose fault it is, and whether trying again may help.
//!
//! No error holds a secret. Texts of a broker are cut to their printable part; they are for the operator
//! and must not travel on to a partner.

mod call;
mod connect;

use kafka_protocol::ResponseError;
use tidegate_wire::error_code::ErrorCode;

pub use call::{AskError, CallError, CallFailure};
pub use connect::{ConnectError, ConnectFailure, ConnectStep};

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody yet: the way to the broker or the broker is down or slow.
    Network,
    /// The broker answers what it should not.
    Broker,
    /// What this side has or was told to use does not fit: certificate, user, password, listener.
    Configuration,
}

/// Whether Kafka calls an error code retriable.
#[must_use]
pub fn is_retriable(code: ErrorCode) -> bool {
    ResponseError::try_from_code(code.0).is_some_and(|error| error.is_retriable())
}

const MAX_BROKER_TEXT: usize = 200;

/// The part of a broker's text that may stand in a log line.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_BROKER_TEXT).collect()
}
