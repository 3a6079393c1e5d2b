//! When each credential was in use last, so that an operator knows which one can go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::{CredentialId, Fact, Facts, ZoneId};
use tokio::time::Instant;

use crate::state;

/// How exact it is: clients that come and go all the time must not write all the time.
const EVERY: Duration = Duration::from_secs(60);

/// Credentials of which is remembered when they were noted; more than a gateway has accounts.
const MAX_NOTED: usize = 20_000;

/// When the use of each credential was noted last.
#[derive(Debug, Default)]
pub(crate) struct LastUsed(Mutex<HashMap<(ZoneId, CredentialId), Instant>>);

impl LastUsed {
    /// Notes that a credential is in use. Nobody waits for it, and nobody is refused when it cannot be kept.
    pub(crate) fn note(&self, facts: &Arc<dyn Facts>, zone: ZoneId, credential: &CredentialId) {
        if self.is_due(zone, credential, Instant::now()) {
            let fact = Fact::Login { credential: credential.clone(), used: state::now() };
            let keeping = facts.keep(zone, vec![fact]);
            tokio::spawn(async move {
                if let Err(error) = keeping.await {
                    tracing::debug!(%error, "the last use of a credential is not kept");
                }
            });
        }
    }

    fn is_due(&self, zone: ZoneId, credential: &CredentialId, now: Instant) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (zone, credential.clone());
        if noted.get(&key).is_some_and(|before| now - *before < EVERY) {
            return false;
        }
        if noted.len() >= MAX_NOTED && !noted.contains_key(&key) {
            noted.retain(|_, before| now - *before < EVERY);
        }
        // Where that frees nothing it is noted more often, which is no harm but work.
        if noted.len() < MAX_NOTED || noted.contains_key(&key) {
            noted.insert(key, now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_credential_is_noted_once_in_a_while() {
        let last_used = LastUsed::default();
        let due = |zone: u8, credential: &str| {
            let credential = CredentialId::parse(credential).unwrap();
            last_used.is_due(ZoneId::from_bytes([zone; 16]), &credential, Instant::now())
        };
        assert!(due(1, "a") && due(1, "b") && due(2, "a"));
        assert!(!due(1, "a") && !due(2, "a"));
        tokio::time::advance(EVERY).await;
        assert!(due(1, "a") && !due(1, "a"));
    }
}
