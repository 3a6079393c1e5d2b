//! Checking who logs in.
//!
//! [`Authenticator`] is the seam: [`Logins`] checks against the accounts file, a program that embeds the gateway may
//! check against something of its own.

mod known;
mod last_used;

use std::sync::Arc;

use async_trait::async_trait;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tidegate_core::account::{Account, Credential, MIN_ITERATIONS, ScramMechanism, ScramVerifier};
use tidegate_core::{AccountName, CredentialId, RootKey};
use tidegate_wire::sasl::{Nonce, Rejection, SALT_BYTES, ScramCredential, ScramHash};
use tokio::sync::Semaphore;

use self::known::KnownPasswords;
pub(crate) use self::last_used::LastUsed;

/// Rounds of key stretching for new accounts, the least that RFC 7677 and Kafka allow: passwords made here have 190
/// bits, which no number of rounds makes any harder to guess, and every PLAIN login costs them.
const ITERATIONS: u32 = MIN_ITERATIONS;

/// Password checks under way at once, and never more than half of the cores: each takes one for milliseconds, and who
/// is served already must not wait for who guesses.
const PASSWORD_CHECKS: usize = 2;

/// What a login has proven of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// That it knows one of the account's credentials, whichever: a login holds as long as all that there were do.
    Account,
    /// That it knows this one: a login holds as long as this one does.
    Credential(CredentialId),
}

/// Proves who a partner is.
#[async_trait]
pub trait Authenticator: std::fmt::Debug + Send + Sync {
    /// What this password of a PLAIN login was found to prove before and still does, told at once and without cost.
    ///
    /// Who is not recognised waits for a turn and for [`Authenticator::check_password`]; nobody is refused for it.
    fn recognises(&self, user: &str, account: Option<&Account>, password: &SecretString) -> Option<Proven> {
        let _ = (user, account, password);
        None
    }

    /// Checks the password of a PLAIN login; `account` is what the accounts file says of `user`.
    ///
    /// An unknown user must take as long as a known one.
    ///
    /// # Errors
    /// [`Rejection`], for the log only: the client hears one text for every cause.
    async fn check_password(
        &self,
        user: &str,
        account: Option<Arc<Account>>,
        password: SecretString,
    ) -> Result<Proven, Rejection>;

    /// The verifier for a SCRAM login, and whether the user is known: an unknown one gets a stand-in and takes the same
    /// steps. `None` refuses the login at once.
    fn scram_credential(
        &self,
        user: &str,
        account: Option<Arc<Account>>,
        hash: ScramHash,
    ) -> Option<(ScramCredential, bool)>;

    /// What is proven by the password at `place` of the verifier that [`Authenticator::scram_credential`] gave.
    fn proven_by_scram(&self, account: &Account, place: usize) -> Proven {
        let _ = (account, place);
        Proven::Account
    }
}

/// Checks logins against the accounts file.
#[derive(Debug)]
pub struct Logins {
    /// Makes the stand-ins of unknown users.
    secret: SecretSlice<u8>,
    checks: Arc<Semaphore>,
    known: KnownPasswords,
}

#[async_trait]
impl Authenticator for Logins {
    fn recognises(&self, user: &str, account: Option<&Account>, password: &SecretString) -> Option<Proven> {
        let known = self.known.recognises(user, &account?.fingerprint(), password);
        known.map(Proven::Credential)
    }

    async fn check_password(
        &self,
        user: &str,
        account: Option<Arc<Account>>,
        password: SecretString,
    ) -> Result<Proven, Rejection> {
        let hash = ScramHash::Sha256;
        let credentials = account.iter().flat_map(|account| account.credentials());
        let mut candidates: Vec<(Option<CredentialId>, ScramCredential)> =
            credentials.filter_map(|c| Some((Some(c.id().clone()), scram(c, hash)?))).collect();
        // An account without credentials must take as long as any other too.
        if candidates.is_empty() {
            candidates.extend(self.stand_in(user, hash).map(|stand_in| (None, stand_in)));
        }
        let Ok(permit) = Arc::clone(&self.checks).acquire_owned().await else {
            return Err(Rejection::WrongPassword);
        };
        let presented = password.clone();
        let stretch =
            move || {
                // With the work and not with who waits for it: a client that leaves does not free a core.
                let _permit = permit;
                candidates.into_iter().fold(None, |found, (id, candidate)| {
                    if candidate.verify_password(&password) { id } else { found }
                })
            };
        // Somebody else of the same user may have been found right while this one waited for a core.
        if let Some(proven) = self.recognises(user, account.as_deref(), &presented) {
            return Ok(proven);
        }
        match (tokio::task::spawn_blocking(stretch).await, account) {
            (Ok(Some(id)), Some(account)) => {
                self.known.remember(user, account.fingerprint(), id.clone(), &presented);
                Ok(Proven::Credential(id))
            }
            (_, Some(_)) => Err(Rejection::WrongPassword),
            (_, None) => Err(Rejection::UnknownUser),
        }
    }

    fn scram_credential(
        &self,
        user: &str,
        account: Option<Arc<Account>>,
        hash: ScramHash,
    ) -> Option<(ScramCredential, bool)> {
        let real = account.as_ref().and_then(|account| {
            let mut all = account.credentials().iter().filter_map(|credential| scram(credential, hash));
            let first = all.next()?;
            // All of an account have one salt, so none is left out.
            Some(all.fold(first, |one, other| one.clone().or(&other).unwrap_or(one)))
        });
        match real {
            Some(credential) => Some((credential, true)),
            None => self.stand_in(user, hash).map(|credential| (credential, false)),
        }
    }

    fn proven_by_scram(&self, account: &Account, place: usize) -> Proven {
        let credential = account.credentials().get(place);
        credential.map_or(Proven::Account, |credential| Proven::Credential(credential.id().clone()))
    }
}

impl Logins {
    /// Logins of an installation.
    #[must_use]
    pub fn new(root_key: &RootKey) -> Self {
        Self {
            secret: SecretSlice::from(root_key.fake_salt("unknown users", 32)),
            checks: Arc::new(Semaphore::new(password_checks())),
            known: KnownPasswords::new(),
        }
    }

    fn stand_in(&self, user: &str, hash: ScramHash) -> Option<ScramCredential> {
        ScramCredential::fake(hash, self.secret.expose_secret(), user, ITERATIONS).ok()
    }
}

fn password_checks() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, PASSWORD_CHECKS)
}

fn scram(credential: &Credential, hash: ScramHash) -> Option<ScramCredential> {
    let verifier = match hash {
        ScramHash::Sha256 => credential.verifier(ScramMechanism::Sha256),
        ScramHash::Sha512 => credential.verifier(ScramMechanism::Sha512),
    };
    let keys = (verifier.stored_key().expose_secret(), verifier.server_key().expose_secret());
    ScramCredential::from_parts(hash, verifier.salt(), verifier.iterations(), keys.0, keys.1).ok()
}

/// A nonce for one exchange; `None` when the machine has no randomness, and then nobody may log in.
#[must_use]
pub(crate) fn make_nonce() -> Option<Nonce> {
    let mut bytes = [0; Nonce::BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Nonce::from_random(bytes))
}

/// A credential with verifiers for both hashes, for an account that has `others`: all of one account share salt and rounds,
/// since SCRAM tells them before it is known which one is meant. `None` when the machine has no randomness.
#[must_use]
pub fn make_credential(
    id: CredentialId,
    password: &SecretString,
    others: &[Credential],
) -> Option<Credential> {
    let verifier = |hash, mechanism: ScramMechanism, (salt, iterations): (&[u8], u32)| {
        let derived = ScramCredential::derive(hash, password, salt, iterations).ok()?;
        let stored = derived.stored_key().expose_secret().to_vec();
        let server = derived.server_key().expose_secret().to_vec();
        ScramVerifier::new(mechanism, salt.to_vec(), iterations, stored, server).ok()
    };
    let mut fresh = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut fresh).ok()?;
    let shared = |mechanism| {
        let other = others.first().map(|other| other.verifier(mechanism));
        other.map_or((&fresh[..], ITERATIONS), |other| (other.salt(), other.iterations()))
    };
    let [sha_256, sha_512] =
        [(ScramHash::Sha256, ScramMechanism::Sha256), (ScramHash::Sha512, ScramMechanism::Sha512)]
            .map(|(hash, mechanism)| verifier(hash, mechanism, shared(mechanism)));
    Credential::new(id, None, sha_256?, sha_512?).ok()
}

/// An account with one credential. `None` when the machine has no randomness.
#[must_use]
pub fn make_account(name: AccountName, id: CredentialId, password: &SecretString) -> Option<Account> {
    Account::new(name, vec![make_credential(id, password, &[])?]).ok()
}

/// A random password of 32 letters and digits. `None` when the machine has no randomness.
#[must_use]
pub fn make_password() -> Option<SecretString> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xy";
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 64)));
    Some(SecretString::from(letters.map(|letter| char::from(*letter)).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn account_of(name: &str, password: &str) -> Arc<Account> {
        let (name, id) = (AccountName::parse(name).unwrap(), CredentialId::parse("c1").unwrap());
        Arc::new(make_account(name, id, &SecretString::from(password)).unwrap())
    }

    fn c1() -> Proven {
        Proven::Credential(CredentialId::parse("c1").unwrap())
    }

    fn account() -> Arc<Account> {
        account_of("partner", "right")
    }

    #[test]
    fn an_account_has_a_verifier_for_both_hashes() {
        let logins = Logins::new(&RootKey::from_bytes([1; 32]));
        for hash in [ScramHash::Sha256, ScramHash::Sha512] {
            let (credential, known) = logins.scram_credential("partner", Some(account()), hash).unwrap();
            assert!(known);
            assert_eq!(credential.hash(), hash);
            assert!(credential.verify_password(&SecretString::from("right")), "{hash:?}");
            assert!(!credential.verify_password(&SecretString::from("wrong")), "{hash:?}");
        }
    }

    #[tokio::test]
    async fn a_password_is_stretched_once_for_each_revision() {
        let logins = Logins::new(&RootKey::from_bytes([1; 32]));
        let (before, after) = (account(), account_of("partner", "new"));
        let (right, wrong) = (SecretString::from("right"), SecretString::from("wrong"));
        assert_eq!(logins.recognises("partner", Some(&before), &right), None);
        logins.check_password("partner", Some(Arc::clone(&before)), right.clone()).await.unwrap();
        assert_eq!(logins.recognises("partner", Some(&before), &right), Some(c1()));
        logins.check_password("partner", Some(Arc::clone(&before)), wrong.clone()).await.unwrap_err();
        assert_eq!(
            logins.recognises("partner", Some(&before), &wrong),
            None,
            "a failure is never remembered"
        );
        assert_eq!(logins.recognises("partner", Some(&before), &right), Some(c1()));
        assert_eq!(logins.recognises("partner", Some(&after), &right), None);
        assert_eq!(logins.recognises("partner", None, &right), None, "the account is gone");
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_free_a_core() {
        let logins = Logins::new(&RootKey::from_bytes([1; 32]));
        // A blocking thread takes a permit with it even if nobody waits for the verdict.
        let check = logins.check_password("partner", None, SecretString::from("wrong"));
        let left = tokio::time::timeout(std::time::Duration::ZERO, check).await;
        assert!(left.is_err(), "it was dropped half way");
        assert!(logins.checks.available_permits() < password_checks());
    }

    #[tokio::test]
    async fn a_password_is_right_wrong_or_of_nobody() {
        let logins = Logins::new(&RootKey::from_bytes([1; 32]));
        let check = async |account: Option<Arc<Account>>, password: &str| {
            logins.check_password("partner", account, SecretString::from(password)).await
        };
        assert_eq!(check(Some(account()), "right").await, Ok(c1()));
        assert_eq!(check(Some(account()), "wrong").await, Err(Rejection::WrongPassword));
        assert_eq!(check(None, "right").await, Err(Rejection::UnknownUser));
    }

    #[test]
    fn an_unknown_user_gets_the_same_salt_every_time_and_another_than_its_neighbour() {
        let logins = Logins::new(&RootKey::from_bytes([1; 32]));
        let salt = |user| {
            let (credential, known) = logins.scram_credential(user, None, ScramHash::Sha512).unwrap();
            assert!(!known);
            (credential.salt().to_vec(), credential.iterations())
        };
        assert_eq!(salt("a"), salt("a"));
        assert_ne!(salt("a"), salt("b"));
        let (real, known) = logins.scram_credential("partner", Some(account()), ScramHash::Sha512).unwrap();
        assert!(known);
        assert_eq!((real.salt().len(), real.iterations()), (salt("a").0.len(), salt("a").1));
    }

    #[test]
    fn made_passwords_are_long_and_never_the_same() {
        let (one, two) = (make_password().unwrap(), make_password().unwrap());
        assert_eq!(one.expose_secret().len(), 32);
        assert_ne!(one.expose_secret(), two.expose_secret());
    }
}
