//! A batch of one log, made ready for another place in another log: the header is new, the records are the same slice.
//!
//! What a stock broker takes from a mirror decides what is in the header: no transactional bit, no leader epoch, a producer
//! id of the mirror's own with a sequence that guards the append. One pass over the records checks the source's checksum
//! and gives the new one.

use bytes::Bytes;
use thiserror::Error;

use crate::batch::{
    BatchHeader, DELETE_HORIZON, HEADER_LENGTH, LENGTH_OVERHEAD, LOG_APPEND_TIME, MAGIC, TRANSACTIONAL,
    checked,
};
use crate::crc::{Shift, crc};

/// Who appends, and what guards the append (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The mirror's own producer id for the partition.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The sequence of the first record.
    pub base_sequence: i32,
}

impl Guard {
    /// The header of a batch that is to be appended: brokers set the leader epoch.
    pub(crate) fn header(self, header: BatchHeader) -> BatchHeader {
        let Self { producer_id, producer_epoch, base_sequence } = self;
        BatchHeader { leader_epoch: -1, producer_id, producer_epoch, base_sequence, ..header }
    }
}

/// A batch ready to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The new header.
    pub header: [u8; HEADER_LENGTH],
    /// The records, as they came.
    pub records: Bytes,
}

/// A batch that cannot be copied as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StampError {
    /// It is not whole, or there is more than one.
    #[error("these are {found} bytes and not one batch")]
    NotOneBatch {
        /// The bytes.
        found: usize,
    },
    /// A format before v2.
    #[error("record format {magic} is not copied as it is, only v2")]
    OldFormat {
        /// The magic byte.
        magic: i8,
    },
    /// Its checksum is wrong: the source's disk or the way from there is broken.
    #[error(
        "the checksum of the batch at offset {base_offset} is wrong: it was damaged at the source or on the way"
    )]
    Damaged {
        /// Where it begins.
        base_offset: i64,
    },
    /// A control batch: an offset that is taken, and nothing to copy.
    #[error("a control batch has no records to copy")]
    Control,
    /// No records: an offset range that is taken, and nothing to copy.
    #[error("an empty batch has no records to copy")]
    Empty,
    /// Records were removed by compaction: the range has to be filled up between them.
    #[error(
        "the batch has {count} records for {range} offsets: it has to be split where records are missing"
    )]
    Gaps {
        /// How many there are.
        count: i32,
        /// How many offsets it stands for.
        range: i64,
    },
    /// Its records have the time of the append; their own times, which would show without that bit, are others.
    #[error("the timestamps of the batch are those of its append: records have to be written anew")]
    LogAppendTime,
}

/// Makes one whole batch ready for another log, with `base_offset` in its header: 0 in a Produce request, where brokers take no other
/// and put the batch where their log ends.
///
/// # Errors
/// [`StampError`].
pub fn stamp(batch: &Bytes, base_offset: i64, guard: Guard) -> Result<Stamped, StampError> {
    let not_one = StampError::NotOneBatch { found: batch.len() };
    let old = batch.first_chunk::<HEADER_LENGTH>().ok_or(not_one)?;
    let header = BatchHeader::read(old).ok_or(not_one)?;
    if header.magic != MAGIC {
        return Err(StampError::OldFormat { magic: header.magic });
    }
    if usize::try_from(header.length).ok().and_then(|length| length.checked_add(LENGTH_OVERHEAD))
        != Some(batch.len())
    {
        return Err(not_one);
    }
    let records = batch.slice(HEADER_LENGTH..);
    let (of_records, shift) = (crc(&records), Shift::over(records.len()));
    if shift.joined(crc(checked(old)), of_records) != header.crc {
        return Err(StampError::Damaged { base_offset: header.base_offset });
    }
    check(&header)?;
    // The other log has a cleaner of its own, which keeps tombstones from when it saw them.
    let attributes = header.attributes & !(TRANSACTIONAL | DELETE_HORIZON);
    let new = guard.header(BatchHeader { base_offset, attributes, ..header });
    Ok(Stamped { header: new.sealed_before(of_records, shift), records })
}

/// What stands against copying a batch of format 2 with nothing but a new header, as far as its old one tells: [`stamp`]
/// checks the rest.
///
/// # Errors
/// [`StampError`]; whoever gets one writes the records anew, or there are none.
pub fn check(header: &BatchHeader) -> Result<(), StampError> {
    let range = i64::from(header.last_offset_delta) + 1;
    if header.is_control() {
        return Err(StampError::Control);
    }
    if header.record_count <= 0 {
        return Err(StampError::Empty);
    }
    if i64::from(header.record_count) != range {
        return Err(StampError::Gaps { count: header.record_count, range });
    }
    if header.attributes & LOG_APPEND_TIME != 0 {
        return Err(StampError::LogAppendTime);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where the checksum begins to count: at the attributes.
    const CHECKED_FROM: usize = 21;

    const GUARD: Guard = Guard { producer_id: 1 << 62, producer_epoch: 0, base_sequence: 4_711 };

    /// A batch as a broker keeps it.
    fn kept(attributes: i16, count: i32, last_offset_delta: i32, records: &[u8]) -> Bytes {
        let header = BatchHeader {
            base_offset: 100,
            length: i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap(),
            leader_epoch: 7,
            magic: MAGIC,
            crc: 0,
            attributes,
            last_offset_delta,
            base_timestamp: 1_000,
            max_timestamp: 2_000,
            producer_id: 5,
            producer_epoch: 3,
            base_sequence: 9,
            record_count: count,
        };
        Bytes::from([&header.sealed(crc(records), records.len())[..], records].concat())
    }

    #[test]
    fn only_the_place_and_the_guard_are_new() {
        let source = kept(TRANSACTIONAL | DELETE_HORIZON | 4, 3, 2, b"whatever records are");
        let Stamped { header, records } = stamp(&source, 1 << 40, GUARD).unwrap();
        assert_eq!(records.as_ptr(), source[HEADER_LENGTH..].as_ptr(), "the same slice");
        let whole = [&header[..], &records].concat();
        let new = BatchHeader::read(&whole).unwrap();
        assert_eq!((new.base_offset, new.leader_epoch, new.attributes), (1 << 40, -1, 4));
        assert_eq!(
            (new.producer_id, new.producer_epoch, new.base_sequence),
            (GUARD.producer_id, GUARD.producer_epoch, GUARD.base_sequence)
        );
        let old = BatchHeader::read(&source).unwrap();
        assert_eq!((new.base_timestamp, new.max_timestamp), (old.base_timestamp, old.max_timestamp));
        assert_eq!((new.record_count, new.last_offset_delta, new.length), (3, 2, old.length));
        assert_eq!(new.crc, crc(&whole[CHECKED_FROM..]));
    }

    #[test]
    fn what_cannot_be_copied_so_is_told() {
        let refused = |batch: &Bytes| stamp(batch, 0, GUARD).unwrap_err();
        let good = kept(0, 2, 1, b"rr");
        assert_eq!(refused(&good.slice(..60)), StampError::NotOneBatch { found: 60 });
        assert_eq!(refused(&good.slice(..good.len() - 1)), StampError::NotOneBatch { found: good.len() - 1 });
        let two = Bytes::from([&good[..], &good[..]].concat());
        assert_eq!(refused(&two), StampError::NotOneBatch { found: two.len() });
        let mut old = good.to_vec();
        old[16] = 1;
        assert_eq!(refused(&Bytes::from(old)), StampError::OldFormat { magic: 1 });
        assert_eq!(refused(&kept(0x20, 1, 0, b"")), StampError::Control);
        assert_eq!(refused(&kept(0, 0, 1, b"")), StampError::Empty);
        assert_eq!(refused(&kept(0, 2, 4, b"")), StampError::Gaps { count: 2, range: 5 });
        assert_eq!(refused(&kept(0, 2, -1, b"")), StampError::Gaps { count: 2, range: 0 });
        assert_eq!(refused(&kept(LOG_APPEND_TIME, 2, 1, b"rr")), StampError::LogAppendTime);
    }

    proptest! {
        #[test]
        fn any_bit_that_is_wrong_is_noticed(
            records in proptest::collection::vec(any::<u8>(), 1..200), place in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let good = kept(0, 1, 0, &records);
            let mut bent = good.to_vec();
            let place = CHECKED_FROM + place.index(bent.len() - CHECKED_FROM);
            bent[place] ^= 1_u8 << bit;
            prop_assert_eq!(
                stamp(&Bytes::from(bent), 0, GUARD).unwrap_err(),
                StampError::Damaged { base_offset: 100 }
            );
            prop_assert!(stamp(&good, 0, GUARD).is_ok());
        }
    }
}
