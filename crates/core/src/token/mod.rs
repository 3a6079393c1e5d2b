//! Tokens of identity providers: JSON Web Tokens (RFC 7519) that a provider signed with one of its public keys.
//!
//! [`Token::parse`] takes a token apart and believes nothing of it; [`Issuer::check`] says whom it stands for and until
//! when, and is the only way to find out. Signatures are checked by ring. The maintained crate for these tokens chooses
//! its cryptography for the whole process, which a library must not do to the program that embeds it.

mod claims;
mod error;
mod issuer;
mod keys;
mod parsed;
#[cfg(test)]
mod tests;

pub use error::{KeySetError, TokenError};
pub use issuer::{Bearer, Issuer};
pub use keys::{KeySet, MAX_KEY_SET_BYTES, MAX_KEYS};
pub use parsed::{MAX_TOKEN_BYTES, Token};
