//! One side's share of a SCRAM nonce.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Fresh randomness for one exchange; neither cloned nor reused.
#[derive(Debug)]
pub struct Nonce(String);

impl Nonce {
    /// How many random bytes make a nonce.
    pub const BYTES: usize = 24;

    /// Makes a nonce of bytes from a cryptographic random source.
    #[must_use]
    pub fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}
