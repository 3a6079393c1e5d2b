//! The accounts that partners log in with, and the file that keeps them.
//!
//! No password is ever kept, only SCRAM verifiers (RFC 5802): they check a SCRAM proof and a PLAIN password alike.
//! An account may have several credentials at once, so that a new password can be handed out before the old one
//! is withdrawn. They share salt and iterations, because a SCRAM server names these before it learns which password
//! the client knows.

mod file;
mod fingerprint;
mod render;
mod verifier;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::names::{AccountName, CredentialId};
use crate::records::Moment;

pub use file::AccountErrors;
pub use fingerprint::Fingerprint;
pub use verifier::{MAX_ITERATIONS, MIN_ITERATIONS, ScramMechanism, ScramVerifier};

/// All accounts, each under its own name.
#[derive(Debug, Clone, Default)]
pub struct Accounts(BTreeMap<AccountName, Account>);

/// An account and its credentials; with none it cannot log in.
#[derive(Debug, Clone)]
pub struct Account {
    name: AccountName,
    credentials: Vec<Credential>,
    networks: Vec<IpNet>,
}

/// What one password leaves behind.
#[derive(Debug, Clone)]
pub struct Credential {
    id: CredentialId,
    created: Option<String>,
    label: Option<String>,
    expires: Option<Moment>,
    scram_sha_256: ScramVerifier,
    scram_sha_512: ScramVerifier,
}

/// A rule of accounts that is broken. It never shows a salt or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountProblem {
    /// One id twice in an account.
    #[error("credential id `{0}` is used twice in this account; give each credential its own")]
    DuplicateCredential(CredentialId),
    /// The credential does not fit to the first one.
    #[error(
        "credential `{0}` has another salt or iteration count than the account's first one; all must share them, so make the password again for this account"
    )]
    NotShared(CredentialId),
    /// A verifier for the other mechanism.
    #[error("the {wanted} place of credential `{id}` holds a verifier for {found}; exchange the two")]
    Mechanism {
        /// The credential.
        id: CredentialId,
        /// The mechanism of the place.
        wanted: ScramMechanism,
        /// The mechanism of the verifier.
        found: ScramMechanism,
    },
    /// A key of the wrong length.
    #[error("the key is {found} bytes long, but {mechanism} makes {wanted}; copy the whole text, or make the password again", wanted = mechanism.key_length())]
    KeyLength {
        /// The mechanism.
        mechanism: ScramMechanism,
        /// The bytes found.
        found: usize,
    },
    /// A salt that is too short to be unique, or needlessly long.
    #[error("the salt is {found} bytes long; 8 to 64 are allowed")]
    SaltLength {
        /// The bytes found.
        found: usize,
    },
    /// Too cheap to guess against, or too dear to check.
    #[error("{found} iterations; {MIN_ITERATIONS} to {MAX_ITERATIONS} are allowed")]
    Iterations {
        /// The count found.
        found: u64,
    },
}

impl Accounts {
    /// Reads an accounts file, or tells all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AccountErrors> {
        file::parse(text)
    }

    /// Writes the accounts file.
    pub fn render(&self) -> secrecy::SecretString {
        render::render(self)
    }

    /// The account of that name. The text comes from a client and may be anything.
    pub fn find(&self, name: &str) -> Option<&Account> {
        self.0.get(&AccountName::parse(name).ok()?)
    }

    /// All accounts, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.0.values()
    }

    /// Puts the account in, and gives back the one it replaces.
    pub fn insert(&mut self, account: Account) -> Option<Account> {
        self.0.insert(account.name.clone(), account)
    }

    /// Takes the account out.
    pub fn remove(&mut self, name: &AccountName) -> Option<Account> {
        self.0.remove(name)
    }
}

impl Account {
    /// An account whose credentials have their own ids and share salt and iterations.
    pub fn new(name: AccountName, credentials: Vec<Credential>) -> Result<Self, AccountProblem> {
        for (n, credential) in credentials.iter().enumerate() {
            let before = credentials.get(..n).unwrap_or_default();
            if before.iter().any(|other| other.id == credential.id) {
                return Err(AccountProblem::DuplicateCredential(credential.id.clone()));
            }
            if before.first().is_some_and(|first| !first.shares_with(credential)) {
                return Err(AccountProblem::NotShared(credential.id.clone()));
            }
        }
        Ok(Self { name, credentials, networks: Vec::new() })
    }

    /// The name to log in with.
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// The credentials, any of which opens the account.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// The account as it is at a time: without what has expired.
    #[must_use]
    pub fn at(mut self, now: Moment) -> Self {
        self.credentials.retain(|credential| credential.expires.is_none_or(|end| end > now));
        self
    }

    /// When the next of its credentials expires after a time.
    #[must_use]
    pub fn expires_after(&self, now: Moment) -> Option<Moment> {
        self.credentials.iter().filter_map(|credential| credential.expires).filter(|end| *end > now).min()
    }

    /// With the networks that its clients may come from; none is from anywhere.
    #[must_use]
    pub fn from_networks(self, networks: Vec<IpNet>) -> Self {
        Self { networks, ..self }
    }

    /// The networks that its clients may come from; none is from anywhere.
    #[must_use]
    pub fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// Whether a client may come from there.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        // Under a listener for both a client of IPv4 looks like one of IPv6.
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }

    /// A fingerprint that changes whenever a credential is added, changed or withdrawn.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_account(self)
    }
}

impl Credential {
    /// A credential with a verifier for each mechanism, made from the same password.
    pub fn new(
        id: CredentialId,
        created: Option<String>,
        scram_sha_256: ScramVerifier,
        scram_sha_512: ScramVerifier,
    ) -> Result<Self, AccountProblem> {
        let places = [(ScramMechanism::Sha256, &scram_sha_256), (ScramMechanism::Sha512, &scram_sha_512)];
        for (wanted, verifier) in places {
            let found = verifier.mechanism();
            if found != wanted {
                return Err(AccountProblem::Mechanism { id, wanted, found });
            }
        }
        Ok(Self { id, created, label: None, expires: None, scram_sha_256, scram_sha_512 })
    }

    /// Its id within the account.
    pub fn id(&self) -> &CredentialId {
        &self.id
    }

    /// With words for people, and a time from which on it opens nothing.
    #[must_use]
    pub fn with(self, label: Option<String>, expires: Option<Moment>) -> Self {
        Self { label, expires, ..self }
    }

    /// Made at that time.
    #[must_use]
    pub fn made(self, at: Moment) -> Self {
        Self { created: Some(at.to_rfc3339()), ..self }
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// From when on it opens nothing.
    #[must_use]
    pub fn expires(&self) -> Option<Moment> {
        self.expires
    }

    /// When it was made, as text.
    pub fn created(&self) -> Option<&str> {
        self.created.as_deref()
    }

    /// The verifier for SCRAM-SHA-256.
    pub fn scram_sha_256(&self) -> &ScramVerifier {
        &self.scram_sha_256
    }

    /// The verifier for SCRAM-SHA-512.
    pub fn scram_sha_512(&self) -> &ScramVerifier {
        &self.scram_sha_512
    }

    /// The verifier for the mechanism.
    pub fn verifier(&self, mechanism: ScramMechanism) -> &ScramVerifier {
        match mechanism {
            ScramMechanism::Sha256 => &self.scram_sha_256,
            ScramMechanism::Sha512 => &self.scram_sha_512,
        }
    }

    /// A fingerprint of this credential alone.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_credential(self)
    }

    fn shares_with(&self, other: &Self) -> bool {
        [ScramMechanism::Sha256, ScramMechanism::Sha512]
            .into_iter()
            .all(|mechanism| self.verifier(mechanism).shares_with(other.verifier(mechanism)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn verifier(mechanism: ScramMechanism, salt: u8, key: u8) -> ScramVerifier {
        let keys = || vec![key; mechanism.key_length()];
        ScramVerifier::new(mechanism, vec![salt; 16], 4096, keys(), keys()).unwrap()
    }

    pub(crate) fn credential(id: &str, salt: u8, key: u8) -> Credential {
        let [a, b] = [ScramMechanism::Sha256, ScramMechanism::Sha512].map(|m| verifier(m, salt, key));
        Credential::new(CredentialId::parse(id).unwrap(), Some("2026-01-02T03:04:05Z".to_owned()), a, b)
            .unwrap()
    }

    pub(crate) fn account(name: &str, credentials: Vec<Credential>) -> Result<Account, AccountProblem> {
        Account::new(AccountName::parse(name).unwrap(), credentials)
    }

    #[test]
    fn credentials_share_salt_and_iterations() {
        assert!(account("u", vec![credential("a", 1, 1), credential("b", 1, 2)]).is_ok());
        let error = account("u", vec![credential("a", 1, 1), credential("b", 2, 2)]).unwrap_err();
        assert!(matches!(error, AccountProblem::NotShared(id) if id.as_str() == "b"));
        let error = account("u", vec![credential("a", 1, 1), credential("a", 1, 2)]).unwrap_err();
        assert!(matches!(error, AccountProblem::DuplicateCredential(_)));
    }

    #[test]
    fn what_has_expired_opens_nothing() {
        let until = |id, end| credential(id, 1, 1).with(None, Some(Moment(end)));
        let account = account("u", vec![credential("a", 1, 1), until("b", 20), until("c", 10)]).unwrap();
        let ids = |now| -> Vec<String> {
            account.clone().at(Moment(now)).credentials().iter().map(|c| c.id().to_string()).collect()
        };
        assert_eq!(ids(9), ["a", "b", "c"]);
        assert_eq!(ids(10), ["a", "b"]);
        assert_eq!(ids(20), ["a"]);
        let next = [0, 10, 20].map(|now| account.expires_after(Moment(now)));
        assert_eq!(next, [Some(Moment(10)), Some(Moment(20)), None]);
    }

    #[test]
    fn networks_are_of_either_family() {
        let account = account("u", vec![]).unwrap();
        assert!(account.allows("192.0.2.1".parse().unwrap()), "no list lets in everybody");
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap());
        let account = account.from_networks(networks.to_vec());
        for (address, allowed) in [
            ("10.9.9.9", true),
            ("::ffff:10.9.9.9", true),
            ("11.0.0.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(account.allows(address.parse().unwrap()), allowed, "{address}");
        }
    }

    #[test]
    fn a_verifier_cannot_stand_in_the_other_ones_place() {
        let id = CredentialId::parse("a").unwrap();
        let [a, b] = [ScramMechanism::Sha256, ScramMechanism::Sha512].map(|m| verifier(m, 1, 1));
        assert!(matches!(Credential::new(id, None, b, a), Err(AccountProblem::Mechanism { .. })));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let account = account("u", vec![credential("a", 1, 0xab)]).unwrap();
        let shown = format!("{account:?} {:?}", account.fingerprint());
        assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
    }

    #[test]
    fn any_name_may_be_looked_up() {
        let mut accounts = Accounts::default();
        accounts.insert(account("u", vec![]).unwrap());
        assert!(accounts.find("u").is_some());
        for name in ["", "U", "u,", "\0", &"u".repeat(10_000)] {
            assert!(accounts.find(name).is_none(), "{name:?}");
        }
    }
}
