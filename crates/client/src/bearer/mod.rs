//! Tokens for logins with OAUTHBEARER (KIP-255, KIP-768, RFC 7628): where they come from.
//!
//! A token stands for whoever shows it and ends by itself, so each login asks its source for one. [`FixedToken`] always gives the
//! same, [`TokenFile`] what stands in a file now, [`ClientCredentials`] what an identity provider gives for an id and a secret;
//! anything else can be a [`TokenSource`], too.

mod answer;
mod credentials;
mod endpoint;
mod error;
mod file;
mod fixed;
mod url;

use std::fmt;
use std::pin::Pin;

use secrecy::SecretString;

pub use credentials::ClientCredentials;
pub use endpoint::TokenEndpoint;
pub use error::TokenError;
pub use file::TokenFile;
pub use fixed::FixedToken;
pub use url::{SecureUrl, UrlError};

/// The longest token that is sent, in bytes: lists of a user's groups make some kilobytes of them, and brokers take half a megabyte
/// (`sasl.server.max.receive.size`).
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// A token that is being obtained.
pub type Obtaining<'a> = Pin<Box<dyn Future<Output = Result<SecretString, TokenError>> + Send + 'a>>;

/// Where the tokens of a login come from. It may be asked by many connections at once.
///
/// ```
/// use secrecy::SecretString;
/// use tidegate_client::{Obtaining, SaslLogin, TokenSource};
///
/// #[derive(Debug)]
/// struct Vault;
///
/// impl TokenSource for Vault {
///     fn token(&self) -> Obtaining<'_> {
///         Box::pin(async { Ok(SecretString::from("a.b.c")) })
///     }
/// }
///
/// let login = SaslLogin::bearer(Vault);
/// ```
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A token for a login that begins now, within [`TOKEN_TIMEOUT`](crate::TOKEN_TIMEOUT).
    fn token(&self) -> Obtaining<'_>;

    /// A broker has refused the token. A source that keeps tokens should not give out that one again.
    fn refused(&self, token: &SecretString) {
        let _ = token;
    }
}
