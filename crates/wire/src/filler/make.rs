//! A filler, ready to be appended.

use bytes::Bytes;

use super::Entry;
use crate::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use crate::stamp::{Guard, Stamped};

/// A batch with the records of `entry` and `base_offset` in its header, which is 0 in a Produce request. Nothing is copied, and its checksum costs as little
/// for many records as for one.
///
/// `timestamp` is that of all its records and should be the present time: a broker forgets a producer id, and with it what
/// guards the append, by the greatest timestamp of its last batch. In the format that is milliseconds since 1970.
#[must_use]
pub fn make(entry: &Entry, base_offset: i64, timestamp: i64, guard: Guard) -> Stamped {
    let records = entry.records();
    let count = entry.count().cast_signed();
    let header = guard.header(BatchHeader {
        base_offset,
        length: i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap_or(i32::MAX),
        leader_epoch: -1,
        magic: MAGIC,
        crc: 0,
        attributes: entry.codec().into(),
        last_offset_delta: count - 1,
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: count,
    });
    Stamped { header: header.sealed(entry.checksum(), records.len()), records: Bytes::from_static(records) }
}
