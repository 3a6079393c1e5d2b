//! What a server keeps of a password.

use std::fmt;

use secrecy::SecretSlice;

use super::AccountProblem;

/// RFC 7677 and Kafka ask for at least this many.
pub const MIN_ITERATIONS: u32 = 4096;
/// Checking a PLAIN password costs the gateway as many rounds: 100,000 are about 30 ms of a core, and generated passwords
/// need no more.
pub const MAX_ITERATIONS: u32 = 100_000;

/// A SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramMechanism {
    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// How many bytes its keys have.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for ScramMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a server keeps of a password for one mechanism (RFC 5802, section 3).
#[derive(Clone)]
pub struct ScramVerifier {
    mechanism: ScramMechanism,
    salt: Vec<u8>,
    iterations: u32,
    stored_key: SecretSlice<u8>,
    server_key: SecretSlice<u8>,
}

impl ScramVerifier {
    /// A verifier whose parts have the lengths of the mechanism.
    pub fn new(
        mechanism: ScramMechanism,
        salt: Vec<u8>,
        iterations: u32,
        stored_key: Vec<u8>,
        server_key: Vec<u8>,
    ) -> Result<Self, AccountProblem> {
        check_salt(&salt)?;
        check_iterations(u64::from(iterations))?;
        check_key(mechanism, &stored_key)?;
        check_key(mechanism, &server_key)?;
        let [stored_key, server_key] = [stored_key, server_key].map(SecretSlice::from);
        Ok(Self { mechanism, salt, iterations, stored_key, server_key })
    }

    /// The mechanism it is for.
    pub fn mechanism(&self) -> ScramMechanism {
        self.mechanism
    }

    /// The salt, which the server shows to whoever asks.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// How often the password is hashed.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The key that a client's proof is checked against.
    pub fn stored_key(&self) -> &SecretSlice<u8> {
        &self.stored_key
    }

    /// The key that the server proves itself with.
    pub fn server_key(&self) -> &SecretSlice<u8> {
        &self.server_key
    }

    pub(super) fn shares_with(&self, other: &Self) -> bool {
        self.salt == other.salt && self.iterations == other.iterations
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("mechanism", &self.mechanism)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

pub(super) fn check_salt(salt: &[u8]) -> Result<(), AccountProblem> {
    let found = salt.len();
    if (8..=64).contains(&found) { Ok(()) } else { Err(AccountProblem::SaltLength { found }) }
}

pub(super) fn check_iterations(found: u64) -> Result<u32, AccountProblem> {
    u32::try_from(found)
        .ok()
        .filter(|count| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(count))
        .ok_or(AccountProblem::Iterations { found })
}

pub(super) fn check_key(mechanism: ScramMechanism, key: &[u8]) -> Result<(), AccountProblem> {
    let found = key.len();
    if found == mechanism.key_length() { Ok(()) } else { Err(AccountProblem::KeyLength { mechanism, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_lengths_of_the_mechanism() {
        let make = |salt, iterations, stored, server| {
            ScramVerifier::new(
                ScramMechanism::Sha256,
                vec![1; salt],
                iterations,
                vec![2; stored],
                vec![3; server],
            )
        };
        assert!(make(16, 4096, 32, 32).is_ok());
        for (salt, iterations, stored, server) in [
            (7, 4096, 32, 32),
            (65, 4096, 32, 32),
            (16, 4095, 32, 32),
            (16, 100_001, 32, 32),
            (16, 4096, 31, 32),
            (16, 4096, 32, 64),
        ] {
            assert!(make(salt, iterations, stored, server).is_err(), "{salt} {iterations} {stored} {server}");
        }
    }
}
