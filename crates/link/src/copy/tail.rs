//! What the batch before the mirror's end is: where it comes from decides what it is held against.

use std::ops::Range;

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::is_filler;

use super::sequence::Sequence;
use super::{Failure, Job};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tail {
    /// Records of the source.
    Data { header: BatchHeader, batch: Bytes },
    /// A filler or a marker: the source has nothing there.
    Fill(Range<i64>),
}

impl Tail {
    /// Looks at one whole batch of the mirror.
    pub(super) fn of(job: &Job, batch: Bytes) -> Result<Self, Failure> {
        let header = BatchHeader::read(&batch).ok_or(Failure::Foreign { offset: -1 })?;
        let range = range(&header);
        if is_fill(job, &header, &batch) {
            Ok(Self::Fill(range))
        } else if header.producer_id == job.producer_id && !header.is_control() {
            Ok(Self::Data { header, batch })
        } else {
            Err(Failure::Foreign { offset: range.start })
        }
    }

    pub(super) fn range(&self) -> Range<i64> {
        match self {
            Self::Data { header, .. } => range(header),
            Self::Fill(range) => range.clone(),
        }
    }

    /// The sequence that the link's producer goes on with, as far as this batch tells.
    pub(super) fn next_sequence(&self) -> Option<Sequence> {
        match self {
            Self::Data { header, .. } => {
                let first = Sequence::of_offset(header.base_sequence.into());
                Some(first.plus(i64::from(header.last_offset_delta) + 1))
            }
            Self::Fill(_) => None,
        }
    }
}

/// Whether the link wrote this to fill a gap.
pub(super) fn is_fill(job: &Job, header: &BatchHeader, batch: &[u8]) -> bool {
    (header.is_control() && header.producer_id == job.marker_id)
        || is_filler(batch, &|producer_id| producer_id == job.producer_id)
}

/// The offsets that a batch stands for.
pub(super) fn range(header: &BatchHeader) -> Range<i64> {
    let end = header.base_offset.saturating_add(header.last_offset_delta.into()).saturating_add(1);
    header.base_offset..end
}
