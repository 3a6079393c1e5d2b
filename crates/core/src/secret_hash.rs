//! What is kept of a secret that the program itself made.
//!
//! Such a secret has 256 random bits, so one round of SHA-256 is enough: nobody guesses it at leisure, as they might a
//! password, and a request that carries one costs next to nothing to check.

use std::fmt;

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The SHA-256 of a secret that was made of random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretHash([u8; SHA256_OUTPUT_LEN]);

impl SecretHash {
    /// The hash of a secret, as a client shows it.
    #[must_use]
    pub fn of(secret: &SecretString) -> Self {
        let hash = digest(&SHA256, secret.expose_secret().as_bytes());
        Self(hash.as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// Reads [`SecretHash::to_hex`]; `None` for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits, in lower case.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it is of this secret; compared in constant time.
    #[must_use]
    pub fn is_of(&self, secret: &SecretString) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"tidegate constant-time comparison");
        hmac::verify(&key, &Self::of(secret).0, hmac::sign(&key, &self.0).as_ref()).is_ok()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}

/// One text for one hash: upper case is not read.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_secret() {
        let secret = SecretString::from("abc");
        let hash = SecretHash::of(&secret);
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash.to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(hash.is_of(&secret));
        assert!(!hash.is_of(&SecretString::from("abd")) && !hash.is_of(&SecretString::from("")));
        assert_eq!(format!("{hash:?}"), "SecretHash(hidden)");
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let hash = SecretHash::of(&SecretString::from("abc"));
        assert_eq!(SecretHash::from_hex(&hash.to_hex()), Some(hash));
        let text = hash.to_hex();
        for bad in
            ["", &text[1..], &text[2..], &text.to_uppercase(), &text.replace('b', "g"), &format!("{text}00")]
        {
            assert_eq!(SecretHash::from_hex(bad), None, "{bad}");
        }
    }
}
