//! What a zone may send, read and commit in a time (KIP-219).
//!
//! One bucket for each [`Flow`] of a zone, shared by all its connections, so that many connections have no more than
//! one and a new one inherits the debt. Nothing is ever refused: what is over the rate goes through and leaves a debt,
//! and the debt is the time for which the client is told to be silent and its connection is not read.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::zone::TrafficPolicies;
use tidegate_wire::api::ApiKey;

/// Longest pause of a connection that carries records: clients from before KIP-219 give up a request after 30 s.
const LONGEST_DATA_PAUSE: Duration = Duration::from_secs(10);

/// Longest pause of a connection to a coordinator: it carries heartbeats as well, and a group whose members are silent
/// is rebalanced.
const LONGEST_COMMIT_PAUSE: Duration = Duration::from_secs(1);

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Bytes of Produce requests, by the second.
    Produce,
    /// Bytes of Fetch answers, by the second.
    Consume,
    /// OffsetCommit and TxnOffsetCommit requests, by the minute.
    Commits,
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 3] = [Self::Produce, Self::Consume, Self::Commits];

    /// The flow that an API belongs to; most belong to none.
    #[must_use]
    pub const fn of(key: ApiKey) -> Option<Self> {
        match key {
            ApiKey::Produce => Some(Self::Produce),
            ApiKey::Fetch => Some(Self::Consume),
            ApiKey::OffsetCommit | ApiKey::TxnOffsetCommit => Some(Self::Commits),
            _ => None,
        }
    }

    /// The name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Commits => "commits",
        }
    }

    /// The time in which the rate's amount may flow; also how much may be saved up.
    const fn period(self) -> Duration {
        match self {
            Self::Produce | Self::Consume => Duration::from_secs(1),
            Self::Commits => Duration::from_secs(60),
        }
    }

    /// The longest silence that one answer may ask for.
    #[must_use]
    pub const fn longest_pause(self) -> Duration {
        match self {
            Self::Produce | Self::Consume => LONGEST_DATA_PAUSE,
            Self::Commits => LONGEST_COMMIT_PAUSE,
        }
    }

    pub(crate) const fn rate(self, policies: &TrafficPolicies) -> Option<NonZeroU64> {
        match self {
            Self::Produce => policies.max_produce_rate,
            Self::Consume => policies.max_consume_rate,
            Self::Commits => policies.limit_commit_offset,
        }
    }
}

/// Longest pause of a connection that asks too often: any connection may carry heartbeats.
const LONGEST_REQUEST_PAUSE: Duration = Duration::from_secs(1);

/// What may be asked at once is what may be asked in this time: a second of it would hold every core for most of one.
const REQUEST_PERIOD: Duration = Duration::from_millis(100);

/// The buckets of one zone. They outlive its edits: a new rate holds from the next request on, and a debt stays one.
#[derive(Debug, Default)]
pub struct Traffic {
    produce: Mutex<Option<Bucket>>,
    consume: Mutex<Option<Bucket>>,
    commits: Mutex<Option<Bucket>>,
    requests: Mutex<Option<Bucket>>,
}

impl Traffic {
    /// Takes `amount`, which may be nothing, out of a bucket and gives the pause that the zone owes from now on; zero
    /// within the rate.
    ///
    /// `now` counts from any origin of the caller's that does not move.
    pub fn debit(&self, flow: Flow, amount: usize, policies: &TrafficPolicies, now: Duration) -> Duration {
        // Most zones have no limit: no lock for them.
        let Some(rate) = flow.rate(policies) else { return Duration::ZERO };
        debit(self.bucket(flow), flow.period(), rate, amount, now).min(flow.longest_pause())
    }

    /// Takes `count` requests of any API out of what the zone may ask; `rate` is by the second, and a tenth of it may be
    /// saved up. Gives the pause of a connection that asks. No answer tells of it: stock clients come nowhere near, and
    /// who floods needs no word.
    pub fn debit_requests(&self, count: usize, rate: NonZeroU64, now: Duration) -> Duration {
        let rate = NonZeroU64::new(rate.get().div_ceil(10)).unwrap_or(NonZeroU64::MIN);
        debit(&self.requests, REQUEST_PERIOD, rate, count, now).min(LONGEST_REQUEST_PAUSE)
    }

    fn bucket(&self, flow: Flow) -> &Mutex<Option<Bucket>> {
        match flow {
            Flow::Produce => &self.produce,
            Flow::Consume => &self.consume,
            Flow::Commits => &self.commits,
        }
    }
}

fn debit(
    bucket: &Mutex<Option<Bucket>>,
    period: Duration,
    rate: NonZeroU64,
    amount: usize,
    now: Duration,
) -> Duration {
    let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
    let bucket = bucket.get_or_insert_with(|| Bucket::full(period, rate, now));
    bucket.refill(period, rate, now);
    bucket.take(period, amount);
    bucket.pause(rate)
}

/// Credit in units of (amount x milliseconds of the flow's period), so that a rate fills it without rounding.
#[derive(Debug)]
struct Bucket {
    credit: i128,
    filled: Duration,
}

impl Bucket {
    fn full(period: Duration, rate: NonZeroU64, now: Duration) -> Self {
        Self { credit: depth(period, rate), filled: now }
    }

    fn refill(&mut self, period: Duration, rate: NonZeroU64, now: Duration) {
        let passed = millis(now.saturating_sub(self.filled));
        let gained = i128::from(rate.get()).saturating_mul(passed);
        self.credit = self.credit.saturating_add(gained).min(depth(period, rate));
        // Whole milliseconds only: what is left of one counts the next time.
        self.filled += Duration::from_millis(u64::try_from(passed).unwrap_or(u64::MAX));
    }

    fn take(&mut self, period: Duration, amount: usize) {
        let amount = i128::try_from(amount).unwrap_or(i128::MAX);
        self.credit = self.credit.saturating_sub(amount.saturating_mul(millis(period)));
    }

    /// Until the credit is back at nothing.
    fn pause(&self, rate: NonZeroU64) -> Duration {
        let debt = self.credit.min(0).unsigned_abs();
        let millis = debt.div_ceil(u128::from(rate.get()));
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// The most that may be saved up: what flows in one period.
fn depth(period: Duration, rate: NonZeroU64) -> i128 {
    i128::from(rate.get()).saturating_mul(millis(period))
}

fn millis(duration: Duration) -> i128 {
    i128::try_from(duration.as_millis()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies(rate: u64) -> TrafficPolicies {
        let rate = NonZeroU64::new(rate);
        TrafficPolicies { max_produce_rate: rate, max_consume_rate: rate, limit_commit_offset: rate }
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_second_of_the_rate_is_free_and_the_rest_is_a_debt_in_time() {
        let (traffic, policies) = (Traffic::default(), policies(1_000));
        assert_eq!(traffic.debit(Flow::Produce, 1_000, &policies, ms(0)), ms(0));
        assert_eq!(traffic.debit(Flow::Produce, 500, &policies, ms(0)), ms(500));
        assert_eq!(traffic.debit(Flow::Produce, 0, &policies, ms(200)), ms(300));
        assert_eq!(traffic.debit(Flow::Produce, 0, &policies, ms(500)), ms(0));
        // The other flows are buckets of their own.
        assert_eq!(traffic.debit(Flow::Consume, 1_000, &policies, ms(200)), ms(0));
    }

    #[test]
    fn a_pause_is_never_longer_than_clients_bear() {
        let (traffic, policies) = (Traffic::default(), policies(1));
        assert_eq!(traffic.debit(Flow::Consume, usize::MAX, &policies, ms(0)), LONGEST_DATA_PAUSE);
        assert_eq!(traffic.debit(Flow::Commits, 100, &policies, ms(0)), LONGEST_COMMIT_PAUSE);
    }

    #[test]
    fn commits_are_counted_by_the_minute() {
        let (traffic, policies) = (Traffic::default(), policies(60));
        let free = (0..100).filter(|_| traffic.debit(Flow::Commits, 1, &policies, ms(0)).is_zero()).count();
        assert_eq!(free, 60);
        // 40 too many are 40 s of silence, taken a second at a time.
        assert_eq!(traffic.debit(Flow::Commits, 0, &policies, ms(39_500)), ms(500));
        assert_eq!(traffic.debit(Flow::Commits, 0, &policies, ms(40_000)), ms(0));
    }

    #[test]
    fn a_new_rate_holds_at_once_and_a_debt_stays_one() {
        let traffic = Traffic::default();
        let owed = traffic.debit(Flow::Produce, 3_000, &policies(1_000), ms(0));
        assert_eq!(owed, ms(2_000));
        assert_eq!(traffic.debit(Flow::Produce, 0, &policies(4_000), ms(0)), ms(500));
        assert_eq!(traffic.debit(Flow::Produce, 1, &TrafficPolicies::default(), ms(0)), ms(0));
        assert_eq!(traffic.debit(Flow::Produce, 0, &policies(1_000), ms(500)), ms(1_500));
    }

    #[test]
    fn who_asks_too_often_pauses_for_a_second_at_most() {
        let (traffic, rate) = (Traffic::default(), NonZeroU64::new(1_000).unwrap());
        assert_eq!(traffic.debit_requests(100, rate, ms(0)), ms(0));
        assert_eq!(traffic.debit_requests(64, rate, ms(0)), ms(64));
        assert_eq!(traffic.debit_requests(64, rate, ms(64)), ms(64), "a thousand a second in the long run");
        assert_eq!(traffic.debit_requests(100_000, rate, ms(0)), LONGEST_REQUEST_PAUSE);
    }

    #[test]
    fn a_clock_that_stands_or_jumps_far_breaks_nothing() {
        let (traffic, policies) = (Traffic::default(), policies(u64::MAX));
        traffic.debit(Flow::Produce, usize::MAX, &policies, Duration::MAX);
        assert_eq!(traffic.debit(Flow::Produce, 0, &policies, ms(0)), ms(0));
    }

    proptest! {
        /// Whoever is silent for as long as told sends no more than the rate and one period's amount.
        #[test]
        fn the_obedient_keep_the_rate(rate in 1_000_u64..1_000_000, amounts in prop::collection::vec(1_usize..200_000, 1..50)) {
            let (traffic, policies) = (Traffic::default(), policies(rate));
            let (mut now, mut sent) = (Duration::ZERO, 0_u128);
            for amount in amounts {
                sent += amount as u128;
                traffic.debit(Flow::Produce, amount, &policies, now);
                loop {
                    let pause = traffic.debit(Flow::Produce, 0, &policies, now);
                    if pause.is_zero() {
                        break;
                    }
                    now += pause;
                }
            }
            let allowed = u128::from(rate) * (now.as_millis() + 1_000) / 1_000;
            prop_assert!(sent <= allowed, "{sent} of {allowed} in {now:?}");
        }
    }
}
