//! The machine that copies one partition: events and the time go in, orders come out.
//!
//! It never knows where it is but from the log of the mirror itself:
//!
//! 1. **Observing.** Producer and end of the mirror are read until they say the same twice; and where the source
//!    begins and ends.
//! 2. **Scanning.** A mirror that begins before its source may begin with fillers that are to be deleted (once more).
//! 3. **Comparing.** The last batches of the mirror are held against the source's records at the same offsets.
//! 4. **Copying.** Batches of the source are appended one behind the other, gaps are filled, and every answer has to say the offset
//!    that was expected. Anything else leads back to the beginning ([`Attempt`]), by way of a pause if something is in
//!    the way, or to an end ([`Failure`]).
//!
//! Nothing is ever sent again: what became of an append without an answer is read from the log. While its last records are
//! young, the broker itself keeps an append from being done twice or at another offset, by producer id and sequence
//! ([`Guarding::Sequence`]). Where it does not ([`Guarding::Lease`]) one append is on its way at a time, and whoever carries it
//! out looks at the lease right before.
//!
//! ```
//! use tidegate_link::copy::{Copier, Job, Order};
//! use tidegate_wire::filler::Kind;
//!
//! let job = Job {
//!     producer_id: 1 << 62,
//!     marker_id: (1 << 62) + 1,
//!     marker_epoch: None,
//!     fillers: Kind::Plain,
//!     compacted: false,
//!     producer_expiration_ms: 86_400_000,
//!     limits: Default::default(),
//! };
//! let (copier, orders) = Copier::begin(job);
//! assert_eq!(orders, [Order::Look, Order::Bounds]);
//! # let _ = copier;
//! ```

mod batch;
mod comparing;
mod copying;
mod event;
mod facts;
mod failure;
mod filling;
mod guarding;
mod job;
mod observing;
mod order;
mod pause;
mod scanning;
mod sequence;
mod status;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use event::{Bounds, Event, Fetched, Producer, Seen, Trouble};
pub use facts::Facts;
pub use failure::{Failure, Obstacle};
pub use filling::Filling;
pub use job::{CopyLimits, Job};
pub use order::{Append, Attempt, Guarding, Mark, Order};
pub use status::{Phase, Status};

use comparing::{Compared, Comparing, Comparison};
use copying::{Copying, Ending};
use observing::{Observed, Observing};
use pause::pause;
use scanning::{Scanned, Scanning};

/// Copies one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copier {
    job: Job,
    attempt: Attempt,
    state: State,
    facts: Facts,
    /// Attempts without progress, one after the other.
    failures: u32,
    /// All before was in the mirror when it was copied to last.
    position: Option<i64>,
    /// Since when the source ends before the mirror.
    behind_since: Option<i64>,
    held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Observing(Observing),
    Scanning(Scanning),
    Comparing(Comparing),
    Copying(Box<Copying>),
    Resting { until: i64 },
    Failed(Failure),
}

impl Copier {
    /// Begins; the orders are those of attempt 0.
    #[must_use]
    pub fn begin(job: Job) -> (Self, Vec<Order>) {
        let (observing, orders) = Observing::begin();
        let copier = Self {
            job,
            attempt: Attempt(0),
            state: State::Observing(observing),
            facts: Facts::default(),
            failures: 0,
            position: None,
            behind_since: None,
            held: false,
        };
        (copier, orders)
    }

    /// Which attempt the orders are of that come out now.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Takes the answer to an order of `attempt` at `now`, in milliseconds since 1970. Answers of earlier attempts change nothing.
    #[must_use]
    pub fn on(mut self, attempt: Attempt, now: i64, event: Event) -> (Self, Vec<Order>) {
        if attempt != self.attempt {
            return (self, Vec::new());
        }
        let mut orders = Vec::new();
        self.state = self.next(now, event, &mut orders);
        (self, orders)
    }

    /// Sends nothing further: what is in flight is waited for. There is no way back but a machine of its own.
    #[must_use]
    pub fn hold(self) -> Self {
        Self { held: true, ..self }
    }

    /// Whether nothing is on its way to the mirror.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        match &self.state {
            State::Copying(copying) => copying.is_idle(),
            _ => true,
        }
    }

    /// What it does now.
    #[must_use]
    pub fn status(&self, now: i64) -> Status {
        let mut filling = None;
        let (phase, position, source_end, guarding) = match &self.state {
            State::Observing(_) => (Phase::Observing, None, None, None),
            State::Scanning(_) | State::Comparing(_) => (Phase::Comparing, None, None, None),
            State::Resting { .. } => (Phase::Resting, None, None, None),
            State::Failed(failure) => (Phase::Failed(failure.clone()), None, None, None),
            State::Copying(copying) => {
                filling = copying.filling(&self.job, now);
                (
                    Phase::Copying,
                    Some(copying.position),
                    Some(copying.source.end),
                    Some(copying.freshness().guarding(&self.job, now)),
                )
            }
        };
        Status { phase, position, source_end, guarding, filling, facts: self.facts.clone() }
    }

    fn next(&mut self, now: i64, event: Event, orders: &mut Vec<Order>) -> State {
        match std::mem::replace(&mut self.state, State::Resting { until: now }) {
            State::Observing(observing) => {
                let observed = observing.on(&self.job, now, event);
                self.observed(now, observed, orders)
            }
            State::Scanning(scanning) => {
                let scanned = scanning.on(&self.job, event);
                self.scanned(now, scanned, orders)
            }
            State::Comparing(comparing) => {
                let comparison = comparing.on(&self.job, event);
                self.compared(now, comparison, orders)
            }
            State::Copying(mut copying) => {
                orders.extend(copying.on(&self.job, now, event, &mut self.facts));
                self.copy(now, copying, orders)
            }
            State::Resting { until } if now >= until && !self.held => self.observe(orders),
            over @ (State::Resting { .. } | State::Failed(_)) => over,
        }
    }

    fn observe(&mut self, orders: &mut Vec<Order>) -> State {
        self.attempt = Attempt(self.attempt.0.saturating_add(1));
        let (observing, first) = Observing::begin();
        // What was asked for so far is of an earlier attempt.
        *orders = first;
        State::Observing(observing)
    }

    fn observed(&mut self, now: i64, observed: Observed, orders: &mut Vec<Order>) -> State {
        match observed {
            Observed::Wait(observing, next) => {
                orders.extend(next);
                State::Observing(observing)
            }
            Observed::Stuck(obstacle) => self.rest(now, Some(obstacle), orders),
            Observed::Done(seen, bounds) => self.scanned(now, Scanning::begin(seen, bounds), orders),
        }
    }

    fn scanned(&mut self, now: i64, scanned: Scanned, orders: &mut Vec<Order>) -> State {
        match scanned {
            Scanned::Wait(scanning, next) => {
                orders.extend(next);
                State::Scanning(scanning)
            }
            Scanned::Stuck(obstacle) => self.rest(now, Some(obstacle), orders),
            Scanned::Done(seen, bounds, beginning) => {
                let comparison = Comparing::begin(&self.job, seen, bounds, beginning, self.position);
                self.compared(now, comparison, orders)
            }
        }
    }

    fn compared(&mut self, now: i64, comparison: Comparison, orders: &mut Vec<Order>) -> State {
        match comparison {
            Comparison::Wait(comparing, next) => {
                orders.extend(next);
                State::Comparing(comparing)
            }
            Comparison::Stuck(obstacle) => self.rest(now, Some(obstacle), orders),
            Comparison::Failed(failure) => State::Failed(failure),
            Comparison::Behind { end, position } => self.behind(now, end, position, orders),
            Comparison::Done(compared) => self.begin_copying(now, compared, orders),
        }
    }

    fn begin_copying(&mut self, now: i64, compared: Compared, orders: &mut Vec<Order>) -> State {
        self.behind_since = None;
        self.facts.obstacle = None;
        let copying = Copying::begin(compared, &mut self.facts);
        self.copy(now, Box::new(copying), orders)
    }

    fn copy(&mut self, now: i64, mut copying: Box<Copying>, orders: &mut Vec<Order>) -> State {
        if std::mem::take(&mut self.facts.progress) {
            self.failures = 0;
        }
        if !self.held {
            copying.advance(&self.job, now, orders);
        }
        self.position = Some(copying.position);
        match copying.ended() {
            None => State::Copying(copying),
            Some(Ending::Failed(failure)) => State::Failed(failure),
            Some(Ending::Observe(obstacle)) => self.rest(now, obstacle, orders),
        }
    }

    fn behind(&mut self, now: i64, end: i64, position: i64, orders: &mut Vec<Order>) -> State {
        let since = *self.behind_since.get_or_insert(now);
        if now.saturating_sub(since) >= self.job.limits.behind_ms {
            return State::Failed(Failure::Truncated(end..position));
        }
        self.rest(now, Some(Obstacle::Behind { end, position }), orders)
    }

    /// Waits before the mirror is looked at anew, the longer the more often it was in vain.
    fn rest(&mut self, now: i64, obstacle: Option<Obstacle>, orders: &mut Vec<Order>) -> State {
        if obstacle.is_some() {
            self.facts.obstacle = obstacle;
        }
        let until = now.saturating_add(pause(&self.job, self.failures));
        self.failures = self.failures.saturating_add(1);
        *orders = vec![Order::Wake { at: until }];
        State::Resting { until }
    }
}
