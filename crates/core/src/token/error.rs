//! Why a token does not serve, and why a set of keys is none. For the operator's log, never for the peer.

use thiserror::Error;

use crate::names::Shown;

/// Why a token does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no signed JSON Web Token.
    #[error("it is no signed JSON Web Token: {0}")]
    Malformed(&'static str),
    /// It is signed in a way that is not taken: `none`, with a shared secret, or unknown.
    #[error("it is signed with `{0}`; take RS, PS or ES with 256, 384 (RS and PS: 512), or EdDSA")]
    Algorithm(Shown),
    /// None of the provider's keys is meant.
    #[error("its key `{0}` is not one of the provider's")]
    UnknownKey(Shown),
    /// It does not say which key it was signed with, and none is for its kind of signature.
    #[error("it names no key (`kid`), and none of the provider's is for its kind of signature (`alg`)")]
    NoFittingKey,
    /// It does not say which key it was signed with, and there are several.
    #[error("it names no key (`kid`), and the provider has several")]
    NoKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Somebody else issued it.
    #[error("its issuer `{0}` is no identity provider of this gateway")]
    Issuer(Shown),
    /// It is for somebody else.
    #[error("its audience is not this gateway")]
    Audience,
    /// It does not say when it ends.
    #[error("it does not say when it expires (`exp`)")]
    NoExpiry,
    /// It is over.
    #[error("it has expired")]
    Expired,
    /// It is not good yet.
    #[error("it is not good yet (`nbf`); compare the clocks")]
    NotYet,
    /// It does not say whom it stands for.
    #[error("it has no claim `{0}`")]
    NoPrincipal(Shown),
}

/// Why a text is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is longer than any set of public keys.
    #[error("the key set has {0} bytes; at most {max} are taken", max = super::MAX_KEY_SET_BYTES)]
    TooLong(usize),
    /// It has more keys than any provider.
    #[error("the key set has {0} keys; at most {max} are taken", max = super::MAX_KEYS)]
    TooMany(usize),
    /// It is no JSON of the right shape.
    #[error("this is no JSON Web Key Set, `{{\"keys\": [...]}}` (RFC 7517): {0}")]
    Shape(String),
    /// Nothing in it can check a signature.
    #[error(
        "none of the {0} keys can check signatures here; needed is RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519, for signatures"
    )]
    NoUsableKey(usize),
}
