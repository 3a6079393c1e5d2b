//! Reading where copying goes on: from the log of the mirror, never from a checkpoint.
//!
//! A log that is read while an old worker's request is still under way says something else a moment later, and a producer's state
//! and the log's end are two questions. So it counts when it has said the same twice in a row, with everything on all replicas.

use super::guarding::Freshness;
use super::{Bounds, Event, Job, Obstacle, Order, Seen};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Observing {
    seen: Option<Seen>,
    agreed: bool,
    bounds: Option<Bounds>,
}

pub(super) enum Observed {
    /// More is to come.
    Wait(Observing, Vec<Order>),
    /// Both sides.
    Done(Seen, Bounds),
    /// Something is in the way.
    Stuck(Obstacle),
}

impl Observing {
    pub(super) fn begin() -> (Self, Vec<Order>) {
        (Self::default(), vec![Order::Look, Order::Bounds])
    }

    pub(super) fn on(mut self, job: &Job, now: i64, event: Event) -> Observed {
        match event {
            Event::Seen(Ok(seen)) => self.on_seen(job, now, seen),
            Event::Bounds(Ok(bounds)) => {
                self.bounds = Some(bounds);
                self.wait(Vec::new())
            }
            Event::Woken => self.wait(vec![Order::Look]),
            Event::Seen(Err(trouble)) => Observed::Stuck(Obstacle::Mirror { offset: self.offset(), trouble }),
            Event::Bounds(Err(trouble)) => {
                Observed::Stuck(Obstacle::Source { offset: self.offset(), trouble })
            }
            // Nothing else was asked for.
            _ => self.wait(Vec::new()),
        }
    }

    fn on_seen(mut self, job: &Job, now: i64, seen: Seen) -> Observed {
        if seen.committed < seen.end {
            return Observed::Stuck(Obstacle::Unsettled { end: seen.end, committed: seen.committed });
        }
        self.agreed = self.seen.as_ref() == Some(&seen);
        let guarded = Freshness::of(seen.producer).is_guarded(job, now);
        self.seen = Some(seen);
        let next = match (self.agreed, guarded) {
            (true, _) => Vec::new(),
            (false, true) => vec![Order::Look],
            (false, false) => vec![Order::Wake { at: now.saturating_add(job.limits.settle_ms) }],
        };
        self.wait(next)
    }

    fn wait(self, orders: Vec<Order>) -> Observed {
        match self {
            Self { seen: Some(seen), agreed: true, bounds: Some(bounds) } => Observed::Done(seen, bounds),
            unfinished => Observed::Wait(unfinished, orders),
        }
    }

    fn offset(&self) -> i64 {
        self.seen.as_ref().map_or(0, |seen| seen.end)
    }
}
