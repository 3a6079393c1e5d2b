//! What a batch of the mirror is: where it comes from decides what it is held against.

use std::ops::Range;

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::is_filler;

use super::sequence::Sequence;
use super::{Failure, Job};

/// A batch that the link wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) header: BatchHeader,
    pub(super) batch: Bytes,
    /// Whether it takes offsets where the source has nothing.
    pub(super) fills: bool,
}

impl Written {
    /// Looks at one whole batch of the mirror.
    pub(super) fn of(job: &Job, header: BatchHeader, batch: Bytes) -> Result<Self, Failure> {
        let is_marker = header.is_control() && header.producer_id == job.marker_id;
        let is_ours = header.producer_id == job.producer_id;
        if is_marker || is_ours && !header.is_control() {
            let fills = is_marker || is_filler(&batch, &|producer_id| producer_id == job.producer_id);
            Ok(Self { header, batch, fills })
        } else {
            Err(Failure::Foreign { offset: header.base_offset })
        }
    }

    /// The sequence that the link's producer goes on with, as far as this batch tells.
    pub(super) fn next_sequence(&self) -> Option<Sequence> {
        let Range { start, end } = self.header.offsets();
        let first = Sequence::of_offset(self.header.base_sequence.into());
        (!self.header.is_control()).then(|| first.plus(end.saturating_sub(start)))
    }
}
