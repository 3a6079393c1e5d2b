//! What a server keeps of a password.

use std::fmt;
use std::num::NonZeroU32;

use ring::hmac;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use thiserror::Error;

use super::ScramHash;
use super::keys::equal;

/// The fewest iterations taken (RFC 7677 section 4, and Kafka's own minimum).
pub const MIN_ITERATIONS: u32 = 4_096;

/// The most iterations taken: they are the client's price per login, and ours when we are the client.
pub const MAX_ITERATIONS: u32 = 100_000;

/// The length of the salts Tidegate makes; a fake salt of another length would tell unknown users apart.
pub const SALT_BYTES: usize = 16;

const MAX_SALT_BYTES: usize = 128;

/// A SCRAM verifier: enough to check a password, not enough to log in with it.
#[derive(Clone)]
pub struct ScramCredential {
    hash: ScramHash,
    // Invariant: 1 to MAX_SALT_BYTES bytes.
    salt: Vec<u8>,
    // Invariant: MIN_ITERATIONS to MAX_ITERATIONS.
    iterations: NonZeroU32,
    // Invariant: both keys have the length of the hash.
    stored_key: SecretSlice<u8>,
    server_key: SecretSlice<u8>,
    /// Keys of other passwords under the same salt and iterations.
    others: Vec<ScramKeys>,
}

/// `StoredKey` and `ServerKey` of one password.
#[derive(Clone)]
struct ScramKeys {
    stored_key: SecretSlice<u8>,
    server_key: SecretSlice<u8>,
}

/// Why a credential cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The iteration count is out of bounds.
    #[error("{iterations} SCRAM iterations, want {MIN_ITERATIONS} to {MAX_ITERATIONS}")]
    Iterations {
        /// The count given.
        iterations: u32,
    },
    /// The salt is empty or too long.
    #[error("SCRAM salt of {length} bytes, want 1 to {MAX_SALT_BYTES}")]
    Salt {
        /// The length given.
        length: usize,
    },
    /// A key does not have the length of the hash.
    #[error("SCRAM key of {length} bytes, want {expected}")]
    Key {
        /// The length given.
        length: usize,
        /// The length of the hash.
        expected: usize,
    },
    /// The credential is for another hash than the exchange.
    #[error("SCRAM credential for another hash than the mechanism's")]
    OtherHash,
    /// Passwords that are good at once must share what the challenge says.
    #[error("SCRAM credential with another salt or other iterations than the user's first")]
    OtherChallenge,
}

impl ScramCredential {
    /// Derives the verifier of `password`.
    ///
    /// # Errors
    /// [`CredentialError`] when the salt or the iterations are out of bounds.
    pub fn derive(
        hash: ScramHash,
        password: &SecretString,
        salt: &[u8],
        iterations: u32,
    ) -> Result<Self, CredentialError> {
        let salt = checked_salt(salt)?;
        let iterations = checked_iterations(iterations)?;
        let salted = hash.salted_password(password, &salt, iterations);
        let stored_key = SecretSlice::from(hash.digest(hash.client_key(&salted).expose_secret()));
        let server_key = hash.server_key(&salted);
        Ok(Self { hash, salt, iterations, stored_key, server_key, others: Vec::new() })
    }

    /// Takes a verifier that was kept in parts.
    ///
    /// # Errors
    /// [`CredentialError`] when a part is out of bounds.
    pub fn from_parts(
        hash: ScramHash,
        salt: &[u8],
        iterations: u32,
        stored_key: &[u8],
        server_key: &[u8],
    ) -> Result<Self, CredentialError> {
        Ok(Self {
            hash,
            salt: checked_salt(salt)?,
            iterations: checked_iterations(iterations)?,
            stored_key: checked_key(hash, stored_key)?,
            server_key: checked_key(hash, server_key)?,
            others: Vec::new(),
        })
    }

    /// With another password of the same user that is as good: whichever the client proves, it is let in.
    ///
    /// # Errors
    /// [`CredentialError::OtherHash`], or [`CredentialError::OtherChallenge`] when salt or iterations differ, since the
    /// server tells them before it can know which password is meant.
    pub fn or(mut self, other: &Self) -> Result<Self, CredentialError> {
        if other.hash != self.hash {
            return Err(CredentialError::OtherHash);
        }
        if (&other.salt, other.iterations) != (&self.salt, self.iterations) {
            return Err(CredentialError::OtherChallenge);
        }
        let (stored_key, server_key) = (other.stored_key.clone(), other.server_key.clone());
        self.others.push(ScramKeys { stored_key, server_key });
        Ok(self)
    }

    /// Makes the verifier that stands in for a user who does not exist.
    ///
    /// It is always the same for one user and one `server_secret`, so that asking twice tells nothing; no
    /// password is known to fit. `iterations` should be what real users have.
    ///
    /// # Errors
    /// [`CredentialError::Iterations`] when they are out of bounds.
    pub fn fake(
        hash: ScramHash,
        server_secret: &[u8],
        user: &str,
        iterations: u32,
    ) -> Result<Self, CredentialError> {
        let salt = fake_bytes(server_secret, "salt", user);
        let salt = salt.get(..SALT_BYTES).unwrap_or_default();
        let key = |label| SecretSlice::from(hash.hmac(&fake_bytes(server_secret, label, user), b"key"));
        Ok(Self {
            hash,
            salt: checked_salt(salt)?,
            iterations: checked_iterations(iterations)?,
            stored_key: key("stored"),
            server_key: key("server"),
            others: Vec::new(),
        })
    }

    /// Whether `password` is the one this verifier was derived of; compared in constant time.
    ///
    /// This costs all iterations, some milliseconds: keep it off an async thread.
    #[must_use]
    pub fn verify_password(&self, password: &SecretString) -> bool {
        let salted = self.hash.salted_password(password, &self.salt, self.iterations);
        let stored_key = self.hash.digest(self.hash.client_key(&salted).expose_secret());
        equal(&stored_key, self.stored_key.expose_secret())
    }

    /// The hash it is for.
    #[must_use]
    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iterations.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations.get()
    }

    /// `StoredKey` and `ServerKey` of each password that is good.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&SecretSlice<u8>, &SecretSlice<u8>)> {
        let others = self.others.iter().map(|keys| (&keys.stored_key, &keys.server_key));
        std::iter::once((&self.stored_key, &self.server_key)).chain(others)
    }

    /// `StoredKey`, to be kept secret: it helps to guess the password off line.
    #[must_use]
    pub fn stored_key(&self) -> &SecretSlice<u8> {
        &self.stored_key
    }

    /// `ServerKey`, to be kept secret: who has it can play the server.
    #[must_use]
    pub fn server_key(&self) -> &SecretSlice<u8> {
        &self.server_key
    }
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// Iterations within the bounds.
pub(super) fn checked_iterations(iterations: u32) -> Result<NonZeroU32, CredentialError> {
    match NonZeroU32::new(iterations) {
        Some(count) if (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) => Ok(count),
        _ => Err(CredentialError::Iterations { iterations }),
    }
}

/// A salt within the bounds.
pub(super) fn checked_salt(salt: &[u8]) -> Result<Vec<u8>, CredentialError> {
    match salt.len() {
        1..=MAX_SALT_BYTES => Ok(salt.to_vec()),
        length => Err(CredentialError::Salt { length }),
    }
}

fn checked_key(hash: ScramHash, key: &[u8]) -> Result<SecretSlice<u8>, CredentialError> {
    if key.len() != hash.length() {
        return Err(CredentialError::Key { length: key.len(), expected: hash.length() });
    }
    Ok(SecretSlice::from(key.to_vec()))
}

fn fake_bytes(server_secret: &[u8], label: &str, user: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, server_secret);
    hmac::sign(&key, [label, "\0", user].concat().as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

    fn password(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn only_the_right_password_verifies() {
        for hash in [ScramHash::Sha256, ScramHash::Sha512] {
            let credential = ScramCredential::derive(hash, &password("s3cret"), &SALT, 4_096).unwrap();
            assert!(credential.verify_password(&password("s3cret")));
            assert!(!credential.verify_password(&password("s3cret ")));
            assert!(!credential.verify_password(&password("")));
        }
    }

    #[test]
    fn parts_make_the_same_credential() {
        let hash = ScramHash::Sha512;
        let made = ScramCredential::derive(hash, &password("s3cret"), &SALT, 4_096).unwrap();
        let (stored, server) = (made.stored_key().expose_secret(), made.server_key().expose_secret());
        let kept = ScramCredential::from_parts(hash, made.salt(), made.iterations(), stored, server).unwrap();
        assert!(kept.verify_password(&password("s3cret")));
    }

    #[test]
    fn parts_out_of_bounds_are_refused() {
        let part = |salt: &[u8], iterations, key: &[u8]| {
            ScramCredential::from_parts(ScramHash::Sha256, salt, iterations, key, key).unwrap_err()
        };
        let key = [1; 32];
        for iterations in [0, 4_095, 100_001] {
            assert_eq!(part(&SALT, iterations, &key), CredentialError::Iterations { iterations });
        }
        assert_eq!(part(&[], 4_096, &key), CredentialError::Salt { length: 0 });
        assert_eq!(part(&[0; 129], 4_096, &key), CredentialError::Salt { length: 129 });
        assert_eq!(part(&SALT, 4_096, &[1; 31]), CredentialError::Key { length: 31, expected: 32 });
    }

    #[test]
    fn a_fake_is_stable_per_user_and_shaped_like_a_real_one() {
        let fake = |user| ScramCredential::fake(ScramHash::Sha512, b"root", user, 8_192).unwrap();
        assert_eq!(fake("ann").salt(), fake("ann").salt());
        assert_ne!(fake("ann").salt(), fake("bob").salt());
        assert_eq!(fake("ann").salt().len(), SALT_BYTES);
        assert_eq!(fake("ann").stored_key().expose_secret().len(), 64);
        assert_eq!(fake("ann").iterations(), 8_192);
    }

    #[test]
    fn debug_shows_no_key() {
        let credential = ScramCredential::from_parts(ScramHash::Sha256, &SALT, 4_096, &[201; 32], &[202; 32]);
        let shown = format!("{:?}", credential.unwrap());
        assert!(!shown.contains("201") && !shown.contains("202"), "{shown}");
    }
}
