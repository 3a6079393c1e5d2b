//! Batches of format 2 (KIP-98): their records, but for what is in them.

use std::borrow::Cow;

use bytes::Bytes;
use tidegate_wire::batch::{self, BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, LOG_APPEND_TIME};
use tidegate_wire::crc::crc;
use tidegate_wire::reader::{ReadError, Reader};

use super::codec::{Codec, unpack};
use super::runs::{Body, Runs, Shown};
use super::{Limits, Malformed, RewriteError, Run, base_offset};

pub(super) fn runs(batch: &Bytes, since: i64, limits: &Limits) -> Result<Vec<Run>, RewriteError> {
    fill(Runs::within(since, limits.written), batch, limits)
}

/// As [`runs`], all of it, and in other bytes.
pub(super) fn told_otherwise(batch: &Bytes, limits: &Limits) -> Result<Vec<Run>, RewriteError> {
    fill(Runs::within(0, limits.written).told_otherwise(), batch, limits)
}

fn fill(mut runs: Runs, batch: &Bytes, limits: &Limits) -> Result<Vec<Run>, RewriteError> {
    if let Some(opened) = open(batch, limits)? {
        for record in opened.records() {
            runs.push(opened.header.base_offset, opened.codec, &record?)?;
        }
    }
    runs.finish()
}

/// A batch whose records can be walked.
pub(crate) struct Opened<'a> {
    header: BatchHeader,
    codec: Codec,
    plain: Cow<'a, [u8]>,
}

/// Checks what is one batch and whole, and decompresses it; `None` if it has no records for readers.
pub(crate) fn open<'a>(batch: &'a [u8], limits: &Limits) -> Result<Option<Opened<'a>>, RewriteError> {
    let header = checked(batch)?;
    let base_offset = header.base_offset;
    let number = header.codec();
    let codec = Codec::of(number).ok_or(RewriteError::Codec { base_offset, codec: number })?;
    if header.record_count < 0 {
        return Err(Malformed::Count(header.record_count).at(base_offset));
    }
    if header.is_control() {
        return Ok(None);
    }
    let packed = batch.get(HEADER_LENGTH..).unwrap_or_default();
    if header.record_count == 0 {
        // Compaction leaves the bare header. Anything behind it would be records that no reader shows.
        return if packed.is_empty() {
            Ok(None)
        } else {
            Err(Malformed::Leftover(packed.len()).at(base_offset))
        };
    }
    let plain = unpack(codec, packed, limits.decompressed)
        .map_err(|error| error.at(base_offset, codec, limits.decompressed))?;
    Ok(Some(Opened { header, codec, plain }))
}

/// The header of what is one batch and whole.
fn checked(batch: &[u8]) -> Result<BatchHeader, RewriteError> {
    let not_one = || RewriteError::NotOneBatch { base_offset: base_offset(batch), found: batch.len() };
    let header = BatchHeader::read(batch).ok_or_else(not_one)?;
    let length = usize::try_from(header.length).ok().and_then(|length| length.checked_add(LENGTH_OVERHEAD));
    if length != Some(batch.len()) {
        return Err(not_one());
    }
    if crc(batch::checked(batch)) != header.crc {
        return Err(RewriteError::Damaged { base_offset: header.base_offset });
    }
    Ok(header)
}

impl Opened<'_> {
    /// Its records, up to the first that is none.
    pub(crate) fn records(&self) -> impl Iterator<Item = Result<Shown<'_>, RewriteError>> {
        let mut reader = Reader::new(&self.plain);
        let mut left = Some(self.header.record_count);
        // Each turn takes bytes or is the last one, whatever the count says.
        std::iter::from_fn(move || {
            let record = match (left?, reader.remaining()) {
                (0, 0) => return None,
                (0, leftover) => Err(Malformed::Leftover(leftover)),
                _ => record(&self.header, &mut reader),
            };
            left = left.filter(|_| record.is_ok()).map(|left| left - 1);
            Some(record.map_err(|malformed| malformed.at(self.header.base_offset)))
        })
    }
}

fn record<'a>(header: &BatchHeader, reader: &mut Reader<'a>) -> Result<Shown<'a>, Malformed> {
    let at = reader.position();
    let length = reader.varint()?;
    let length =
        usize::try_from(length).map_err(|_| ReadError::IllegalLength { at, length: i64::from(length) })?;
    let whole = reader.bytes(length)?;
    let mut fields = Reader::new(whole);
    let attributes = fields.int8()?;
    let timestamp_delta = fields.varlong()?;
    let delta = fields.varint()?;
    if !(0..=header.last_offset_delta).contains(&delta) {
        return Err(Malformed::Delta { delta, last: header.last_offset_delta });
    }
    let (base, relative) = (header.base_offset, i64::from(delta));
    Ok(Shown {
        offset: base.checked_add(relative).ok_or(Malformed::Offset { base, relative })?,
        timestamp: timestamp(header, timestamp_delta),
        attributes,
        body: Body::Kept(fields.slice(fields.position()..whole.len())),
    })
}

/// The time that readers show.
///
/// The base is the time of the first record, or with the bit of KIP-534 the time until which tombstones are kept; records count
/// from it either way, and the bit does not go with them into a run that has a base of its own. Sums wrap, as they do in Java.
fn timestamp(header: &BatchHeader, delta: i64) -> i64 {
    if header.attributes & LOG_APPEND_TIME != 0 {
        header.max_timestamp
    } else {
        header.base_timestamp.wrapping_add(delta)
    }
}
