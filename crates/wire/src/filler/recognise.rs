//! Whether a batch is a filler.

use super::{Entry, Kind};
use crate::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, LOG_APPEND_TIME, MAGIC};

/// Where the producer id stands.
const PRODUCER_ID: usize = 43;

/// Whether these bytes are exactly one batch, and that a filler; see [`recognise()`].
#[must_use]
pub fn is_filler(batch: &[u8], registered: &impl Fn(i64) -> bool) -> bool {
    recognise(batch, registered).is_some()
}

/// The header and the entry of a batch that is a filler: its producer id is `registered` for the link, and its records are
/// the entry's.
///
/// Brokers may have changed its offset, leader epoch and times. Of a batch of anybody else nothing is read but the producer id.
#[must_use]
pub fn recognise(batch: &[u8], registered: &impl Fn(i64) -> bool) -> Option<(BatchHeader, &'static Entry)> {
    let producer_id = batch.get(PRODUCER_ID..)?.first_chunk()?;
    if !registered(i64::from_be_bytes(*producer_id)) {
        return None;
    }
    let header = BatchHeader::read(batch)?;
    let records = batch.get(HEADER_LENGTH..)?;
    let whole = usize::try_from(header.length).ok()?.checked_add(LENGTH_OVERHEAD)?;
    if header.magic != MAGIC || whole != batch.len() {
        return None;
    }
    entry(&header, records).map(|entry| (header, entry))
}

/// Whether a batch with this header would be a filler if a link wrote it: records of a source may be the same bytes, and have to be
/// written in others.
#[must_use]
pub fn is_like_filler(header: &BatchHeader, records: &[u8]) -> bool {
    entry(header, records).is_some()
}

fn entry(header: &BatchHeader, records: &[u8]) -> Option<&'static Entry> {
    let mut entries = Kind::Plain.entries().iter().chain(Kind::Keyed.entries());
    entries.find(|entry| fits(entry, header) && entry.records() == records)
}

/// Whether the header is one that can stand before the entry: no bit beside the codec's but the one of append times.
fn fits(entry: &Entry, header: &BatchHeader) -> bool {
    let count = entry.count().cast_signed();
    header.record_count == count
        && header.last_offset_delta == count - 1
        && header.attributes & !LOG_APPEND_TIME == i16::from(entry.codec())
}
