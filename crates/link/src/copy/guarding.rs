//! Whether the broker guards an append.
//!
//! It knows a producer by the greatest timestamp of its last batch, not by when that was appended, and forgets it when that is
//! older than `producer.id.expiration.ms`: at the next check, or when it starts. From then on it takes any sequence. So records
//! that are old guard nothing, however young the append.

use super::{Guarding, Job, Producer};

/// Until when the broker knows the link's producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It does not: the next append is the first.
    Unknown,
    /// It does, by a batch with this greatest timestamp.
    Known { last_timestamp: i64 },
}

/// Clocks of brokers and of this machine differ, and an append may lie in a queue.
const MARGIN_MS: i64 = 15 * 60 * 1_000;

impl Freshness {
    pub(super) fn of(producer: Option<Producer>) -> Self {
        producer.map_or(Self::Unknown, |Producer { last_timestamp, .. }| Self::Known { last_timestamp })
    }

    pub(super) fn is_guarded(self, job: &Job, now: i64) -> bool {
        match self {
            Self::Unknown => false,
            Self::Known { last_timestamp } => {
                now.saturating_sub(last_timestamp) < job.producer_expiration_ms.saturating_sub(MARGIN_MS)
            }
        }
    }

    pub(super) fn guarding(self, job: &Job, now: i64) -> Guarding {
        if self.is_guarded(job, now) { Guarding::Sequence } else { Guarding::Lease }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::testing::{DAY_MS, NOW, job};

    #[test]
    fn old_records_guard_nothing() {
        let at = |age: i64| Freshness::Known { last_timestamp: NOW - age }.guarding(&job(), NOW);
        assert_eq!(at(0), Guarding::Sequence);
        assert_eq!(at(DAY_MS - MARGIN_MS - 1), Guarding::Sequence);
        assert_eq!(at(DAY_MS - MARGIN_MS), Guarding::Lease);
        assert_eq!(Freshness::Known { last_timestamp: -1 }.guarding(&job(), NOW), Guarding::Lease);
        assert_eq!(Freshness::Known { last_timestamp: i64::MIN }.guarding(&job(), NOW), Guarding::Lease);
        assert_eq!(Freshness::Unknown.guarding(&job(), NOW), Guarding::Lease);
    }
}
