//! Looking whether the mirror begins with fillers.
//!
//! A mirror of a source that does not begin at 0 begins with fillers, which are deleted. That is not on the disk at once: a
//! broker that is killed shows them again. So wherever a mirror begins before its source, what it begins with is looked at,
//! and fillers are deleted once more. Records are not: how long they are kept is for the mirror's own retention to say.

use bytes::Bytes;
use tidegate_wire::record::batches;

use super::batch::Written;
use super::{Bounds, Event, Job, Obstacle, Order, Seen};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scanning {
    pub(super) seen: Seen,
    pub(super) bounds: Bounds,
    /// All before is filled.
    filled: i64,
}

/// What a mirror begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Beginning {
    /// What is to be deleted: all before this offset.
    pub(super) delete_before: Option<i64>,
    /// Whether there is no record in it yet.
    pub(super) pristine: bool,
}

pub(super) enum Scanned {
    Wait(Scanning, Vec<Order>),
    Done(Seen, Bounds, Beginning),
    Stuck(Obstacle),
}

impl Scanning {
    pub(super) fn begin(seen: Seen, bounds: Bounds) -> Scanned {
        let filled = seen.start;
        Self { seen, bounds, filled }.advance(true)
    }

    pub(super) fn on(mut self, job: &Job, event: Event) -> Scanned {
        match event {
            Event::Scanned(Ok(records)) => {
                let progress = self.take(job, &records);
                self.advance(progress)
            }
            Event::Scanned(Err(trouble)) => {
                Scanned::Stuck(Obstacle::Mirror { offset: self.seen.end, trouble })
            }
            _ => Scanned::Wait(self, Vec::new()),
        }
    }

    /// Goes over the batches up to the first one that is no filler; whether there may be more of them.
    fn take(&mut self, job: &Job, records: &Bytes) -> bool {
        let before = self.filled;
        for (header, batch) in batches(records) {
            if header.offsets().end <= self.filled {
                continue;
            }
            if !Written::of(job, header, batch).is_ok_and(|written| written.fills) {
                return false;
            }
            self.filled = header.offsets().end;
        }
        self.filled > before
    }

    fn advance(self, progress: bool) -> Scanned {
        let until = self.bounds.start.min(self.seen.end);
        if progress && self.filled < until {
            let order = Order::Scan { offset: self.filled };
            return Scanned::Wait(self, vec![order]);
        }
        let before = self.filled.min(until);
        let beginning = Beginning {
            delete_before: (before > self.seen.start).then_some(before),
            pristine: self.filled >= self.seen.end,
        };
        Scanned::Done(self.seen, self.bounds, beginning)
    }
}
