//! Changes of the store: whole or not at all, in the history with whoever made them, and decided anew whenever somebody
//! else was faster.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use tidegate_core::records::{AuditRecord, Moment, Sealing};
use tidegate_core::registry::{Registry, RegistryError};
use tidegate_core::store::{Change, ChangeError, CommitError};
use tokio::time::timeout;

use crate::admin::Inner;
use crate::audit::TARGET;
use crate::refusal::Refusal;

/// How often a change is tried when another replica or a command is faster; those of this daemon stand in line.
const ATTEMPTS: usize = 10;

/// How long what the other one changed may take to be here.
const CATCH_UP: Duration = Duration::from_secs(5);

impl Inner {
    /// Looks at the records as of now.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Registry<'_>) -> T) -> T {
        let (image, random) = (self.store.image(), SystemRandom::new());
        let sealing = Sealing { sealer: &self.sealer, random: &random };
        look(&Registry { image: &image, sealing, now: self.now() })
    }

    /// Makes what `decide` makes of the records, and tells in the history that `who` did `action`. Where nothing has to be
    /// changed, nothing is told.
    pub(crate) async fn change<T>(
        &self,
        who: &str,
        action: &str,
        mut decide: impl FnMut(&Registry<'_>) -> Result<(Change, T), Refusal>,
    ) -> Result<T, Refusal> {
        self.commit(|registry| {
            let (change, outcome) = decide(registry)?;
            let change = match change.writes().is_empty() {
                true => None,
                false => Some(told(registry, change, who, action)?),
            };
            Ok((change, outcome))
        })
        .await
    }

    /// Puts a call that was denied into the log and, in the background, into the history.
    pub(crate) fn tell_denied(self: &Arc<Self>, who: String, action: String) {
        if let Some(left_out) = self.denials.in_log() {
            tracing::warn!(target: TARGET, event = "denied", who, action, left_out);
        }
        let Some(left_out) = self.denials.in_history() else { return };
        let admin = Arc::clone(self);
        tokio::spawn(async move {
            let action = match left_out {
                0 => action,
                more => format!("{action} (and {more} more that were denied before)"),
            };
            let kept = admin.commit(|it| Ok((Some(told(it, Change::new(), &who, &action)?), ()))).await;
            if let Err(error) = kept {
                tracing::warn!(target: TARGET, %error, "a denied call is not in the history");
            }
        });
    }

    /// Commits what `decide` makes of the records, anew whenever somebody else was faster; nothing where it makes nothing.
    async fn commit<T>(
        &self,
        mut decide: impl FnMut(&Registry<'_>) -> Result<(Option<Change>, T), Refusal>,
    ) -> Result<T, Refusal> {
        // Each takes the next place in the history, so two at once would always be a conflict.
        let _turn = self.changing.lock().await;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let seen = self.store.image().revision();
            let (change, outcome) = self.look(&mut decide)?;
            let Some(change) = change else { return Ok(outcome) };
            match self.store.commit(change).await {
                Ok(_) => return Ok(outcome),
                Err(CommitError::Change(ChangeError::Conflict(conflict))) => {
                    tracing::debug!(%conflict, "trying again");
                    last = Some(conflict);
                    // What the other changed has to be here first.
                    let _ = timeout(CATCH_UP, self.store.later(seen)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let what = last.map(|conflict| conflict.to_string()).unwrap_or_default();
        Err(Refusal::Conflict(format!("somebody else changes the same records all the time: {what}")))
    }

    /// Microseconds since 1970.
    pub(crate) fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// `change`, and its line in the history.
fn told(registry: &Registry<'_>, change: Change, who: &str, action: &str) -> Result<Change, RegistryError> {
    Ok(AuditRecord::tell(change, registry.image, &registry.sealing, registry.now, who, action)?)
}
