//! What goes to the mirror next.

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::{self, Fill, Kind};
use tidegate_wire::stamp::{Guard, Stamped, stamp};

use super::work::{Fast, Work};
use super::{Copying, Ending, InFlight};
use crate::copy::guarding::Freshness;
use crate::copy::{Append, Guarding, Job, Mark, Obstacle, Order};
use crate::rewrite::told_otherwise;

/// The link writes in one epoch for ever: a later one would be a fence, and its first batch lands wherever the log ends.
const EPOCH: i16 = 0;

/// Brokers take batches that say they begin at 0, and put them where the log ends.
const SENT_AT: i64 = 0;

/// As fast as more of them, and brokers unpack each in memory.
const FILLERS_IN_FLIGHT: usize = 2;

impl Copying {
    /// The next order to the mirror, if there is one that need not wait for an answer.
    pub(super) fn next_send(&mut self, job: &Job, now: i64) -> Option<Order> {
        if self.ending.is_some() || self.has_exclusive() {
            return None;
        }
        match self.queue.first()? {
            Work::Data(data) if self.may_append(job, now, job.limits.in_flight) => {
                match self.stamped(job, &data.run.batch) {
                    Ok(stamped) => {
                        self.queue.pop();
                        Some(self.append(job, now, stamped, false))
                    }
                    Err(obstacle) => {
                        self.end(Ending::Observe(Some(obstacle)));
                        None
                    }
                }
            }
            Work::Data(_) => None,
            &Work::Gap { until, .. } if until <= self.at => {
                self.queue.pop();
                self.filled_since = None;
                self.next_send(job, now)
            }
            &Work::Gap { until, fast } => self.fill(job, now, until, fast),
            &Work::Start { before } => self.delete(before),
        }
    }

    /// Records that are what fillers are made of would be none at the mirror, under the link's own producer id.
    fn stamped(&self, job: &Job, batch: &Bytes) -> Result<Stamped, Obstacle> {
        let stamp = |batch: &Bytes| {
            stamp(batch, SENT_AT, self.guard(job)).map_err(|error| Obstacle::unreadable(&error))
        };
        let stamped = stamp(batch)?;
        let is_like_filler = BatchHeader::read(&stamped.header)
            .is_some_and(|header| filler::is_like_filler(&header, &stamped.records));
        if !is_like_filler {
            return Ok(stamped);
        }
        let batch = told_otherwise(batch, &job.limits.rewrite);
        stamp(&batch.map_err(|error| Obstacle::unreadable(&error))?)
    }

    fn fill(&mut self, job: &Job, now: i64, until: i64, fast: Fast) -> Option<Order> {
        let offsets = until.saturating_sub(self.at).cast_unsigned();
        let from = self.at;
        let order = match job.marker_epoch {
            Some(epoch) if takes_markers(job, self.gap_to(until), fast) => self.mark(job, offsets, epoch),
            _ => self.fill_with_records(job, now, offsets, fast),
        }?;
        self.filled_since.get_or_insert((from, now));
        Some(order)
    }

    /// How long the gap is or was before it began to be filled, by this attempt: what is filled with records is so to its end.
    pub(super) fn gap_to(&self, until: i64) -> u64 {
        let begin = self.filled_since.map_or(self.at, |(from, _)| from);
        until.saturating_sub(begin).cast_unsigned()
    }

    /// Markers carry no sequence: they are written when nothing else is under way, and the end of the log is read behind them.
    fn mark(&mut self, job: &Job, offsets: u64, coordinator_epoch: i32) -> Option<Order> {
        if !self.in_flight.is_empty() {
            return None;
        }
        let count = u32::try_from(offsets).unwrap_or(u32::MAX).min(job.limits.markers_at_once);
        self.in_flight.push_back(InFlight::Mark { count });
        Some(Order::Mark(Mark { count, producer_id: job.marker_id, coordinator_epoch }))
    }

    fn fill_with_records(&mut self, job: &Job, now: i64, offsets: u64, fast: Fast) -> Option<Order> {
        if !self.may_append(job, now, FILLERS_IN_FLIGHT.min(job.limits.in_flight)) {
            return None;
        }
        // Until its start is set, the link keeps a topic from being compacted.
        let kind = if fast == Fast::Deleted { Kind::Plain } else { job.fillers };
        let entry = Fill::new(kind, offsets).next()?;
        let stamped = filler::make(entry, SENT_AT, now, self.guard(job));
        Some(self.append(job, now, stamped, true))
    }

    fn append(&mut self, job: &Job, now: i64, batch: Stamped, filler: bool) -> Order {
        let (records, last_timestamp) = BatchHeader::read(&batch.header)
            .map_or((0, -1), |header| (i64::from(header.last_offset_delta) + 1, header.max_timestamp));
        let guarding = self.freshness.guarding(job, now);
        let base = self.at;
        self.at = base.saturating_add(records);
        self.sequence = self.sequence.plus(records);
        self.in_flight.push_back(InFlight::Append { base, end: self.at, last_timestamp, filler, guarding });
        if self.freshness != Freshness::Unknown {
            self.freshness = Freshness::Known { last_timestamp };
        }
        Order::Append(Append { base_offset: base, guarding, batch })
    }

    fn delete(&mut self, before: i64) -> Option<Order> {
        if !self.in_flight.is_empty() {
            return None;
        }
        self.in_flight.push_back(InFlight::Delete { before });
        Some(Order::Delete { before })
    }

    /// Where the broker guards nothing, a second append behind one that fails would land in its place. So it would behind one that is the
    /// first to be young again: only when that is answered the broker is known to know the producer.
    fn may_append(&self, job: &Job, now: i64, limit: usize) -> bool {
        let is_guarded =
            |sent: &InFlight| matches!(sent, InFlight::Append { guarding: Guarding::Sequence, .. });
        self.in_flight.is_empty()
            || (self.in_flight.len() < limit
                && self.freshness.is_guarded(job, now)
                && self.in_flight.iter().all(is_guarded))
    }

    fn has_exclusive(&self) -> bool {
        self.in_flight.iter().any(|sent| !matches!(sent, InFlight::Append { .. }))
    }

    fn guard(&self, job: &Job) -> Guard {
        Guard { producer_id: job.producer_id, producer_epoch: EPOCH, base_sequence: self.sequence.value() }
    }
}

/// Whether a gap of so many offsets is filled with markers, which nobody sees, rather than with records.
pub(super) fn takes_markers(job: &Job, offsets: u64, fast: Fast) -> bool {
    job.marker_epoch.is_some() && fast == Fast::Kept && offsets <= job.limits.markers_in_gap
}
