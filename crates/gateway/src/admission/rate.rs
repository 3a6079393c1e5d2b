//! How often something may happen: so often in the long run, and so often at once.
//!
//! A bucket is the moment at which it will be full again, and a full one need not be remembered.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Keys that are remembered at once, each for some 50 bytes; those beyond are held to what binds all together.
const MAX_KEYS: usize = 65_536;

/// Full buckets are thrown away when there are this many more than after the last time, and it was so long ago: looking
/// at all of them for each stranger would cost more than the stranger.
const SWEEP_AFTER: usize = 1_024;
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Time in which one becomes free.
    interval: Duration,
    /// Time in which an empty bucket is full again.
    depth: Duration,
}

impl Rate {
    /// `per_second` in the long run, `burst` at once; both at least 1.
    pub(super) fn new(per_second: usize, burst: usize) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let interval = Duration::from_secs(1) / count(per_second);
        Self { interval, depth: interval.saturating_mul(count(burst)) }
    }

    /// When a bucket that is full at `full_at` will be full if one more is taken.
    fn one_more(self, full_at: Option<Instant>, now: Instant) -> Instant {
        full_at.map_or(now, |full_at| full_at.max(now)) + self.interval
    }

    /// Takes one if more than `kept` is left.
    fn take(self, full_at: &mut Option<Instant>, kept: Duration, now: Instant) -> Left {
        let after = self.one_more(*full_at, now);
        let owed = after.saturating_duration_since(now);
        if owed > self.depth.saturating_sub(kept) {
            return Left::Nothing;
        }
        *full_at = Some(after);
        if owed > self.depth / 2 { Left::Little } else { Left::Plenty }
    }

    /// Takes one, and says how long to wait for it, `longest` at most.
    fn pace(self, full_at: &mut Option<Instant>, longest: Duration, now: Instant) -> Duration {
        let after = self.one_more(*full_at, now).min(now + self.depth + longest);
        *full_at = Some(after);
        after.saturating_duration_since(now).saturating_sub(self.depth)
    }
}

/// What is left after one was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// At least half of the bucket.
    Plenty,
    /// Less than half.
    Little,
    /// It could not be taken.
    Nothing,
}

/// One bucket for everybody, of which a quarter is for those who have plenty left of their own: so a few that take all
/// they may cannot empty it for the rest.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes one, if there is one for somebody of whose own so much is left.
    pub(super) fn take(&self, own: Left, now: Instant) -> bool {
        let kept = if own == Left::Plenty { Duration::ZERO } else { self.rate.depth / 4 };
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.rate.take(&mut full_at, kept, now) != Left::Nothing
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    rate: Rate,
    held: Mutex<Held<K>>,
}

#[derive(Debug)]
struct Held<K> {
    full_at: HashMap<K, Instant>,
    /// The number of keys at which full buckets are looked for.
    sweep_at: usize,
    swept: Option<Instant>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, held: Mutex::new(Held { full_at: HashMap::new(), sweep_at: SWEEP_AFTER, swept: None }) }
    }

    /// Takes one of `key` if there is one.
    pub(super) fn take(&self, key: &K, now: Instant) -> Left {
        self.with(key, now, |rate, full_at| rate.take(full_at, Duration::ZERO, now)).unwrap_or(Left::Little)
    }

    /// Takes one of `key`, and says how long to wait for it, `longest` at most.
    pub(super) fn pace(&self, key: &K, longest: Duration, now: Instant) -> Duration {
        self.with(key, now, |rate, full_at| rate.pace(full_at, longest, now)).unwrap_or_default()
    }

    /// `None` when there is no room for another key.
    fn with<T>(
        &self,
        key: &K,
        now: Instant,
        take: impl FnOnce(Rate, &mut Option<Instant>) -> T,
    ) -> Option<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let swept_lately = held.swept.is_some_and(|swept| now < swept + SWEEP_EVERY);
        if held.full_at.len() >= held.sweep_at && !swept_lately {
            held.full_at.retain(|_, full_at| *full_at > now);
            held.sweep_at = (held.full_at.len() + SWEEP_AFTER).min(MAX_KEYS);
            held.swept = Some(now);
        }
        let mut full_at = held.full_at.get(key).copied();
        if full_at.is_none() && held.full_at.len() >= MAX_KEYS {
            return None;
        }
        let taken = take(self.rate, &mut full_at);
        if let Some(full_at) = full_at {
            held.full_at.insert(key.clone(), full_at);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let buckets = Buckets::new(Rate::new(10, 5));
        let begin = Instant::now();
        let taken = |now| (0..100).filter(|_| buckets.take(&"a", now) != Left::Nothing).count();
        assert_eq!(taken(begin), 5);
        assert_eq!(taken(begin + Duration::from_millis(250)), 2);
        // A long silence saves up no more than a burst.
        assert_eq!(taken(begin + Duration::from_secs(3_600)), 5);
        assert_eq!(buckets.take(&"b", begin), Left::Plenty, "another key waits for nobody");
    }

    #[test]
    fn who_took_much_leaves_a_quarter_to_who_did_not() {
        let bucket = Bucket::new(Rate::new(10, 20));
        let now = Instant::now();
        let taken = |own| (0..100).filter(|_| bucket.take(own, now)).count();
        assert_eq!((taken(Left::Little), taken(Left::Plenty)), (15, 5));
    }

    #[test]
    fn waits_grow_to_the_longest_and_shrink_again() {
        let buckets = Buckets::new(Rate::new(10, 2));
        let longest = Duration::from_millis(450);
        let begin = Instant::now();
        let waits: Vec<u128> = (0..8).map(|_| buckets.pace(&"a", longest, begin).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200, 300, 400, 450, 450]);
        assert_eq!(buckets.pace(&"b", longest, begin), Duration::ZERO);
        assert_eq!(buckets.pace(&"a", longest, begin + Duration::from_secs(2)), Duration::ZERO);
    }

    #[test]
    fn strangers_take_no_room_for_good() {
        let buckets = Buckets::new(Rate::new(1, 1));
        let begin = Instant::now();
        for key in 0..200_000_u32 {
            buckets.take(&key, begin);
        }
        assert_eq!(buckets.held.lock().unwrap().full_at.len(), MAX_KEYS);
        assert_eq!(buckets.take(&1, begin), Left::Nothing, "an old key is still known");
        assert_eq!(buckets.take(&1_000_000, begin), Left::Little, "a new one is let through");
        buckets.take(&1, begin + Duration::from_secs(2));
        assert_eq!(buckets.held.lock().unwrap().full_at.len(), 1);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let bucket = Bucket::new(Rate::new(1, usize::MAX));
        assert!(bucket.take(Left::Plenty, Instant::now()));
        let bucket = Bucket::new(Rate::new(usize::MAX, 0));
        assert!(bucket.take(Left::Plenty, Instant::now()));
    }
}
