//! The fixed 61-byte header of a record batch v2 (KIP-98), the only part of records ever looked at.

use std::ops::Range;

use bytes::BufMut;
use thiserror::Error;

use crate::crc::{Shift, crc};
use crate::reader::Reader;

/// Bytes before the first record.
pub const HEADER_LENGTH: usize = 61;

/// Bytes before those that the batch's own length counts.
pub const LENGTH_OVERHEAD: usize = 12;

/// Where the checksum stands, right before what it counts: the attributes and all behind them.
const CHECKSUM: Range<usize> = 17..21;

/// The number of this format.
pub const MAGIC: i8 = 2;

const CODEC_MASK: i16 = 0b111;

/// Set by brokers on topics whose timestamps are those of the append: all records have the greatest one then.
pub const LOG_APPEND_TIME: i16 = 1 << 3;

/// Set on batches of transactions.
pub const TRANSACTIONAL: i16 = 1 << 4;

/// Set on batches of control records.
pub const CONTROL: i16 = 1 << 5;

/// The base timestamp says when a log's cleaner may drop the batch's tombstones; the records' times count from it all the same
/// (KIP-534).
pub const DELETE_HORIZON: i16 = 1 << 6;

/// Highest compression codec number, zstd (KIP-110).
pub(crate) const CODEC_ZSTD: u8 = 4;

/// Lowest Produce version that may carry zstd (KIP-110).
const ZSTD_SINCE_PRODUCE: i16 = 7;

/// What the header of a batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes after the length field.
    pub length: i32,
    /// Leader epoch, set by brokers.
    pub leader_epoch: i32,
    /// Format of the batch; only 2 is served.
    pub magic: i8,
    /// CRC-32C from the attributes to the end.
    pub crc: u32,
    /// Codec, timestamp type, transactional and control bits.
    pub attributes: i16,
    /// Offset of the last record, relative to the base.
    pub last_offset_delta: i32,
    /// Timestamp of the first record, in milliseconds since 1970.
    pub base_timestamp: i64,
    /// Greatest timestamp, in milliseconds since 1970.
    pub max_timestamp: i64,
    /// Producer id, or -1.
    pub producer_id: i64,
    /// Producer epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence of the first record, or -1.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `records`; `None` when they are shorter than a header.
    #[must_use]
    pub fn read(records: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(records);
        let header = Self {
            base_offset: reader.int64().ok()?,
            length: reader.int32().ok()?,
            leader_epoch: reader.int32().ok()?,
            magic: reader.int8().ok()?,
            crc: reader.int32().ok()?.cast_unsigned(),
            attributes: reader.int16().ok()?,
            last_offset_delta: reader.int32().ok()?,
            base_timestamp: reader.int64().ok()?,
            max_timestamp: reader.int64().ok()?,
            producer_id: reader.int64().ok()?,
            producer_epoch: reader.int16().ok()?,
            base_sequence: reader.int32().ok()?,
            record_count: reader.int32().ok()?,
        };
        Some(header)
    }

    /// The header as bytes, with the checksum that it has before records of the checksum `of_records`; its own is not looked at.
    #[must_use]
    pub fn sealed(&self, of_records: u32, length: usize) -> [u8; HEADER_LENGTH] {
        self.sealed_before(of_records, Shift::over(length))
    }

    /// The same before records whose shift is known.
    #[must_use]
    pub fn sealed_before(&self, of_records: u32, shift: Shift) -> [u8; HEADER_LENGTH] {
        let mut sealed = [0; HEADER_LENGTH];
        let mut rest = sealed.as_mut_slice();
        rest.put_i64(self.base_offset);
        rest.put_i32(self.length);
        rest.put_i32(self.leader_epoch);
        rest.put_i8(self.magic);
        rest.put_u32(0);
        rest.put_i16(self.attributes);
        rest.put_i32(self.last_offset_delta);
        rest.put_i64(self.base_timestamp);
        rest.put_i64(self.max_timestamp);
        rest.put_i64(self.producer_id);
        rest.put_i16(self.producer_epoch);
        rest.put_i32(self.base_sequence);
        rest.put_i32(self.record_count);
        let checksum = shift.joined(crc(checked(&sealed)), of_records);
        if let Some(place) = sealed.get_mut(CHECKSUM) {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
        sealed
    }

    /// The offsets that it stands for; where compaction was, there are fewer records.
    #[must_use]
    pub fn offsets(&self) -> Range<i64> {
        let end = self.base_offset.saturating_add(self.last_offset_delta.into()).saturating_add(1);
        self.base_offset..end
    }

    /// Compression codec number.
    #[must_use]
    pub fn codec(&self) -> u8 {
        u8::try_from(self.attributes & CODEC_MASK).unwrap_or_default()
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which clients never write.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }
}

/// What the checksum of a batch counts of its header, or of all of it.
#[must_use]
pub fn checked(batch: &[u8]) -> &[u8] {
    batch.get(CHECKSUM.end..).unwrap_or_default()
}

/// Why the records of one partition may not be produced; the client is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// No records, or fewer bytes than a header.
    #[error("records are missing or shorter than a batch header of {HEADER_LENGTH} bytes")]
    TooShort,
    /// The batch's own length is not that of the records: zero, several or half a batch.
    #[error("batch length {batch} does not match the {records} bytes of records: send exactly one batch")]
    NotOneBatch {
        /// Length of the first batch by its header.
        batch: i64,
        /// Bytes sent.
        records: usize,
    },
    /// A format before v2.
    #[error("record format {magic} is not served, only v2")]
    OldFormat {
        /// The magic byte.
        magic: i8,
    },
    /// A codec that does not exist, or zstd at a Produce version before 7.
    #[error("compression codec {codec} is not allowed at this version")]
    Codec {
        /// The codec number.
        codec: u8,
    },
    /// No records inside.
    #[error("record count {count} is not positive")]
    Empty {
        /// The count as read.
        count: i32,
    },
    /// A control batch.
    #[error("control batches are written by brokers only")]
    Control,
}

/// Checks the records of one partition of a Produce request at `version`, by the header alone.
///
/// The CRC is left to the broker.
///
/// # Errors
/// [`BatchError`].
pub fn check_produced(records: Option<&[u8]>, version: i16) -> Result<BatchHeader, BatchError> {
    let records = records.unwrap_or_default();
    let header = BatchHeader::read(records).ok_or(BatchError::TooShort)?;
    if header.magic != MAGIC {
        return Err(BatchError::OldFormat { magic: header.magic });
    }
    let batch = i64::from(header.length) + LENGTH_OVERHEAD as i64;
    if usize::try_from(batch) != Ok(records.len()) {
        return Err(BatchError::NotOneBatch { batch, records: records.len() });
    }
    let codec = header.codec();
    if codec > CODEC_ZSTD || (codec == CODEC_ZSTD && version < ZSTD_SINCE_PRODUCE) {
        return Err(BatchError::Codec { codec });
    }
    if header.is_control() {
        return Err(BatchError::Control);
    }
    if header.record_count <= 0 {
        return Err(BatchError::Empty { count: header.record_count });
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(magic: u8, attributes: u8, count: u8, extra: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LENGTH + extra];
        bytes[11] = u8::try_from(HEADER_LENGTH + extra - LENGTH_OVERHEAD).unwrap();
        bytes[16] = magic;
        bytes[22] = attributes;
        bytes[60] = count;
        bytes
    }

    #[test]
    fn one_whole_batch_of_format_two_is_taken() {
        let header = check_produced(Some(&batch(2, 0b1_0001, 3, 9)), 9).unwrap();
        assert_eq!((header.codec(), header.record_count), (1, 3));
        assert!(header.is_transactional() && !header.is_control());
    }

    #[test]
    fn each_broken_header_is_refused_for_its_own_reason() {
        assert_eq!(check_produced(None, 9), Err(BatchError::TooShort));
        assert_eq!(check_produced(Some(&batch(2, 0, 1, 0)[..60]), 9), Err(BatchError::TooShort));
        assert_eq!(check_produced(Some(&batch(1, 0, 1, 0)), 9), Err(BatchError::OldFormat { magic: 1 }));
        assert_eq!(check_produced(Some(&batch(2, 5, 1, 0)), 9), Err(BatchError::Codec { codec: 5 }));
        assert_eq!(check_produced(Some(&batch(2, 0x20, 1, 0)), 9), Err(BatchError::Control));
        assert_eq!(check_produced(Some(&batch(2, 0, 0, 0)), 9), Err(BatchError::Empty { count: 0 }));
    }

    #[test]
    fn two_batches_or_half_of_one_are_refused() {
        let one = batch(2, 0, 1, 4);
        let two = [one.clone(), one.clone()].concat();
        assert!(matches!(check_produced(Some(&two), 9), Err(BatchError::NotOneBatch { .. })));
        assert!(matches!(check_produced(Some(&one[..63]), 9), Err(BatchError::NotOneBatch { .. })));
    }

    #[test]
    fn zstd_needs_produce_seven() {
        assert_eq!(check_produced(Some(&batch(2, 4, 1, 0)), 6), Err(BatchError::Codec { codec: 4 }));
        assert!(check_produced(Some(&batch(2, 4, 1, 0)), 7).is_ok());
    }
}
