//! Whose batches readers do not see.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tidegate_wire::batch::BatchHeader;

use super::control::{ControlError, is_abort};

/// A transaction that was aborted, as an answer names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted {
    /// Whose it was.
    pub producer_id: i64,
    /// Its first offset, maybe before the one that was asked for.
    pub first_offset: i64,
}

/// The transactions that are known to end in an abort, while a log is read on; the same as in Java's `CompletedFetch`.
///
/// An answer says where each begins, not which batches it has. From there on all of the producer's are of it, up to the abort
/// mark: a producer has one transaction at a time. The mark of a commit changes nothing.
#[derive(Debug)]
pub(super) struct Aborting {
    /// Those that have not begun, the last one first.
    ahead: Vec<Aborted>,
    producers: BTreeSet<i64>,
}

impl Aborting {
    pub(super) fn new(mut named: Vec<Aborted>) -> Self {
        named.sort_unstable_by_key(|aborted| Reverse(aborted.first_offset));
        Self { ahead: named, producers: BTreeSet::new() }
    }

    /// Whether the next batch, which ends with this offset, is of one of them. What a producer writes outside of its transactions
    /// is not.
    pub(super) fn covers(&mut self, header: &BatchHeader, last_offset: i64) -> bool {
        if header.producer_id < 0 {
            return false;
        }
        while let Some(aborted) = self.ahead.pop_if(|aborted| aborted.first_offset <= last_offset) {
            self.producers.insert(aborted.producer_id);
        }
        header.is_transactional() && self.producers.contains(&header.producer_id)
    }

    /// Takes note of a control batch, which may be the end of one of them.
    pub(super) fn mark(&mut self, header: &BatchHeader, batch: &[u8]) -> Result<(), ControlError> {
        // Without a producer it is about something else, and may have another key.
        if header.producer_id >= 0 && is_abort(header, batch)? {
            self.producers.remove(&header.producer_id);
        }
        Ok(())
    }
}
