//! Copying: the source is read ahead, and each batch is appended at its offset.

mod answers;
mod intake;
mod send;
mod work;

use std::collections::VecDeque;

use super::comparing::Compared;
use super::filling::{Filling, With};
use super::guarding::Freshness;
use super::sequence::Sequence;
use super::{Event, Facts, Failure, Guarding, Job, Obstacle, Order};
use work::{Fast, Queue, Work};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copying {
    /// All before is in the mirror, by the broker's own word.
    pub(super) position: i64,
    /// Where the next append goes.
    at: i64,
    /// The sequence of the next record.
    sequence: Sequence,
    /// What guards the next append, as of the last one that was sent.
    freshness: Freshness,
    /// Sent and not answered.
    in_flight: VecDeque<InFlight>,
    queue: Queue,
    /// Where and when the gap that comes next was begun with; none before that.
    filled_since: Option<(i64, i64)>,
    pub(super) source: Source,
    /// What ends copying once nothing is in flight.
    ending: Option<Ending>,
}

/// What is on its way to the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InFlight {
    Append { base: i64, end: i64, last_timestamp: i64, filler: bool, guarding: Guarding },
    Mark { count: u32 },
    Delete { before: i64 },
}

/// The side that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    /// Where the next Fetch begins.
    fetched_to: i64,
    /// Something was asked for and is not answered.
    asked: bool,
    /// What is to be asked for next.
    ask: Ask,
    /// Not to be asked before this time.
    not_before: i64,
    /// How often it could not be read, one after the other.
    failures: u32,
    last_epoch: Option<i32>,
    /// The end of what is committed there.
    pub(super) end: i64,
    /// Since when it ends before what was read of it.
    behind_since: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Records { wants: Option<usize> },
    Bounds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The mirror has to be looked at anew: at once, or after a pause for what is in the way.
    Observe(Option<Obstacle>),
    Failed(Failure),
}

impl Copying {
    pub(super) fn begin(compared: Compared, facts: &mut Facts) -> Self {
        let Compared { seen, bounds, beginning, sequence, last_epoch, verified } = compared;
        let at = seen.end;
        if !verified {
            facts.unverified = Some(at);
        }
        let mut queue = Queue::default();
        if bounds.start > at {
            let fast = if beginning.pristine { Fast::Deleted } else { Fast::Kept };
            queue.push(Work::Gap { until: bounds.start, fast });
            if beginning.pristine {
                queue.push(Work::Start { before: bounds.start });
            } else {
                facts.overtaken = Some(at..bounds.start);
            }
        } else if let Some(before) = beginning.delete_before {
            queue.push(Work::Start { before });
        }
        let known = seen.producer.map(|producer| Sequence::after(producer.last_sequence));
        let sequence = known.or(sequence).unwrap_or_else(|| Sequence::of_offset(at));

        Self {
            position: at,
            at,
            sequence,
            freshness: Freshness::of(seen.producer),
            in_flight: VecDeque::new(),
            queue,
            filled_since: None,
            source: Source {
                fetched_to: at.max(bounds.start),
                asked: false,
                ask: Ask::Records { wants: None },
                not_before: i64::MIN,
                failures: 0,
                last_epoch,
                end: bounds.end,
                behind_since: None,
            },
            ending: None,
        }
    }

    /// Takes an answer, and asks for whatever can be done now.
    pub(super) fn on(&mut self, job: &Job, now: i64, event: Event, facts: &mut Facts) -> Vec<Order> {
        let mut orders = Vec::new();
        match event {
            Event::Appended { base_offset, answer } => self.on_appended(base_offset, answer, facts),
            Event::Marked(answer) => self.on_marked(answer, facts),
            Event::Deleted(answer) => self.on_deleted(answer),
            Event::Fetched(answer) => self.on_fetched(job, now, answer, facts, &mut orders),
            Event::Bounds(answer) => self.on_bounds(job, now, answer, facts, &mut orders),
            Event::Woken | Event::Seen(_) | Event::Scanned(_) => {}
        }
        orders
    }

    /// What can be done now.
    pub(super) fn advance(&mut self, job: &Job, now: i64, orders: &mut Vec<Order>) {
        while let Some(order) = self.next_send(job, now) {
            orders.push(order);
        }
        orders.extend(self.next_ask(job, now));
    }

    /// Why it is over, once nothing is in flight any more.
    pub(super) fn ended(&mut self) -> Option<Ending> {
        if self.in_flight.is_empty() { self.ending.take() } else { None }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The gap that is being filled, or is the next to be.
    pub(super) fn filling(&self, job: &Job, now: i64) -> Option<Filling> {
        let Some(&Work::Gap { until, fast }) = self.queue.first() else { return None };
        let left = until.saturating_sub(self.position);
        let offsets = u64::try_from(left).ok().filter(|offsets| *offsets > 0)?;
        let so_far = self
            .filled_since
            .map(|(from, since)| (self.position.saturating_sub(from), now.saturating_sub(since)));
        let with =
            if send::takes_markers(job, self.gap_to(until), fast) { With::Markers } else { With::Records };
        Some(Filling::estimated(offsets, so_far, with))
    }

    pub(super) fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// The first reason counts, but a failure before all.
    fn end(&mut self, ending: Ending) {
        if matches!((&self.ending, &ending), (None, _) | (Some(Ending::Observe(_)), Ending::Failed(_))) {
            self.ending = Some(ending);
        }
        self.queue.clear();
    }

    fn fail(&mut self, failure: Failure) {
        self.end(Ending::Failed(failure));
    }
}
