//! Whether the mirror still is a copy of its source: the last batch of the one is held against the other.
//!
//! Offsets and sequences say nothing about content, and neither do epochs everywhere: a broker of 3.9 that lost its tail with its
//! power goes on in the same epoch.

use super::scanning::Beginning;
use super::tail::Tail;
use super::{Bounds, Event, Failure, Fetched, Job, Obstacle, Order, Seen, Trouble};
use crate::source::{self, Piece, Pieces};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparing {
    seen: Seen,
    bounds: Bounds,
    beginning: Beginning,
    tail: Tail,
    pieces: Vec<Piece>,
    fetched_to: i64,
}

/// Both sides, and what they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) seen: Seen,
    pub(super) bounds: Bounds,
    pub(super) beginning: Beginning,
    pub(super) tail: Option<Tail>,
    /// The epoch of the source's last record that is in the mirror.
    pub(super) last_epoch: Option<i32>,
}

pub(super) enum Comparison {
    Wait(Comparing, Vec<Order>),
    Done(Compared),
    Stuck(Obstacle),
    /// The source ends before the mirror does.
    Behind {
        end: i64,
        position: i64,
    },
    Failed(Failure),
}

impl Comparing {
    pub(super) fn begin(job: &Job, mut seen: Seen, bounds: Bounds, beginning: Beginning) -> Comparison {
        if bounds.end < seen.end {
            return Comparison::Behind { end: bounds.end, position: seen.end };
        }
        let tail = match seen.tail.take().map(|batch| Tail::of(job, batch)).transpose() {
            Ok(tail) => tail,
            Err(failure) => return Comparison::Failed(failure),
        };
        match tail {
            Some(tail) if tail.range().end > bounds.start => {
                let fetched_to = tail.range().start.max(bounds.start);
                Self { seen, bounds, beginning, tail, pieces: Vec::new(), fetched_to }.fetch(None)
            }
            // Nothing of it is left at the source, or there is nothing of it yet.
            tail => Comparison::Done(Compared { seen, bounds, beginning, tail, last_epoch: None }),
        }
    }

    pub(super) fn on(self, job: &Job, event: Event) -> Comparison {
        match event {
            Event::Fetched(Ok(fetched)) => self.on_fetched(job, fetched),
            Event::Fetched(Err(trouble)) => self.stuck(trouble),
            _ => Comparison::Wait(self, Vec::new()),
        }
    }

    fn on_fetched(mut self, job: &Job, fetched: Fetched) -> Comparison {
        if fetched.stable_end < self.seen.end {
            return Comparison::Behind { end: fetched.stable_end, position: self.seen.end };
        }
        let answer = source::Answer { records: fetched.records, aborted: fetched.aborted };
        match source::pieces(&answer, self.fetched_to, &job.limits.rewrite) {
            Err(error) => Comparison::Stuck(Obstacle::unreadable(&error)),
            Ok(Pieces { pieces, next, wants }) => {
                self.pieces.extend(pieces);
                self.fetched_to = next;
                if next < self.tail.range().end { self.fetch(wants) } else { self.compare(job) }
            }
        }
    }

    fn fetch(self, wants: Option<usize>) -> Comparison {
        let order = Order::Fetch { offset: self.fetched_to, last_epoch: None, wants };
        Comparison::Wait(self, vec![order])
    }

    fn compare(self, job: &Job) -> Comparison {
        let end = self.tail.range().end;
        let differs = match &self.tail {
            Tail::Data { batch, .. } => {
                match source::compare(batch, &self.pieces, job.compacted, &job.limits.rewrite) {
                    Ok(differs) => differs,
                    Err(error) => return Comparison::Stuck(Obstacle::unreadable(&error)),
                }
            }
            Tail::Fill(_) => data(&self.pieces).map(|data| data.run.base_offset).find(|base| *base < end),
        };
        if let Some(offset) = differs {
            return Comparison::Failed(Failure::Diverged { offset });
        }
        let common = data(&self.pieces).take_while(|data| data.run.base_offset < end).last();
        let last_epoch = common.map(|data| data.leader_epoch).filter(|epoch| *epoch >= 0);
        let Self { seen, bounds, beginning, tail, .. } = self;
        Comparison::Done(Compared { seen, bounds, beginning, tail: Some(tail), last_epoch })
    }

    fn stuck(self, trouble: Trouble) -> Comparison {
        Comparison::Stuck(Obstacle::Source { offset: self.fetched_to, trouble })
    }
}

fn data(pieces: &[Piece]) -> impl Iterator<Item = &source::Data> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Data(data) => Some(data),
        Piece::Gap(_) => None,
    })
}
