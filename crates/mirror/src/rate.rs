//! How fast a link reads from its source, over all of its partitions.
//!
//! Bytes are taken before they are asked for: as many as came last time, since most readers have either much or nothing to read. What
//! came in the end is settled afterwards. Of those who wait the one is next that has had the least for each of its partitions
//! (start-time fair queueing), so that a broker that leads many has as much more than one that leads few.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};

/// What may come at once is what comes in this part of a second: short enough that nobody notices a pause, and long enough that
/// requests stay large.
const BURST_PARTS: u64 = 4;

/// But this at least, in bytes: a few batches of common size.
const LEAST_BURST: u64 = 64 << 10;

/// Bytes for one partition are counted in parts of a byte, since they are divided by how many there are.
const SCALE: u128 = 1 << 32;

/// Bytes for each second, shared by all who read for one link. Clones are the same rate.
#[derive(Debug, Clone)]
pub(crate) struct Rate(Option<Arc<Shared>>);

/// What one reader has of a rate.
#[derive(Debug)]
pub(crate) struct Share {
    rate: Rate,
    id: u64,
    /// What it has had for each of its partitions, and what others have had while it did not ask.
    had: u128,
    /// What came last.
    came: u64,
}

/// Bytes that may be asked for.
#[derive(Debug)]
pub(crate) struct Grant {
    bytes: u64,
    began: u128,
}

#[derive(Debug)]
struct Shared {
    per_second: NonZeroU64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// When all that was granted is paid for; up to a burst ahead of the time.
    paid_at: Instant,
    /// Who waits: what they have had, and who they are.
    waiting: BTreeSet<(u128, u64)>,
    /// What whoever came last had had.
    now: u128,
    readers: u64,
}

/// A place among those who wait, for as long as it is one.
struct Waiting<'a> {
    shared: &'a Shared,
    place: (u128, u64),
}

impl Rate {
    /// A rate, or none at all.
    pub(crate) fn new(per_second: Option<NonZeroU64>) -> Self {
        let state = || State { paid_at: Instant::now(), waiting: BTreeSet::new(), now: 0, readers: 0 };
        let shared =
            |per_second| Arc::new(Shared { per_second, state: Mutex::new(state()), changed: Notify::new() });
        Self(per_second.map(shared))
    }

    /// A share for another reader.
    pub(crate) fn share(&self) -> Share {
        let Some(shared) = &self.0 else { return Share::new(self.clone(), 0) };
        let mut state = shared.state();
        state.readers += 1;
        Share::new(self.clone(), state.readers)
    }
}

impl Share {
    fn new(rate: Rate, id: u64) -> Self {
        Self { rate, id, had: 0, came: u64::MAX }
    }

    /// What may come at once; none is without limit.
    pub(crate) fn burst(&self) -> Option<usize> {
        let shared = self.rate.0.as_ref()?;
        Some(usize::try_from(shared.burst()).unwrap_or(usize::MAX))
    }

    /// Waits until so many bytes may be asked for; more than a burst has to be paid for later.
    pub(crate) async fn grant(&self, bytes: usize) -> Grant {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).min(self.came);
        let Some(shared) = &self.rate.0 else { return Grant { bytes, began: 0 } };
        let began = shared.state().now.max(self.had);
        let waiting = Waiting::new(shared, (began, self.id));
        loop {
            let changed = shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match waiting.take(bytes) {
                Ok(()) => return Grant { bytes, began },
                Err(Some(at)) => tokio::select! { () = changed => {}, () = sleep_until(at) => {} },
                Err(None) => changed.await,
            }
        }
    }

    /// Says what came of a grant, for so many partitions.
    pub(crate) fn settle(&mut self, grant: Grant, came: usize, partitions: usize) {
        let Some(shared) = &self.rate.0 else { return };
        let (came, partitions) = (u64::try_from(came).unwrap_or(u64::MAX), partitions.max(1) as u128);
        self.came = came;
        self.had = grant.began + u128::from(came) * SCALE / partitions;
        let mut state = shared.state();
        if came > grant.bytes {
            state.paid_at += shared.time_of(came - grant.bytes);
        } else {
            state.paid_at -= shared.time_of(grant.bytes - came);
        }
        drop(state);
        shared.changed.notify_waiters();
    }
}

impl Shared {
    fn burst(&self) -> u64 {
        (self.per_second.get() / BURST_PARTS).max(LEAST_BURST)
    }

    /// How long so many bytes take.
    fn time_of(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.per_second.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared, place: (u128, u64)) -> Self {
        shared.state().waiting.insert(place);
        Self { shared, place }
    }

    /// Takes so many bytes if it is the next and there are as many; or says when there will be, to who is the next.
    fn take(&self, bytes: u64) -> Result<(), Option<Instant>> {
        let mut state = self.shared.state();
        if state.waiting.first() != Some(&self.place) {
            return Err(None);
        }
        let now = Instant::now();
        let left = self.shared.burst().saturating_sub(bytes);
        let at = state.paid_at.checked_sub(self.shared.time_of(left)).unwrap_or(now);
        if now < at {
            return Err(Some(at));
        }
        state.paid_at = state.paid_at.max(now) + self.shared.time_of(bytes);
        state.now = state.now.max(self.place.0);
        Ok(())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.place);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const MIB: usize = 1 << 20;

    fn rate(per_second: usize) -> Rate {
        Rate::new(NonZeroU64::new(per_second as u64))
    }

    /// Reads for so many partitions, each answer after `latency`, until the end; of an answer so much comes as `come` says.
    async fn read(
        rate: Rate,
        partitions: usize,
        latency: Duration,
        until: Instant,
        come: impl Fn(usize) -> usize,
    ) -> usize {
        let (mut share, mut read) = (rate.share(), 0);
        while Instant::now() < until {
            let bytes = share.burst().unwrap_or(4 * MIB);
            let Ok(grant) = tokio::time::timeout_at(until, share.grant(bytes)).await else { break };
            sleep(latency).await;
            let came = come(bytes);
            share.settle(grant, came, partitions);
            read += came;
        }
        read
    }

    #[tokio::test(start_paused = true)]
    async fn all_readers_together_are_as_fast_as_they_may_be() {
        for per_second in [100_000, 10 * MIB, 200 * MIB] {
            let rate = rate(per_second);
            let until = Instant::now() + Duration::from_secs(100);
            let readers: Vec<_> = (1..=6)
                .map(|latency| {
                    let latency = Duration::from_millis(latency * 3);
                    tokio::spawn(read(rate.clone(), 10, latency, until, |bytes| bytes))
                })
                .collect();
            let mut all = 0;
            for reader in readers {
                all += reader.await.unwrap();
            }
            let may = (per_second * 100) as f64;
            let beyond = (all as f64 / may - 1.0) * 100.0;
            assert!((-3.0..1.5).contains(&beyond), "{beyond:.2} % beyond {per_second} bytes a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_partition_has_the_same_whoever_reads_it() {
        let rate = rate(4 * MIB);
        let until = Instant::now() + Duration::from_secs(200);
        let of = |partitions: usize, latency| {
            let latency = Duration::from_millis(latency);
            tokio::spawn(read(rate.clone(), partitions, latency, until, |bytes| bytes))
        };
        // The one with few partitions is the nearer one, and large answers come from one of the others.
        let readers = [(90, of(90, 30)), (9, of(9, 3)), (1, of(1, 1))];
        for (partitions, reader) in readers {
            let each = reader.await.unwrap() as f64 / partitions as f64;
            let fair = (200 * 4 * MIB) as f64 / 100.0;
            assert!((0.8..1.25).contains(&(each / fair)), "{partitions}: {:.2} of its part", each / fair);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_away_does_not_catch_up_and_who_came_does_not_wait() {
        let rate = rate(MIB);
        let begun = Instant::now();
        let until = begun + Duration::from_secs(60);
        let busy = tokio::spawn(read(rate.clone(), 1, Duration::from_millis(1), until, |bytes| bytes));
        advance(Duration::from_secs(30)).await;
        sleep(Duration::from_secs(1)).await;
        let late = tokio::spawn(read(rate.clone(), 1, Duration::from_millis(1), until, |bytes| bytes));
        let (busy, late) = (busy.await.unwrap() as f64, late.await.unwrap() as f64);
        let seconds = (until - begun - Duration::from_secs(31)).as_secs_f64();
        assert!((late / MIB as f64 - seconds / 2.0).abs() < 2.0, "{late}");
        assert!(busy / MIB as f64 > 15.0, "{busy}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_did_not_come_is_given_back() {
        let rate = rate(MIB);
        let until = Instant::now() + Duration::from_secs(100);
        // Few bytes come, so nobody ever has to wait: 100 answers a second.
        let trickle = tokio::spawn(read(rate.clone(), 1, Duration::from_millis(10), until, |_| 100));
        let other = tokio::spawn(read(rate.clone(), 1, Duration::from_millis(10), until, |bytes| bytes));
        let (trickle, other) = (trickle.await.unwrap(), other.await.unwrap());
        assert!(trickle > 100 * 100 * 90, "{trickle}");
        assert!(other > 95 * MIB, "{other}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_larger_than_it_should_be_is_paid_for_afterwards() {
        let rate = rate(MIB);
        let mut share = rate.share();
        let burst = share.burst().unwrap();
        assert_eq!(burst, MIB / 4);
        let begun = Instant::now();
        let grant = share.grant(burst).await;
        share.settle(grant, 10 * MIB, 1);
        let grant = share.grant(burst).await;
        assert!((9_999..10_010).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        share.settle(grant, 0, 1);
        // One that is known to be larger is not waited for without end.
        timeout(Duration::from_secs(1), share.grant(48 * MIB)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_holds_up_nobody() {
        let rate = rate(MIB);
        let (mut first, second) = (rate.share(), rate.share());
        let grant = first.grant(MIB).await;
        timeout(Duration::from_millis(10), second.grant(MIB / 4)).await.unwrap_err();
        first.settle(grant, MIB, 1);
        timeout(Duration::from_millis(1_300), first.grant(MIB / 4)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nobody_waits() {
        let mut share = Rate::new(None).share();
        assert_eq!(share.burst(), None);
        let begun = Instant::now();
        for _ in 0..100 {
            let grant = share.grant(48 * MIB).await;
            share.settle(grant, 48 * MIB, 1);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
