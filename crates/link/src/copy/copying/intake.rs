//! What the source answers.

use tidegate_wire::error_code::ErrorCode;

use super::work::{Fast, Work};
use super::{Ask, Copying, Ending};
use crate::copy::pause::pause;
use crate::copy::{Bounds, Facts, Failure, Fetched, Job, Obstacle, Order, Trouble};
use crate::source::{self, Pieces};

impl Copying {
    /// What is to be asked of the source now.
    pub(super) fn next_ask(&mut self, job: &Job, now: i64) -> Option<Order> {
        let source = &mut self.source;
        if self.ending.is_some() || source.asked || now < source.not_before {
            return None;
        }
        let order = match source.ask {
            Ask::Bounds => Order::Bounds,
            Ask::Records { .. } if self.queue.bytes() >= job.limits.queued_bytes => return None,
            Ask::Records { wants } => {
                Order::Fetch { offset: source.fetched_to, last_epoch: source.last_epoch, wants }
            }
        };
        source.asked = true;
        Some(order)
    }

    pub(super) fn on_fetched(
        &mut self,
        job: &Job,
        now: i64,
        answer: Result<Fetched, Trouble>,
        facts: &mut Facts,
        orders: &mut Vec<Order>,
    ) {
        self.source.asked = false;
        match answer {
            Ok(fetched) => self.take(job, now, fetched, facts, orders),
            Err(Trouble::Refused(ErrorCode::OFFSET_OUT_OF_RANGE)) => self.source.ask = Ask::Bounds,
            Err(trouble) => self.unread(job, now, trouble, facts, orders),
        }
    }

    /// Answered when the source does not have the offset that was asked for.
    pub(super) fn on_bounds(
        &mut self,
        job: &Job,
        now: i64,
        answer: Result<Bounds, Trouble>,
        facts: &mut Facts,
        orders: &mut Vec<Order>,
    ) {
        self.source.asked = false;
        let bounds = match answer {
            Ok(bounds) => bounds,
            Err(trouble) => return self.unread(job, now, trouble, facts, orders),
        };
        self.source.ask = Ask::Records { wants: None };
        self.source.end = bounds.end;
        let from = self.source.fetched_to;
        if bounds.start > from {
            self.queue.push(Work::Gap { until: bounds.start, fast: Fast::Kept });
            self.source.fetched_to = bounds.start;
            self.source.last_epoch = None;
            facts.overtaken = Some(from..bounds.start);
        } else if bounds.end < from {
            self.behind(job, now, bounds.end, facts, orders);
        }
    }

    fn take(&mut self, job: &Job, now: i64, fetched: Fetched, facts: &mut Facts, orders: &mut Vec<Order>) {
        if let Some(common) = fetched.diverging {
            return self.diverged(common);
        }
        self.source.end = fetched.stable_end;
        if fetched.stable_end < self.source.fetched_to {
            return self.behind(job, now, fetched.stable_end, facts, orders);
        }
        if self.source.behind_since.take().is_some() {
            // It may have lost what was read, and have other records there by now.
            return self.end(Ending::Observe(None));
        }
        let answer = source::Answer { records: fetched.records, aborted: fetched.aborted };
        match source::pieces(answer, self.source.fetched_to, &job.limits.rewrite) {
            Ok(Pieces { pieces, next, wants, last_epoch }) => {
                self.source.failures = 0;
                facts.obstacle = None;
                self.source.fetched_to = next;
                self.source.ask = Ask::Records { wants };
                self.source.last_epoch = last_epoch.or(self.source.last_epoch);
                self.queue.extend(pieces);
            }
            Err(error) => self.end(Ending::Observe(Some(Obstacle::unreadable(&error)))),
        }
    }

    /// The source says that it is another log from an offset on (KIP-595).
    fn diverged(&mut self, common: i64) {
        if common < self.at {
            self.fail(Failure::Truncated(common..self.at));
        } else {
            // Nothing of it has been sent.
            self.end(Ending::Observe(None));
        }
    }

    fn behind(&mut self, job: &Job, now: i64, end: i64, facts: &mut Facts, orders: &mut Vec<Order>) {
        let since = *self.source.behind_since.get_or_insert(now);
        let position = self.at;
        if end >= position {
            // What was read and not sent is gone there: nothing is wrong with the mirror.
            return self.end(Ending::Observe(None));
        }
        if now.saturating_sub(since) >= job.limits.behind_ms {
            return self.fail(Failure::Truncated(end..position));
        }
        facts.obstacle = Some(Obstacle::Behind { end, position });
        self.ask_later(job, now, orders);
    }

    fn unread(&mut self, job: &Job, now: i64, trouble: Trouble, facts: &mut Facts, orders: &mut Vec<Order>) {
        facts.obstacle = Some(Obstacle::Source { offset: self.source.fetched_to, trouble });
        self.ask_later(job, now, orders);
    }

    fn ask_later(&mut self, job: &Job, now: i64, orders: &mut Vec<Order>) {
        let at = now.saturating_add(pause(job, self.source.failures));
        self.source.failures = self.source.failures.saturating_add(1);
        self.source.not_before = at;
        orders.push(Order::Wake { at });
    }
}
