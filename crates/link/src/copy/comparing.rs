//! Whether the mirror still is a copy of its source: what it ends with is held against the source's records.
//!
//! Offsets and sequences say nothing about content, and neither do epochs everywhere: a broker of 3.9 that lost its tail with its
//! power goes on in the same epoch. And where no broker guards appends, one that was thought lost may have come late, with
//! others behind it.

use std::ops::Range;

use bytes::Bytes;
use tidegate_wire::record::batches;

use super::batch::Written;
use super::scanning::Beginning;
use super::sequence::Sequence;
use super::{Bounds, Event, Failure, Fetched, Job, Obstacle, Order, Seen};
use crate::source::{self, Data, Piece, Pieces, SameError, Verdict};

/// How many offsets are compared at least, where there are as many: some appends of records one at a time.
const WINDOW: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparing {
    seen: Seen,
    bounds: Bounds,
    beginning: Beginning,
    /// The last batches of the mirror.
    written: Vec<Written>,
    /// Up to where they are there.
    scanned_to: i64,
    /// What the source has at their offsets.
    pieces: Vec<Piece>,
    /// Up to where that is there.
    fetched_to: i64,
    /// The epoch of the last batch before that.
    last_epoch: Option<i32>,
}

/// Both sides, and what they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) seen: Seen,
    pub(super) bounds: Bounds,
    pub(super) beginning: Beginning,
    /// The sequence that goes on, as far as batches tell.
    pub(super) sequence: Option<Sequence>,
    /// The epoch of the source's last batch that is in the mirror.
    pub(super) last_epoch: Option<i32>,
    /// Whether the source has all of the records that were compared.
    pub(super) verified: bool,
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
    /// Begins; all before `position` was found to be right earlier.
    pub(super) fn begin(
        job: &Job,
        seen: Seen,
        bounds: Bounds,
        beginning: Beginning,
        position: Option<i64>,
    ) -> Comparison {
        if bounds.end < seen.end {
            return Comparison::Behind { end: bounds.end, position: seen.end };
        }
        let window = seen.end.saturating_sub(WINDOW);
        let scanned_to = position.map_or(window, |position| position.min(window)).max(seen.start);
        let (written, pieces) = (Vec::new(), Vec::new());
        Self { seen, bounds, beginning, written, scanned_to, pieces, fetched_to: 0, last_epoch: None }
            .scan(job)
    }

    pub(super) fn on(self, job: &Job, event: Event) -> Comparison {
        match event {
            Event::Scanned(Ok(records)) => self.on_scanned(job, &records),
            Event::Fetched(Ok(fetched)) => self.on_fetched(job, fetched),
            Event::Scanned(Err(trouble)) => {
                Comparison::Stuck(Obstacle::Mirror { offset: self.scanned_to, trouble })
            }
            Event::Fetched(Err(trouble)) => {
                Comparison::Stuck(Obstacle::Source { offset: self.fetched_to, trouble })
            }
            _ => Comparison::Wait(self, Vec::new()),
        }
    }

    fn scan(self, job: &Job) -> Comparison {
        if self.scanned_to < self.seen.end {
            let order = Order::Scan { offset: self.scanned_to };
            return Comparison::Wait(self, vec![order]);
        }
        self.begin_fetching(job)
    }

    fn on_scanned(mut self, job: &Job, records: &Bytes) -> Comparison {
        let before = self.scanned_to;
        for (header, batch) in batches(records) {
            let range = header.offsets();
            if range.end <= self.scanned_to || range.start >= self.seen.end {
                continue;
            }
            match Written::of(job, header, batch) {
                Ok(written) => self.written.push(written),
                Err(failure) => return Comparison::Failed(failure),
            }
            self.scanned_to = range.end;
        }
        if self.scanned_to == before {
            let Seen { end, .. } = self.seen;
            return Comparison::Stuck(Obstacle::Unsettled { end, committed: before });
        }
        self.scan(job)
    }

    fn begin_fetching(mut self, job: &Job) -> Comparison {
        let first = self.written.first().map_or(self.seen.end, |written| written.header.offsets().start);
        self.fetched_to = first.max(self.bounds.start);
        self.fetch(job, None)
    }

    fn fetch(self, job: &Job, wants: Option<usize>) -> Comparison {
        if self.fetched_to >= self.seen.end {
            return self.compare(job);
        }
        let order = Order::Fetch { offset: self.fetched_to, last_epoch: None, wants };
        Comparison::Wait(self, vec![order])
    }

    fn on_fetched(mut self, job: &Job, fetched: Fetched) -> Comparison {
        if fetched.stable_end < self.seen.end {
            return Comparison::Behind { end: fetched.stable_end, position: self.seen.end };
        }
        let answer = source::Answer { records: fetched.records, aborted: fetched.aborted };
        match source::pieces(answer, self.fetched_to, &job.limits.rewrite) {
            Err(error) => Comparison::Stuck(Obstacle::unreadable(&error)),
            Ok(Pieces { pieces, next, wants, last_epoch }) => {
                self.pieces.extend(pieces);
                self.fetched_to = next;
                self.last_epoch = last_epoch.or(self.last_epoch);
                self.fetch(job, wants)
            }
        }
    }

    fn compare(self, job: &Job) -> Comparison {
        let mut verified = true;
        for written in &self.written {
            let verdict = match self.held(job, written) {
                Ok(verdict) => verdict,
                Err(error) => return Comparison::Stuck(Obstacle::unreadable(&error)),
            };
            let Verdict { changed, only_mirror, only_source, unknown } = verdict;
            let lacking = only_mirror.filter(|_| !job.compacted);
            if let Some(offset) = [changed, only_source, lacking].into_iter().flatten().min() {
                return Comparison::Failed(Failure::Diverged { offset });
            }
            verified &= only_mirror.is_none() && unknown.is_none();
        }
        let Self { seen, bounds, beginning, written, fetched_to, last_epoch, .. } = self;
        Comparison::Done(Compared {
            sequence: written.iter().rev().find_map(Written::next_sequence),
            // Of a batch further on nothing is said here.
            last_epoch: last_epoch.filter(|_| fetched_to == seen.end),
            verified,
            seen,
            bounds,
            beginning,
        })
    }

    fn held(&self, job: &Job, written: &Written) -> Result<Verdict, SameError> {
        if !written.fills {
            return source::same(&written.batch, &self.pieces, &job.limits.rewrite);
        }
        let range = written.header.offsets();
        let only_source = self.pieces.iter().find_map(|piece| match piece {
            Piece::Data(data) => overlap(data, &range),
            Piece::Gap(_) => None,
        });
        Ok(Verdict { only_source, ..Verdict::default() })
    }
}

/// The first offset of records within a range.
fn overlap(data: &Data, range: &Range<i64>) -> Option<i64> {
    let offsets = data.offsets();
    let start = offsets.start.max(range.start);
    (start < offsets.end.min(range.end)).then_some(start)
}
