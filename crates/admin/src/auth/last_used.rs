//! When each token and each credential was in use last, so that an operator knows which one can go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::facts::CONTROL_PLANE;
use tidegate_core::records::Moment;
use tidegate_core::{CredentialId, Fact, Facts, Timestamp, TokenId, ZoneId};
use tokio::time::Instant;

/// How exact it is: a pipeline that sends a thousand requests must not write a thousand facts.
const EVERY: Duration = Duration::from_secs(60);

/// When the use of each token was noted last. There are as many as there are tokens, which only an admin makes.
#[derive(Debug)]
pub(crate) struct LastUsed {
    facts: Arc<dyn Facts>,
    noted: Mutex<HashMap<TokenId, Instant>>,
}

impl LastUsed {
    pub(crate) fn new(facts: Arc<dyn Facts>) -> Self {
        Self { facts, noted: Mutex::default() }
    }

    /// Notes that a token is in use. Nobody waits for it, and nobody is refused when it cannot be kept.
    pub(crate) fn note(&self, token: &TokenId, at: Moment) {
        // Ids of tokens have fewer characters to choose from than those of credentials.
        let Ok(credential) = CredentialId::parse(token.as_str()) else { return };
        if !self.is_due(token, Instant::now()) {
            return;
        }
        let fact = Fact::Login { credential, used: Timestamp(at.0 / 1_000_000) };
        let keeping = self.facts.keep(CONTROL_PLANE, vec![fact]);
        tokio::spawn(async move {
            if let Err(error) = keeping.await {
                tracing::debug!(%error, "the last use of a token is not kept");
            }
        });
    }

    /// When each token was in use, as far as that is still known.
    pub(crate) async fn all(&self) -> HashMap<String, Moment> {
        let known = self.of_credentials(CONTROL_PLANE).await;
        known.into_iter().map(|(token, used)| (token.to_string(), used)).collect()
    }

    /// When each credential of a zone was in use, as far as that is still known, which is for its listeners to note; nothing
    /// if facts cannot be had, which no list should fail for.
    pub(crate) async fn of_credentials(&self, zone: ZoneId) -> HashMap<CredentialId, Moment> {
        let known = self.facts.logins(zone).await.unwrap_or_default();
        let moment = |used: Timestamp| Moment::default().plus_seconds(used.0);
        known.into_iter().map(|(credential, used)| (credential, moment(used))).collect()
    }

    fn is_due(&self, token: &TokenId, now: Instant) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(token).is_some_and(|before| now.saturating_duration_since(*before) < EVERY) {
            return false;
        }
        // Those of tokens that are gone go, too.
        noted.retain(|_, before| now.saturating_duration_since(*before) < EVERY);
        noted.insert(token.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::MemoryFacts;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_token_is_noted_once_in_a_while() {
        let used = LastUsed::new(Arc::new(MemoryFacts::default()));
        let token = |id| TokenId::parse(id).unwrap();
        for (id, at) in [("A", 1), ("B", 2), ("A", 3)] {
            used.note(&token(id), Moment::default().plus_seconds(at));
        }
        let all = used.all().await;
        assert_eq!((all["A"].0, all["B"].0), (1_000_000, 2_000_000));
        tokio::time::advance(EVERY).await;
        used.note(&token("A"), Moment::default().plus_seconds(61));
        assert_eq!(used.all().await["A"].0, 61_000_000);
    }
}
