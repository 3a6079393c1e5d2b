//! How many requests a client address may send: so many in the long run, and so many at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;

/// Addresses that are remembered, each for some 50 bytes. Operators have few; once there are more, those that have sent
/// nothing for a while are forgotten, and if none has, strangers are refused.
const MAX_ADDRESSES: usize = 16_384;

/// How often those are looked for, once there is no room: looking at all of them for each stranger would cost more than the
/// stranger.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// What each address has left, as the moment at which it will have all again.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Time in which one more may be sent.
    interval: Duration,
    /// Time in which who has sent all may send all again.
    depth: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    full_at: HashMap<IpAddr, Instant>,
    swept: Option<Instant>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let interval = Duration::from_secs(1) / count(limits.requests_per_second_per_address);
        let depth = interval.saturating_mul(count(limits.requests_burst_per_address));
        Self { interval, depth, held: Mutex::default() }
    }

    /// Takes one request of an address, if it has one.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { full_at, swept } = &mut *held;
        if full_at.len() >= MAX_ADDRESSES && !full_at.contains_key(&address) {
            if swept.is_none_or(|swept| now >= swept + SWEEP_EVERY) {
                full_at.retain(|_, full| *full > now);
                *swept = Some(now);
            }
            if full_at.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let full = full_at.entry(address).or_insert(now);
        let after = (*full).max(now) + self.interval;
        if after.saturating_duration_since(now) > self.depth {
            return false;
        }
        *full = after;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn a_burst_and_then_the_rate_for_each_address() {
        let limits = Limits {
            requests_per_second_per_address: 10,
            requests_burst_per_address: 5,
            ..Limits::default()
        };
        let (rates, begin) = (Rates::new(&limits), Instant::now());
        let taken = |n, now| (0..100).filter(|_| rates.take(address(n), now)).count();
        assert_eq!((taken(1, begin), taken(2, begin)), (5, 5));
        assert_eq!(taken(1, begin + Duration::from_millis(250)), 2);
        assert_eq!(taken(1, begin + Duration::from_secs(3_600)), 5, "a long silence saves up no more");
    }

    #[test]
    fn many_addresses_take_bounded_room() {
        let (rates, now) = (Rates::new(&Limits::default()), Instant::now());
        for n in 0..2 * MAX_ADDRESSES as u32 {
            rates.take(address(n), now);
        }
        assert_eq!(rates.held.lock().unwrap().full_at.len(), MAX_ADDRESSES);
        assert!(!rates.take(address(u32::MAX), now));
        assert!(rates.take(address(u32::MAX), now + Duration::from_secs(1)), "the others are forgotten");
    }
}
