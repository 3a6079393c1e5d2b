//! Failed logins, remembered by client address: each makes the next refusal come later.
//!
//! Only a failure waits. A token that opens is let in at once, also from an address that failed, so that nobody can lock
//! somebody else out; but an address with many refusals under way is told to wait before it is looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::limits::Limits;

/// Wait before the first refusal, so that guessing costs time; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// Addresses that are remembered, some 100 bytes each; whoever has that many is not held back by this.
const MAX_ADDRESSES: usize = 8_192;

/// How often those that are forgotten are looked for, once there is no room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What failed lately.
#[derive(Debug)]
pub(crate) struct Failures {
    longest: Duration,
    memory: Duration,
    at_once: usize,
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    failed: HashMap<IpAddr, Failed>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Failed {
    count: u32,
    last: Instant,
    waiting: Arc<Semaphore>,
}

impl Failures {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            longest: limits.failed_login_delay_max,
            memory: limits.failed_login_memory,
            at_once: limits.failed_logins_at_once,
            addresses: Mutex::default(),
        }
    }

    /// Whether so many refusals of an address wait that it is not even looked at.
    pub(crate) fn is_held_back(&self, address: IpAddr) -> bool {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.failed.get(&address).is_some_and(|failed| failed.waiting.available_permits() == 0)
    }

    /// Notes a failure and waits for as long as its refusal must take.
    pub(crate) async fn wait(&self, address: IpAddr) {
        let (delay, place) = self.note(address, Instant::now());
        // Whoever leaves before the refusal keeps the place for as long.
        let waited = tokio::spawn(async move {
            sleep(delay).await;
            drop(place);
        });
        let _ = waited.await;
    }

    fn note(&self, address: IpAddr, now: Instant) -> (Duration, Option<OwnedSemaphorePermit>) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.failed.len() >= MAX_ADDRESSES && !addresses.failed.contains_key(&address) {
            self.make_room(&mut addresses, now);
        }
        let failed = addresses.failed.entry(address).or_insert_with(|| Failed {
            count: 0,
            last: now,
            waiting: Arc::new(Semaphore::new(self.at_once)),
        });
        if self.is_forgotten(failed, now) {
            failed.count = 0;
        }
        failed.count = failed.count.saturating_add(1);
        failed.last = now;
        let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow((failed.count - 1).min(16)));
        let delay = doubled.min(self.longest).max(FIRST_DELAY);
        (delay, Arc::clone(&failed.waiting).try_acquire_owned().ok())
    }

    /// Throws out what is forgotten anyway, or else whatever comes first: many addresses fail by design.
    fn make_room(&self, addresses: &mut Addresses, now: Instant) {
        if addresses.swept.is_none_or(|swept| now >= swept + SWEEP_EVERY) {
            addresses.failed.retain(|_, failed| !self.is_forgotten(failed, now));
            addresses.swept = Some(now);
        }
        if addresses.failed.len() >= MAX_ADDRESSES
            && let Some(any) = addresses.failed.keys().next().copied()
        {
            addresses.failed.remove(&any);
        }
    }

    fn is_forgotten(&self, failed: &Failed, now: Instant) -> bool {
        now.saturating_duration_since(failed.last) >= self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn refusals_come_later_and_later_up_to_a_limit_and_are_forgotten() {
        let (failures, now) = (Failures::new(&Limits::default()), Instant::now());
        let delays: Vec<u128> = (0..8).map(|_| failures.note(address(1), now).0.as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(failures.note(address(2), now).0, FIRST_DELAY, "another address");
        let later = now + Limits::default().failed_login_memory;
        assert_eq!(failures.note(address(1), later).0, FIRST_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_with_many_refusals_under_way_is_held_back_also_if_it_leaves() {
        let failures = Failures::new(&Limits { failed_logins_at_once: 2, ..Limits::default() });
        for _ in 0..2 {
            assert!(!failures.is_held_back(address(1)));
            let left = tokio::time::timeout(Duration::from_millis(1), failures.wait(address(1)));
            assert!(left.await.is_err());
        }
        assert!(failures.is_held_back(address(1)) && !failures.is_held_back(address(2)));
        sleep(Duration::from_secs(1)).await;
        assert!(!failures.is_held_back(address(1)));
    }

    #[test]
    fn many_addresses_take_bounded_room() {
        let (failures, now) = (Failures::new(&Limits::default()), Instant::now());
        for n in 0..2 * MAX_ADDRESSES as u32 {
            failures.note(address(n), now);
        }
        assert_eq!(failures.addresses.lock().unwrap().failed.len(), MAX_ADDRESSES);
    }
}
