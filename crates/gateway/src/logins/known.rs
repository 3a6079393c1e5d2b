//! Passwords that were found right, recognised without stretching them once more.
//!
//! What is kept of one is its HMAC under a key that lives as long as this process: whoever reads the memory finds the
//! key too and can guess as fast as an HMAC is made, which is why it is nowhere but in memory. What is wrong is never
//! kept, so guessing always costs the stretching, and fills nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use tidegate_core::CredentialId;
use tidegate_core::account::Fingerprint;

/// Users whose passwords are remembered; more than a gateway has accounts, a few hundred bytes each.
const MAX_USERS: usize = 10_000;

/// Passwords of one user; an account has two while it changes from one to the next.
const MAX_PASSWORDS: usize = 4;

/// The passwords.
#[derive(Debug)]
pub(super) struct KnownPasswords {
    /// None when the machine has no randomness: then nothing is remembered.
    key: Option<hmac::Key>,
    users: Mutex<HashMap<String, Known>>,
}

/// What was right for an account that had this fingerprint.
struct Known {
    fingerprint: Fingerprint,
    tags: Vec<(hmac::Tag, CredentialId)>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(hidden)")
    }
}

impl KnownPasswords {
    pub(super) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new()).ok();
        Self { key, users: Mutex::default() }
    }

    /// The credential that `password` was found to be of before, the account being what it was then.
    pub(super) fn recognises(
        &self,
        user: &str,
        fingerprint: &Fingerprint,
        password: &SecretString,
    ) -> Option<CredentialId> {
        let key = self.key.as_ref()?;
        let message = message(user, password);
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let known = users.get(user)?;
        if known.fingerprint != *fingerprint {
            users.remove(user);
            return None;
        }
        // Each in constant time, and all of them: which one it is tells nothing either.
        known.tags.iter().fold(None, |found, (tag, credential)| {
            let is = hmac::verify(key, message.expose_secret().as_bytes(), tag.as_ref()).is_ok();
            if is { Some(credential.clone()) } else { found }
        })
    }

    /// Remembers a password that was found right.
    pub(super) fn remember(
        &self,
        user: &str,
        fingerprint: Fingerprint,
        credential: CredentialId,
        password: &SecretString,
    ) {
        let Some(key) = &self.key else { return };
        let tag = hmac::sign(key, message(user, password).expose_secret().as_bytes());
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_USERS
            && !users.contains_key(user)
            && let Some(any) = users.keys().next().cloned()
        {
            users.remove(&any);
        }
        let fresh = || Known { fingerprint, tags: Vec::new() };
        let known = users.entry(user.to_owned()).or_insert_with(fresh);
        if known.fingerprint != fingerprint {
            *known = fresh();
        }
        if !known.tags.iter().any(|(known, _)| known.as_ref() == tag.as_ref()) {
            if known.tags.len() >= MAX_PASSWORDS {
                known.tags.remove(0);
            }
            known.tags.push((tag, credential));
        }
    }
}

/// A user name holds no NUL.
fn message(user: &str, password: &SecretString) -> SecretString {
    SecretString::from([user, "\0", password.expose_secret()].concat())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_core::account::Account;

    use super::*;

    fn account(password: &str) -> Arc<Account> {
        super::super::tests::account_of("partner", password)
    }

    fn credential() -> CredentialId {
        CredentialId::parse("c1").unwrap()
    }

    #[test]
    fn a_password_is_recognised_for_its_user_and_fingerprint_alone() {
        let known = KnownPasswords::new();
        let (before, after) = (account("one").fingerprint(), account("two").fingerprint());
        let password = SecretString::from("one");
        assert_eq!(known.recognises("partner", &before, &password), None);
        known.remember("partner", before, credential(), &password);
        assert_eq!(known.recognises("partner", &before, &password), Some(credential()));
        assert_eq!(known.recognises("partner", &before, &SecretString::from("two")), None);
        assert_eq!(known.recognises("rival", &before, &password), None);
        assert_eq!(known.recognises("partner", &after, &password), None);
        assert_eq!(
            known.recognises("partner", &before, &password),
            None,
            "a new fingerprint clears what was known"
        );
    }

    #[test]
    fn it_is_bounded_and_keeps_nothing_that_can_be_read() {
        let known = KnownPasswords::new();
        let fingerprint = account("one").fingerprint();
        for n in 0..MAX_USERS + 50 {
            known.remember(&format!("user-{n}"), fingerprint, credential(), &SecretString::from("one"));
        }
        for n in 0..10 * MAX_PASSWORDS {
            let password = SecretString::from(format!("password-{n}"));
            known.remember("user-last", fingerprint, credential(), &password);
        }
        let users = known.users.lock().unwrap();
        assert_eq!(users.len(), MAX_USERS);
        assert_eq!(users["user-last"].tags.len(), MAX_PASSWORDS);
        drop(users);
        assert!(!format!("{known:?}").contains("password-"));
    }
}
