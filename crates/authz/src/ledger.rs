//! Which producer ids a zone was issued.
//!
//! Every reader of a topic sees the producer ids of its writers in the batch headers. A partner with WRITE on the same
//! topic could send such an id with a higher epoch and fence its owner, and a stock broker would let it. So a batch
//! goes up only with an id that this very zone was issued.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use tidegate_core::facts::{Fact, Timestamp};

use crate::policy::Policy;

/// Most ids held in memory; the store knows the rest.
pub const MAX_CACHED: usize = 10_000;

/// Age from which the use of an id is noted in the store anew: seldom, and often enough for a restart to know that
/// an id issued long ago is still in use.
const NOTE_USE_AFTER_S: u64 = 6 * 3_600;

/// The producer ids of one zone.
#[derive(Debug, Default)]
pub struct Ledger {
    issued: RwLock<HashMap<i64, Timestamp>>,
    allowance: Mutex<Option<Allowance>>,
}

/// What the ledger says of a producer id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The zone's own.
    Issued,
    /// The zone's own, and its use must be noted before it goes on.
    Note(Fact),
    /// Not known here: the store may know it.
    Unknown,
}

impl Ledger {
    /// What is known of an id.
    pub fn standing(&self, id: i64, now: Timestamp, policy: &Policy) -> Standing {
        let used = self.issued.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        match used.map(|used| now.since(used)) {
            Some(age) if age < NOTE_USE_AFTER_S => Standing::Issued,
            Some(age) if age < policy.producer_id_retention_s => {
                Standing::Note(Fact::Producer { id, used: now })
            }
            _ => Standing::Unknown,
        }
    }

    /// Whether the id is the zone's, however long ago it was in use.
    pub(crate) fn knows(&self, id: i64) -> bool {
        self.issued.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Takes in an id that the store keeps.
    pub(crate) fn take(&self, id: i64, used: Timestamp) {
        let mut issued = self.issued.write().unwrap_or_else(PoisonError::into_inner);
        if issued.len() >= MAX_CACHED && !issued.contains_key(&id) {
            forget_older_half(&mut issued);
        }
        issued.insert(id, used);
    }

    /// Whether the zone may be issued one more id now. Every id costs the cluster and the store something for good.
    pub fn admit(&self, now: Timestamp, policy: &Policy) -> bool {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        allowance.get_or_insert_with(|| Allowance::full(now, policy)).take(now, policy)
    }
}

/// A bucket of whole ids; thousandths carry what a second does not fill.
#[derive(Debug)]
struct Allowance {
    thousandths: u64,
    filled: Timestamp,
}

impl Allowance {
    fn full(now: Timestamp, policy: &Policy) -> Self {
        Self { thousandths: u64::from(policy.producer_ids_burst) * 1_000, filled: now }
    }

    fn take(&mut self, now: Timestamp, policy: &Policy) -> bool {
        let gained =
            now.since(self.filled).saturating_mul(u64::from(policy.producer_ids_per_minute) * 1_000) / 60;
        self.thousandths =
            self.thousandths.saturating_add(gained).min(u64::from(policy.producer_ids_burst) * 1_000);
        self.filled = now;
        match self.thousandths.checked_sub(1_000) {
            Some(rest) => {
                self.thousandths = rest;
                true
            }
            None => false,
        }
    }
}

/// The cache makes room; the store still knows every id.
fn forget_older_half(issued: &mut HashMap<i64, Timestamp>) {
    let mut ages: Vec<Timestamp> = issued.values().copied().collect();
    ages.sort_unstable();
    let median = ages.get(ages.len() / 2).copied().unwrap_or_default();
    issued.retain(|_, used| *used > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3_600;

    fn standing(ledger: &Ledger, id: i64, now: u64) -> Standing {
        ledger.standing(id, Timestamp(now), &Policy::default())
    }

    #[test]
    fn only_an_issued_id_is_known_and_its_use_is_noted_now_and_then() {
        let ledger = Ledger::default();
        ledger.take(7, Timestamp(DAY));
        assert_eq!(standing(&ledger, 7, DAY + 60), Standing::Issued);
        assert_eq!(standing(&ledger, 8, DAY + 60), Standing::Unknown);
        let used = Timestamp(2 * DAY);
        assert_eq!(standing(&ledger, 7, 2 * DAY), Standing::Note(Fact::Producer { id: 7, used }));
        assert_eq!(standing(&ledger, 7, 20 * DAY), Standing::Unknown);
        // A clock set back takes nothing away.
        assert_eq!(standing(&ledger, 7, 0), Standing::Issued);
    }

    #[test]
    fn ids_are_given_out_in_a_burst_and_then_at_their_rate() {
        let (ledger, policy) = (Ledger::default(), Policy::default());
        let admitted = |now, tries| (0..tries).filter(|_| ledger.admit(Timestamp(now), &policy)).count();
        assert_eq!(admitted(100, 2_000), 1_000);
        assert_eq!(admitted(110, 2_000), 10);
        assert_eq!(admitted(50, 10), 0);
        assert_eq!(admitted(1_000_000, 2_000), 1_000);
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_the_newest() {
        let ledger = Ledger::default();
        for id in 0..3 * i64::try_from(MAX_CACHED).unwrap() {
            ledger.take(id, Timestamp(u64::try_from(id).unwrap()));
        }
        assert!(ledger.issued.read().unwrap().len() <= MAX_CACHED);
        let last = 3 * i64::try_from(MAX_CACHED).unwrap() - 1;
        assert_eq!(standing(&ledger, last, u64::try_from(last).unwrap()), Standing::Issued);
    }
}
