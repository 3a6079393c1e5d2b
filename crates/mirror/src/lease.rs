//! The right to append where no broker guards it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::{Duration, Instant};

/// A lease as whoever appends sees it. Clones are the same lease.
///
/// It is looked at right before bytes go out, on a clock of its own that does not stand still while the process is stopped, so that
/// a worker that was away for a while does not go on as if nothing had happened.
#[derive(Debug, Clone)]
pub struct Lease {
    origin: Instant,
    /// Milliseconds after `origin` until which it is held.
    until: Arc<AtomicU64>,
}

impl Lease {
    /// A lease that is not held.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now(), until: Arc::new(AtomicU64::new(0)) }
    }

    /// A lease that nobody can take away, for a process that is alone by other means.
    #[must_use]
    pub fn forever() -> Self {
        Self { origin: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Holds it for so long from `since` on.
    pub fn renew(&self, since: Instant, length: Duration) {
        let until = since.saturating_duration_since(self.origin).saturating_add(length);
        self.until.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Gives it up.
    pub fn give_up(&self) {
        self.until.store(0, Ordering::Release);
    }

    /// Whether it is held now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let now = self.origin.elapsed().as_millis();
        now < u128::from(self.until.load(Ordering::Acquire))
    }
}

impl Default for Lease {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_unless_it_is_renewed() {
        let lease = Lease::new();
        assert!(!lease.is_held());
        lease.renew(Instant::now(), Duration::from_secs(5));
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(lease.is_held());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.is_held());
        lease.renew(Instant::now(), Duration::from_secs(5));
        assert!(lease.is_held());
        lease.give_up();
        assert!(!lease.is_held());
        assert!(Lease::forever().is_held());
    }
}
