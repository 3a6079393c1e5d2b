//! Names that take the place of others, between bytes that stay where they are.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::frame::Outgoing;
use crate::topic::TopicKey;

/// The names of what passes together.
#[derive(Default)]
pub(super) struct Names {
    /// Those that are shown, one after the other.
    shown: BytesMut,
    /// Where each of the others lies in what passes, and where the one in its place ends in `shown`.
    places: Vec<(Range<usize>, usize)>,
}

impl Names {
    /// Puts `name` in that place, which lies behind all before.
    pub(super) fn replace(&mut self, place: Range<usize>, name: &TopicKey, flexible: bool) {
        name.write(&mut self.shown, flexible);
        self.places.push((place, self.shown.len()));
    }

    /// What passes, cut at the names.
    pub(super) fn splice(self, passed: Bytes) -> Outgoing {
        if self.places.is_empty() {
            return Outgoing::whole(passed);
        }
        let shown = self.shown.freeze();
        let mut pieces = Vec::with_capacity(2 * self.places.len() + 1);
        let (mut from, mut begin) = (0, 0);
        for (place, end) in self.places {
            pieces.push(passed.slice(from..place.start));
            pieces.push(shown.slice(begin..end));
            (from, begin) = (place.end, end);
        }
        pieces.push(passed.slice(from..));
        pieces.into_iter().collect()
    }
}
