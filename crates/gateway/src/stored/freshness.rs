//! Whether what is enforced is still known to be what the store says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::state;

/// Since when what is enforced may have been out of date.
#[derive(Debug)]
pub(crate) struct Freshness {
    /// Milliseconds of [`state::uptime`]; `u64::MAX` where there is no store.
    confirmed: AtomicU64,
    staleness_max: Duration,
}

impl Freshness {
    /// Of a gateway without a store: what it read is what holds.
    pub(crate) fn always() -> Self {
        Self { confirmed: AtomicU64::new(u64::MAX), staleness_max: Duration::MAX }
    }

    /// Of a gateway that has just read its store, which was behind by so much then.
    pub(crate) fn new(staleness_max: Duration, behind: Duration) -> Self {
        Self { confirmed: AtomicU64::new(millis(state::uptime().saturating_sub(behind))), staleness_max }
    }

    /// What is enforced was right at that time.
    pub(super) fn confirm(&self, at: Duration) {
        self.confirmed.fetch_max(millis(at), Ordering::Release);
    }

    /// Whether somebody may log in.
    pub(crate) fn admits(&self) -> bool {
        self.age(state::uptime()) <= self.staleness_max
    }

    /// For how long it has not been known.
    pub(super) fn age(&self, now: Duration) -> Duration {
        Duration::from_millis(millis(now).saturating_sub(self.confirmed.load(Ordering::Acquire)))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_counted_from_the_last_confirmation() {
        let freshness = Freshness::new(Duration::from_secs(1), Duration::ZERO);
        freshness.confirm(Duration::from_secs(100));
        freshness.confirm(Duration::from_secs(90));
        assert_eq!(freshness.age(Duration::from_secs(103)), Duration::from_secs(3));
        assert_eq!(freshness.age(Duration::from_secs(99)), Duration::ZERO);
        assert!(Freshness::always().admits());
    }
}
