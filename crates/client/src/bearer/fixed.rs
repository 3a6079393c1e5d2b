//! A token that stays what it is.

use std::future::ready;

use secrecy::SecretString;

use super::{Obtaining, TokenSource};

/// One token for all logins. Once it has ended none succeeds.
#[derive(Debug, Clone)]
pub struct FixedToken(SecretString);

impl FixedToken {
    /// This token.
    #[must_use]
    pub const fn new(token: SecretString) -> Self {
        Self(token)
    }
}

impl TokenSource for FixedToken {
    fn token(&self) -> Obtaining<'_> {
        Box::pin(ready(Ok(self.0.clone())))
    }
}
