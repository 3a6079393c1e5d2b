//! Failed logins, remembered by client address and user: each makes the next refusal come later.
//!
//! Only a failure waits. A right password is let in as soon as it is checked, and from another address nothing of this
//! is seen, so that nobody can lock a user out. Who guesses in parallel is held back too: once a user has failed at an
//! address, only a few attempts of that user from there are under way at a time, those that wait for their refusal
//! included.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::chance;
use crate::config::Limits;

/// Pause before the first refusal, so that guessing costs time; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// Addresses that are remembered; with all their users some 10 MiB at most.
const MAX_ADDRESSES: usize = 8_192;

/// How often those that are forgotten are looked for, once there is no room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Users that are remembered of one address; who tries more names shares one record for the rest of them.
const MAX_USERS: usize = 16;

/// What failed lately.
#[derive(Debug)]
pub(crate) struct Failures {
    longest: Duration,
    memory: Duration,
    at_once: usize,
    /// Users are remembered as keyed hashes: a name on the wire takes no room here.
    hasher: RandomState,
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    failed: HashMap<IpAddr, Vec<Failed>>,
    swept: Option<Instant>,
}

/// The failures of one user at one address; `None` are all users for whom there was no room.
#[derive(Debug)]
struct Failed {
    user: Option<u64>,
    count: u32,
    last: Instant,
    under_way: Arc<Semaphore>,
}

/// Leave to try; a failed attempt keeps it until its refusal is sent.
#[derive(Debug, Default)]
pub(crate) struct Leave {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Failures {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            longest: limits.failed_login_delay_max,
            memory: limits.failed_login_memory,
            at_once: limits.failed_logins_at_once,
            hasher: RandomState::new(),
            addresses: Mutex::default(),
        }
    }

    /// Waits until `user` may try from `address`, which is at once for whoever has not failed there.
    pub(crate) async fn leave(&self, address: IpAddr, user: &str, now: Instant) -> Leave {
        let Some(under_way) = self.under_way(address, user, now) else { return Leave::default() };
        Leave { _permit: under_way.acquire_owned().await.ok() }
    }

    /// Notes a failure; the time that its refusal must take.
    pub(crate) fn note(&self, address: IpAddr, user: &str, now: Instant) -> Duration {
        let user = self.hasher.hash_one(user);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.failed.len() >= MAX_ADDRESSES && !addresses.failed.contains_key(&address) {
            self.make_room(&mut addresses, now);
        }
        let all = addresses.failed.entry(address).or_default();
        all.retain(|failed| !self.forgotten(failed, now));
        let known = all.iter().any(|failed| failed.user == Some(user));
        let user = (known || all.len() < MAX_USERS).then_some(user);
        let at = match all.iter().position(|failed| failed.user == user) {
            Some(at) => at,
            None => {
                let under_way = Arc::new(Semaphore::new(self.at_once));
                all.push(Failed { user, count: 0, last: now, under_way });
                all.len() - 1
            }
        };
        let Some(failed) = all.get_mut(at) else { return self.longest };
        failed.count = failed.count.saturating_add(1);
        failed.last = now;
        self.delay(failed.count)
    }

    /// Doubles with each failure, and a quarter of it is chance, so that those that failed together do not return so.
    fn delay(&self, count: u32) -> Duration {
        let doubled = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(count.saturating_sub(1).min(16)));
        let full = doubled.min(self.longest).max(FIRST_DELAY);
        (full - chance(full / 4)).max(FIRST_DELAY)
    }

    fn under_way(&self, address: IpAddr, user: &str, now: Instant) -> Option<Arc<Semaphore>> {
        let user = self.hasher.hash_one(user);
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = addresses.failed.get(&address)?.iter().find(|failed| failed.user == Some(user))?;
        (!self.forgotten(failed, now)).then(|| Arc::clone(&failed.under_way))
    }

    fn forgotten(&self, failed: &Failed, now: Instant) -> bool {
        now.saturating_duration_since(failed.last) >= self.memory
    }

    /// Throws out what is forgotten anyway, or else whatever comes first: many addresses fail by design.
    fn make_room(&self, addresses: &mut Addresses, now: Instant) {
        if addresses.swept.is_none_or(|swept| now >= swept + SWEEP_EVERY) {
            addresses.failed.retain(|_, all| all.iter().any(|failed| !self.forgotten(failed, now)));
            addresses.swept = Some(now);
        }
        if addresses.failed.len() >= MAX_ADDRESSES
            && let Some(any) = addresses.failed.keys().next().copied()
        {
            addresses.failed.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Failures {
        Failures::new(&Limits { failed_logins_at_once: 2, ..Limits::default() })
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(n))
    }

    #[test]
    fn refusals_come_later_and_later_up_to_a_limit_and_are_forgotten() {
        let failures = failures();
        let now = Instant::now();
        let delays: Vec<Duration> = (0..12).map(|_| failures.note(address(1), "ann", now)).collect();
        for (n, delay) in delays.iter().enumerate() {
            let full = (FIRST_DELAY * 2_u32.pow(n as u32)).min(Limits::default().failed_login_delay_max);
            assert!(*delay <= full && *delay >= full * 3 / 4 && *delay >= FIRST_DELAY, "{n}: {delay:?}");
        }
        assert_eq!(failures.note(address(1), "bob", now), FIRST_DELAY, "another user");
        assert_eq!(failures.note(address(2), "ann", now), FIRST_DELAY, "another address");
        let later = now + Limits::default().failed_login_memory;
        assert_eq!(failures.note(address(1), "ann", later), FIRST_DELAY);
    }

    #[test]
    fn the_delay_has_chance_in_it() {
        let failures = failures();
        let now = Instant::now();
        let delays: std::collections::HashSet<Duration> =
            (0..40).map(|_| failures.note(address(1), "ann", now)).collect();
        assert!(delays.len() > 10, "{delays:?}");
    }

    #[test]
    fn one_address_that_tries_every_name_takes_bounded_room_and_is_delayed_too() {
        let failures = failures();
        let now = Instant::now();
        let last = (0..1_000).map(|n| failures.note(address(1), &format!("user-{n}"), now)).last().unwrap();
        assert!(last >= Limits::default().failed_login_delay_max * 3 / 4, "{last:?}");
        assert_eq!(failures.addresses.lock().unwrap().failed[&address(1)].len(), MAX_USERS + 1);
    }

    #[test]
    fn many_addresses_take_bounded_room() {
        let failures = failures();
        let now = Instant::now();
        for n in 0..3 * u32::try_from(MAX_ADDRESSES).unwrap() {
            failures.note(address(n), "ann", now);
        }
        assert_eq!(failures.addresses.lock().unwrap().failed.len(), MAX_ADDRESSES);
        failures.note(address(u32::MAX), "ann", now + Limits::default().failed_login_memory);
        assert_eq!(failures.addresses.lock().unwrap().failed.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_failed_waits_for_others_that_fail() {
        let failures = failures();
        let now = Instant::now();
        let many: Vec<Leave> = futures(&failures, "ann", 5, now).await;
        assert_eq!(many.len(), 5, "nobody has failed yet");
        failures.note(address(1), "ann", now);
        let held = futures(&failures, "ann", 5, now).await;
        assert_eq!(held.len(), 2);
        assert_eq!(futures(&failures, "bob", 5, now).await.len(), 5);
        drop(held);
        assert_eq!(futures(&failures, "ann", 5, now).await.len(), 2);
        let later = now + Limits::default().failed_login_memory;
        assert_eq!(futures(&failures, "ann", 5, later).await.len(), 5, "forgotten");
    }

    /// As many of `count` leaves as are given at once.
    async fn futures(failures: &Failures, user: &str, count: usize, now: Instant) -> Vec<Leave> {
        let mut given = Vec::new();
        for _ in 0..count {
            let leave = failures.leave(address(1), user, now);
            given.extend(tokio::time::timeout(Duration::from_millis(1), leave).await.ok());
        }
        given
    }
}
