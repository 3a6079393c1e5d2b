//! Which fillers take the offsets of a gap.

use std::iter::FusedIterator;

use super::{Entry, Kind};

/// Splits a gap into fillers, the largest first.
///
/// It says nothing about how many there will be, since a gap is what a source says it is: take as many as are appended at
/// once, and never collect them all.
#[derive(Debug, Clone)]
pub struct Fill {
    entries: &'static [Entry],
    left: u64,
}

impl Fill {
    /// A gap of so many offsets in a topic that takes records of this kind.
    #[must_use]
    pub fn new(kind: Kind, offsets: u64) -> Self {
        Self { entries: kind.entries(), left: offsets }
    }

    /// The offsets for which there is no filler yet.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }
}

impl Iterator for Fill {
    type Item = &'static Entry;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((largest, smaller)) = self.entries.split_first() {
            if let Some(left) = self.left.checked_sub(largest.count().into()) {
                self.left = left;
                return Some(largest);
            }
            self.entries = smaller;
        }
        None
    }
}

impl FusedIterator for Fill {}
