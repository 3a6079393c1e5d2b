//! The right to append where no broker guards it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Duration;

use crate::boot_time::{BootClock, BootTime};

/// A lease as whoever appends sees it. Clones are the same lease.
///
/// It is looked at right before bytes go out, on a clock of its own that stands still neither while the process is stopped nor while
/// the machine is suspended, so that a worker that was away for a while does not go on as if nothing had happened.
#[derive(Debug, Clone)]
pub struct Lease {
    clock: BootClock,
    /// Milliseconds on `clock` until which it is held.
    until: Arc<AtomicU64>,
}

impl Lease {
    /// A lease that is not held.
    #[must_use]
    pub fn new() -> Self {
        Self::on(BootClock::of_machine())
    }

    /// A lease that is not held, on a clock of the caller's choice.
    #[must_use]
    pub fn on(clock: BootClock) -> Self {
        Self { clock, until: Arc::new(AtomicU64::new(0)) }
    }

    /// A lease that nobody can take away, for a process that is alone by other means.
    #[must_use]
    pub fn forever() -> Self {
        Self { clock: BootClock::of_machine(), until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// The time by which it is held; to be taken before what renews it is sent.
    #[must_use]
    pub fn now(&self) -> BootTime {
        self.clock.now()
    }

    /// Holds it for so long from `since` on, which is a time of its own clock.
    pub fn renew(&self, since: BootTime, length: Duration) {
        self.until.store(since.saturating_add(length).as_millis(), Ordering::Release);
    }

    /// Gives it up.
    pub fn give_up(&self) {
        self.until.store(0, Ordering::Release);
    }

    /// Whether it is held now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_held_at(self.now())
    }

    fn is_held_at(&self, now: BootTime) -> bool {
        now.as_millis() < self.until.load(Ordering::Acquire)
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

    const LENGTH: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_unless_it_is_renewed() {
        let lease = Lease::on(BootClock::of_runtime());
        assert!(!lease.is_held());
        lease.renew(lease.now(), LENGTH);
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(lease.is_held());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.is_held());
        lease.renew(lease.now(), LENGTH);
        assert!(lease.is_held());
        lease.give_up();
        assert!(!lease.is_held());
        assert!(Lease::forever().is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn what_renews_it_counts_from_when_it_was_sent() {
        let lease = Lease::on(BootClock::of_runtime());
        let sent = lease.now();
        tokio::time::advance(Duration::from_millis(4_900)).await;
        lease.renew(sent, LENGTH);
        assert!(lease.is_held());
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(!lease.is_held());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn the_machines_clock_goes_on_while_the_runtimes_stands_still() {
        let lease = Lease::new();
        let before = lease.now();
        lease.renew(before, Duration::from_millis(30));
        assert!(lease.is_held_at(before));
        std::thread::sleep(Duration::from_millis(31));
        assert!(!lease.is_held());
        assert!(!lease.is_held_at(before.saturating_add(LENGTH)));
    }
}
