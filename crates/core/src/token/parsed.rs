//! A token taken apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::TokenError;

/// The longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A token of which nothing is proven. It shows nothing of itself: whoever has it may use it.
pub struct Token {
    pub(super) algorithm: String,
    pub(super) key_id: Option<String>,
    pub(super) claims: Map<String, Value>,
    signed: SecretString,
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that whoever does not know them must not pass over.
    crit: Option<IgnoredAny>,
}

impl Token {
    /// Takes apart `header.claims.signature` (RFC 7515, compact).
    ///
    /// # Errors
    /// [`TokenError::Malformed`].
    pub fn parse(token: &SecretString) -> Result<Self, TokenError> {
        let text = token.expose_secret();
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed("it is too long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(THREE_PARTS)?;
        let (header, claims) = signed.split_once('.').ok_or(THREE_PARTS)?;
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| TokenError::Malformed("its header is not JSON with `alg`"))?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed("it has extensions that must be understood (`crit`)"));
        }
        let claims = serde_json::from_slice(&decode(claims)?)
            .map_err(|_| TokenError::Malformed("its claims are no JSON object"))?;
        Ok(Self {
            algorithm: header.alg,
            key_id: header.kid,
            claims,
            signed: SecretString::from(signed),
            signature: decode(signature)?,
        })
    }

    /// Who says to have issued it, unproven.
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// What the signature is over.
    pub(super) fn signed(&self) -> &[u8] {
        self.signed.expose_secret().as_bytes()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token([REDACTED])")
    }
}

/// Base64 without padding, as all parts are written.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("a part is no base64url"))
}

const THREE_PARTS: TokenError = TokenError::Malformed("it does not have three parts");
