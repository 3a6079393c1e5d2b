//! The hash functions of SCRAM over ring, and comparison in constant time.

use std::num::NonZeroU32;

use ring::{digest, hmac, pbkdf2};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// The hash under a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScramHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl ScramHash {
    /// The length of the hash and so of every key and proof, in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => digest::SHA256_OUTPUT_LEN,
            Self::Sha512 => digest::SHA512_OUTPUT_LEN,
        }
    }

    /// `Hi(password, salt, iterations)`.
    pub(super) fn salted_password(
        self,
        password: &SecretString,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> SecretSlice<u8> {
        let algorithm = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut salted = vec![0; self.length()];
        pbkdf2::derive(algorithm, iterations, salt, password.expose_secret().as_bytes(), &mut salted);
        SecretSlice::from(salted)
    }

    /// `ClientKey`, whose hash is the stored key.
    pub(super) fn client_key(self, salted_password: &SecretSlice<u8>) -> SecretSlice<u8> {
        SecretSlice::from(self.hmac(salted_password.expose_secret(), b"Client Key"))
    }

    /// `ServerKey`, which signs the server's last message.
    pub(super) fn server_key(self, salted_password: &SecretSlice<u8>) -> SecretSlice<u8> {
        SecretSlice::from(self.hmac(salted_password.expose_secret(), b"Server Key"))
    }

    /// `H(input)`.
    pub(super) fn digest(self, input: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, input).as_ref().to_vec()
    }

    /// `HMAC(key, input)`.
    pub(super) fn hmac(self, key: &[u8], input: &[u8]) -> Vec<u8> {
        hmac::sign(&self.hmac_key(key), input).as_ref().to_vec()
    }

    /// Whether `tag` is `HMAC(key, input)`, in constant time.
    pub(super) fn verify_hmac(self, key: &[u8], input: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.hmac_key(key), input, tag).is_ok()
    }

    fn hmac_key(self, key: &[u8]) -> hmac::Key {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::Key::new(algorithm, key)
    }
}

/// Whether two byte strings are equal, in a time that says nothing of where they differ.
///
/// ring keeps its slice comparison private, so both sides go through one HMAC and ring compares the tags.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"tidegate constant-time comparison");
    hmac::verify(&key, left, hmac::sign(&key, right).as_ref()).is_ok()
}

/// `left XOR right`; both have the length of the hash.
pub(super) fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_whole_slices() {
        assert!(equal(b"", b""));
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"ab"));
        assert!(!equal(b"abc", b"abd"));
    }
}
