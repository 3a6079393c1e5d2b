//! What is known of a copy: for its status, and for the verdict on it.

use std::ops::Range;

use super::Obstacle;

/// What a machine has done and seen since it began, over all of its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Offsets that were appended with records of the source.
    pub copied: u64,
    /// Offsets that were filled with empty records, which readers see unless something hides them.
    pub filled: u64,
    /// Offsets that were filled with markers, which nobody sees.
    pub marked: u64,
    /// The last offsets that the source dropped before they were copied: retention has overtaken the mirror.
    pub overtaken: Option<Range<i64>>,
    /// Before this offset the mirror was not held against its source when copying went on: of what lies there, the source had
    /// nothing left.
    pub unverified: Option<i64>,
    /// What is in the way for now.
    pub obstacle: Option<Obstacle>,
    /// Whether something was appended since the last time the mirror was looked at.
    pub(super) progress: bool,
}

impl Facts {
    pub(super) fn appended(&mut self, offsets: Range<i64>, filler: bool) {
        let count = offsets.end.saturating_sub(offsets.start).cast_unsigned();
        let counter = if filler { &mut self.filled } else { &mut self.copied };
        *counter = counter.saturating_add(count);
        self.progressed();
    }

    pub(super) fn marked(&mut self, count: u32) {
        self.marked = self.marked.saturating_add(count.into());
        self.progressed();
    }

    fn progressed(&mut self) {
        self.progress = true;
        self.obstacle = None;
    }
}
