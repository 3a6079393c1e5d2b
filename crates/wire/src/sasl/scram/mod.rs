//! SCRAM: the password proves itself without travelling (RFC 5802, with SHA-2 by RFC 7677).

pub(super) mod client;
mod credential;
mod keys;
mod message;
pub(super) mod server;

pub use credential::{CredentialError, MAX_ITERATIONS, MIN_ITERATIONS, SALT_BYTES, ScramCredential};
pub use keys::ScramHash;
pub(super) use message::unescape;
