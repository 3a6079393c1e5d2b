//! Tokens for an id and a secret, kept for as long as they are fresh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex as TurnMutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::answer::Granted;
use super::endpoint::{Asking, TokenEndpoint};
use super::{Obtaining, TokenError, TokenSource};
use crate::TlsError;

/// A token is not given out any more when it ends within this, or within a quarter of its time if that is less: brokers end a
/// session with its token, and a new connection is worth a while.
const BEFORE_END: Duration = Duration::from_secs(60);

/// A token is kept for so long at most, whatever is said of it: one that was taken back is not used for days.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The endpoint is asked once in so long at most, however many log in and whatever comes of it.
const PAUSE: Duration = Duration::from_secs(1);

/// The tokens that an identity provider gives for client credentials (RFC 6749 section 4.4). A token is given to all logins until
/// shortly before it ends; then one of them asks for another, and those that come meanwhile wait for it.
#[derive(Debug, Clone)]
pub struct ClientCredentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    asking: Arc<Asking>,
    kept: Mutex<Option<Kept>>,
    /// Whoever asks has it.
    failed: TurnMutex<Option<Failed>>,
}

#[derive(Debug)]
struct Kept {
    token: SecretString,
    asked: Instant,
    until: Instant,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    error: TokenError,
}

impl ClientCredentials {
    /// Tokens of this endpoint; it is not asked yet.
    ///
    /// # Errors
    /// [`TlsError`] when the certificate authorities cannot be used.
    pub fn new(endpoint: TokenEndpoint) -> Result<Self, TlsError> {
        let asking = Arc::new(Asking::new(endpoint)?);
        Ok(Self(Arc::new(Inner { asking, kept: Mutex::default(), failed: TurnMutex::default() })))
    }
}

impl TokenSource for ClientCredentials {
    fn token(&self) -> Obtaining<'_> {
        Box::pin(async {
            if let Some(token) = self.0.fresh() {
                return Ok(token);
            }
            // Whoever asked may go: the token comes all the same, and the endpoint is not asked by two at once.
            let inner = Arc::clone(&self.0);
            let asking = tokio::spawn(async move { inner.ask().await });
            asking.await.unwrap_or_else(|error| Err(TokenError::Other(Arc::new(error))))
        })
    }

    fn refused(&self, token: &SecretString) {
        let mut kept = self.0.kept();
        if let Some(kept) = kept.as_mut().filter(|kept| kept.token.expose_secret() == token.expose_secret()) {
            kept.until = kept.until.min(kept.asked + PAUSE);
        }
    }
}

impl Inner {
    async fn ask(&self) -> Result<SecretString, TokenError> {
        let mut failed = self.failed.lock().await;
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        if let Some(failed) = failed.as_ref().filter(|failed| failed.at.elapsed() < PAUSE) {
            return Err(failed.error.clone());
        }
        let (asking, asked) = (Arc::clone(&self.asking), Instant::now());
        let answer = spawn_blocking(move || asking.ask()).await;
        match answer.unwrap_or_else(|error| Err(TokenError::Other(Arc::new(error)))) {
            Ok(Granted { token, lasts }) => {
                let until = asked + fresh_for(lasts);
                *self.kept() = Some(Kept { token: token.clone(), asked, until });
                *failed = None;
                Ok(token)
            }
            Err(error) => {
                *failed = Some(Failed { at: Instant::now(), error: error.clone() });
                Err(error)
            }
        }
    }

    fn fresh(&self) -> Option<SecretString> {
        let kept = self.kept();
        kept.as_ref().filter(|kept| Instant::now() < kept.until).map(|kept| kept.token.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For how long a token is given out; one of which nothing is said is for those who wait for it.
fn fresh_for(lasts: Option<Duration>) -> Duration {
    let lasts = lasts.unwrap_or_default().min(LONGEST);
    lasts.saturating_sub(BEFORE_END.min(lasts / 4)).max(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_given_out_until_shortly_before_their_end() {
        let seconds = Duration::from_secs;
        for (lasts, fresh) in [
            (None, PAUSE),
            (Some(seconds(0)), PAUSE),
            (Some(seconds(20)), seconds(15)),
            (Some(seconds(240)), seconds(180)),
            (Some(seconds(3_600)), seconds(3_540)),
            (Some(seconds(u64::MAX)), LONGEST - BEFORE_END),
        ] {
            assert_eq!(fresh_for(lasts), fresh, "{lasts:?}");
        }
    }
}
