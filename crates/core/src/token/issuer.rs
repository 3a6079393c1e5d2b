//! What a token must say to be one of a provider's, for this gateway.

use std::time::Duration;

use serde_json::Value;

use super::{KeySet, Token, TokenError, claims};
use crate::names::Shown;
use crate::records::Moment;

/// An identity provider, without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// What `iss` must be, to the letter.
    pub issuer: String,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// The claim that says whom a token stands for.
    pub principal_claim: String,
    /// How far the provider's clock may be from ours.
    pub clock_skew: Duration,
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// What the principal claim says.
    pub principal: String,
    /// When the token has ended by any clock that is good enough.
    pub until: Moment,
    /// The public key that signed it: when [`KeySet::holds`] does not know it any more, the token is good no longer.
    pub key: Vec<u8>,
}

impl Issuer {
    /// Finds out whom a token stands for. The signature comes first: nothing is said about claims that anybody may have
    /// written.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn check(&self, token: &Token, keys: &KeySet, now: Moment) -> Result<Bearer, TokenError> {
        if token.claimed_issuer() != Some(&self.issuer) {
            return Err(TokenError::Issuer(Shown::of(token.claimed_issuer().unwrap_or_default())));
        }
        let key = keys.check(token)?;
        if !claims::is_for(&token.claims, &self.audiences) {
            return Err(TokenError::Audience);
        }
        let skew = self.clock_skew.as_secs();
        let until = claims::expiry(&token.claims)?.plus_seconds(skew);
        if until <= now {
            return Err(TokenError::Expired);
        }
        if claims::not_before(&token.claims)?.is_some_and(|begin| begin > now.plus_seconds(skew)) {
            return Err(TokenError::NotYet);
        }
        match token.claims.get(&self.principal_claim) {
            Some(Value::String(principal)) if !principal.is_empty() => {
                Ok(Bearer { principal: principal.clone(), until, key })
            }
            _ => Err(TokenError::NoPrincipal(Shown::of(&self.principal_claim))),
        }
    }
}
