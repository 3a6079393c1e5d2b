//! Where the parts of a Fetch answer lie in its frame.

use std::ops::Range;

use super::{FLEXIBLE_SINCE, LOG_START_SINCE, PREFERRED_REPLICA_SINCE};
use crate::error_code::ErrorCode;
use crate::reader::{ReadError, Reader};

/// One partition of the answer.
pub(super) struct PartitionSpan {
    pub(super) index: i32,
    pub(super) error: ErrorCode,
    /// Index, error, watermarks and log start offset.
    pub(super) fixed: Range<usize>,
    /// Number of aborted transactions, `None` for null.
    pub(super) aborted_count: Option<usize>,
    /// Their elements.
    pub(super) aborted: Range<usize>,
    pub(super) preferred_replica: i32,
    /// `None` for null.
    pub(super) records: Option<Range<usize>>,
    pub(super) tags: Tags,
}

/// The tags of a partition that this version knows.
#[derive(Default)]
pub(super) struct Tags {
    /// KIP-595: where the log of this consumer and of the leader part; epoch and end offset.
    pub(super) diverging_epoch: Option<[u8; 12]>,
    /// KIP-951: leader id and leader epoch.
    pub(super) current_leader: Option<(i32, i32)>,
}

pub(super) const TAG_DIVERGING_EPOCH: u32 = 0;
pub(super) const TAG_CURRENT_LEADER: u32 = 1;

impl PartitionSpan {
    #[inline]
    pub(super) fn read(reader: &mut Reader<'_>, version: i16) -> Result<Self, ReadError> {
        let flexible = version >= FLEXIBLE_SINCE;
        let start = reader.position();
        let mut fixed = Reader::new(reader.bytes(if version >= LOG_START_SINCE { 30 } else { 22 })?);
        let index = fixed.int32()?;
        let error = ErrorCode(fixed.int16()?);
        let fixed = start..reader.position();
        let aborted_count = reader.array_count(flexible)?;
        let aborted = read_aborted(reader, aborted_count, flexible)?;
        let preferred_replica = if version >= PREFERRED_REPLICA_SINCE { reader.int32()? } else { -1 };
        let records = reader.nullable_bytes(flexible)?;
        let records = records.map(|records| reader.position() - records.len()..reader.position());
        let tags = if flexible { Tags::read(reader)? } else { Tags::default() };
        Ok(Self { index, error, fixed, aborted_count, aborted, preferred_replica, records, tags })
    }

    /// High watermark, last stable offset and log start offset.
    pub(super) fn watermarks(&self) -> Range<usize> {
        self.fixed.start + INDEX_AND_ERROR..self.fixed.end
    }

    pub(super) fn record_bytes(&self) -> usize {
        self.records.as_ref().map_or(0, Range::len)
    }
}

impl Tags {
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let mut tags = Self::default();
        for _ in 0..reader.unsigned_varint()? {
            let tag = reader.unsigned_varint()?;
            let size = usize::try_from(reader.unsigned_varint()?).unwrap_or(usize::MAX);
            let mut value = Reader::new(reader.bytes(size)?);
            match tag {
                TAG_DIVERGING_EPOCH => {
                    let mut pair = [0; 12];
                    pair.copy_from_slice(value.bytes(12)?);
                    tags.diverging_epoch = Some(pair);
                }
                TAG_CURRENT_LEADER => tags.current_leader = Some((value.int32()?, value.int32()?)),
                _ => {}
            }
        }
        Ok(tags)
    }
}

const INDEX_AND_ERROR: usize = 6;

/// Bytes of one aborted transaction: producer id and first offset.
pub(super) const ABORTED_LENGTH: usize = 16;

#[inline]
fn read_aborted(
    reader: &mut Reader<'_>,
    count: Option<usize>,
    flexible: bool,
) -> Result<Range<usize>, ReadError> {
    let start = reader.position();
    // Each turn takes at least ABORTED_LENGTH bytes, so a huge count ends at the end of the input.
    for _ in 0..count.unwrap_or(0) {
        reader.skip(ABORTED_LENGTH)?;
        reader.skip_tags(flexible)?;
    }
    Ok(start..reader.position())
}
