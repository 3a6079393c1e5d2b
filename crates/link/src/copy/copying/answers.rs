//! What the mirror answers.

use tidegate_wire::error_code::ErrorCode;

use super::{Copying, Ending, InFlight};
use crate::copy::guarding::Freshness;
use crate::copy::{Facts, Failure, Obstacle, Trouble};

impl Copying {
    pub(super) fn on_appended(&mut self, base_offset: i64, answer: Result<i64, Trouble>, facts: &mut Facts) {
        let is_it = |sent: &InFlight| matches!(sent, InFlight::Append { base, .. } if *base == base_offset);
        let Some(place) = self.in_flight.iter().position(is_it) else { return };
        let Some(InFlight::Append { base, end, last_timestamp, filler, .. }) = self.in_flight.remove(place)
        else {
            return;
        };
        match answer {
            Ok(found) if found == base => {
                // What lies before something that was lost is all that is sure.
                if place == 0 {
                    self.position = end;
                }
                if self.freshness == Freshness::Unknown {
                    self.freshness = Freshness::Known { last_timestamp };
                }
                facts.appended(base..end, filler);
            }
            Ok(found) => self.fail(Failure::Misplaced { expected: base, found }),
            Err(Trouble::Refused(ErrorCode::INVALID_PRODUCER_EPOCH)) => {
                self.fail(Failure::Fenced { offset: base });
            }
            // Somebody appended what this one was about to; the log says what.
            Err(Trouble::Refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)) if self.ending.is_none() => {
                self.end(Ending::Observe(None));
            }
            Err(trouble) => self.stuck(trouble),
        }
    }

    pub(super) fn on_marked(&mut self, answer: Result<i64, Trouble>, facts: &mut Facts) {
        let Some(InFlight::Mark { count }) = self.in_flight.pop_front() else { return };
        let (base, end) = (self.at, self.at.saturating_add(count.into()));
        match answer {
            Ok(found) if found == end => {
                self.at = end;
                self.position = end;
                facts.marked(count);
            }
            // Markers are not known again: what is too much was written by somebody else in between.
            Ok(found) if found > end => {
                self.fail(Failure::Misplaced { expected: base, found: found.saturating_sub(count.into()) });
            }
            Ok(_) => self.end(Ending::Observe(None)),
            Err(Trouble::Refused(ErrorCode::TRANSACTION_COORDINATOR_FENCED)) => {
                self.fail(Failure::Superseded);
            }
            Err(Trouble::Refused(ErrorCode::INVALID_PRODUCER_EPOCH)) => {
                self.fail(Failure::Fenced { offset: base });
            }
            Err(trouble) => self.stuck(trouble),
        }
    }

    pub(super) fn on_deleted(&mut self, answer: Result<i64, Trouble>) {
        let Some(InFlight::Delete { before }) = self.in_flight.pop_front() else { return };
        match answer {
            Ok(start) if start >= before => self.queue.pop(),
            Ok(_) => self.end(Ending::Observe(None)),
            Err(trouble) => self.stuck(trouble),
        }
    }

    /// What was sent may have been done or not: it is never sent again, the log says what is to be done next.
    fn stuck(&mut self, trouble: Trouble) {
        let offset = self.position;
        self.end(Ending::Observe(Some(Obstacle::Mirror { offset, trouble })));
    }
}
