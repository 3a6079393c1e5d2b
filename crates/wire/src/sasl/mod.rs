//! SASL logins without sockets: PLAIN (RFC 4616), SCRAM (RFC 5802, RFC 7677) and OAUTHBEARER (RFC 7628), both sides.
//!
//! [`Login`] is the login of one connection as the gateway sees it: which request may come now, when a
//! session ends, when it may be renewed (KIP-368). It drives a [`ServerExchange`], which knows the bytes of
//! one exchange and nothing of Kafka. [`ClientExchange`] is the other side, for connections to brokers.
//!
//! Every state consumes itself, so no step can be taken twice. Randomness comes in as a [`Nonce`], time as
//! a `Duration` since an origin of the caller's choice. User names and passwords are compared as the bytes
//! that came, without SASLprep, as Apache Kafka does.

mod bearer;
mod client;
mod mechanism;
mod nonce;
mod plain;
mod rejection;
mod scram;
mod server;
mod session;
#[cfg(test)]
mod tests;

pub use client::{ClientExchange, ClientFailure, ClientStep};
pub use mechanism::{Mechanism, PasswordMechanism};
pub use nonce::Nonce;
pub use rejection::Rejection;
pub use scram::{CredentialError, MAX_ITERATIONS, MIN_ITERATIONS, SALT_BYTES, ScramCredential, ScramHash};
pub use server::{CredentialLookup, PasswordCheck, ServerExchange, ServerStep, TokenCheck};
pub use session::{
    AUTHENTICATION_FAILED, Admission, AuthenticateStep, CloseReason, Grant, HandshakeStep, Login,
    LoginCredentialLookup, LoginPasswordCheck, LoginPolicy, LoginTokenCheck, REAUTHENTICATION_INTERVAL,
};

/// The longest message either side takes, in bytes. Kafka's own are below 1 KiB; long passwords fit.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024;

/// The longest message that brings a token, in bytes: signed lists of a user's groups run to some kilobytes.
pub const MAX_TOKEN_MESSAGE_BYTES: usize = 16 * 1024;

/// The longest user name, in bytes, after unescaping.
pub const MAX_USER_BYTES: usize = 255;
