//! Whether a batch of the mirror is what the source has.
//!
//! Brokers compare nothing but sequences, so equal bounds do not prove equal records. And the bounds need not be equal: a mirror
//! that resumed cut a batch where it began, and the cleaner of either log may have been there since.

use std::iter::Peekable;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;
use tidegate_wire::batch::{BatchHeader, DELETE_HORIZON, HEADER_LENGTH, TRANSACTIONAL};

use super::Piece;
use super::piece::range;
use crate::rewrite::{Limits, Malformed, Opened, RewriteError, Shown, open};

/// How a batch of the mirror differs from the source: each is the first offset at which it does so, `None` if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Both have a record there, and not the same one: in time, attributes, key, value or headers.
    pub changed: Option<i64>,
    /// The mirror has a record and the source none, maybe since its cleaner was there.
    pub only_mirror: Option<i64>,
    /// The source has a record and the mirror none.
    pub only_source: Option<i64>,
    /// An offset of the batch's range that is in no piece, so that nothing is known of it.
    pub unknown: Option<i64>,
}

impl Verdict {
    /// Whether all of the batch is known to be what the source has.
    #[must_use]
    pub fn is_same(&self) -> bool {
        *self == Self::default()
    }
}

/// Why two batches cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SameError {
    /// The batch of the mirror cannot be read.
    #[error("the batch of the mirror cannot be compared")]
    Mirror(#[source] RewriteError),
    /// A batch of the source cannot be read.
    #[error("the batch of the source cannot be compared")]
    Source(#[source] RewriteError),
}

/// Compares one batch as it lies in the mirror's log with pieces of the source, which should cover its range.
///
/// It was copied or written anew: fillers have nothing to compare, and whoever asks has to know them. A batch that was copied
/// whole is found to be the same without being decompressed; else the records are compared one by one.
///
/// # Errors
/// [`SameError`].
pub fn same(mirror: &Bytes, source: &[Piece], limits: &Limits) -> Result<Verdict, SameError> {
    if source.iter().filter_map(Piece::data).any(|data| is_copy(mirror, &data.run.batch)) {
        return Ok(Verdict::default());
    }
    let opened = open(mirror, limits).map_err(SameError::Mirror)?;
    let range = range_of(mirror)?;
    let records = opened.iter().flat_map(Opened::records).peekable();
    let mut comparing = Comparing { records, known: range.start, verdict: Verdict::default() };
    for piece in source {
        let offsets = piece.offsets();
        let offsets = offsets.start.max(range.start)..offsets.end.min(range.end);
        if !offsets.is_empty() {
            comparing.piece(piece, &offsets, limits)?;
        }
    }
    if comparing.known < range.end {
        comparing.verdict.unknown.get_or_insert(comparing.known);
    }
    Ok(comparing.verdict)
}

/// Whether one batch has the records of the other by its bytes alone: what stamping changes may be different.
fn is_copy(mirror: &[u8], source: &[u8]) -> bool {
    let header = |batch| BatchHeader::read(batch).map(without_stamp);
    let Some(ours) = header(mirror) else { return false };
    header(source) == Some(ours) && mirror.get(HEADER_LENGTH..) == source.get(HEADER_LENGTH..)
}

fn without_stamp(header: BatchHeader) -> BatchHeader {
    BatchHeader {
        leader_epoch: -1,
        crc: 0,
        attributes: header.attributes & !(TRANSACTIONAL | DELETE_HORIZON),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        ..header
    }
}

fn range_of(batch: &[u8]) -> Result<Range<i64>, SameError> {
    let (base_offset, delta) =
        BatchHeader::read(batch).map_or((-1, -1), |header| (header.base_offset, header.last_offset_delta));
    let absent = Malformed::Offset { base: base_offset, relative: delta.into() };
    range(base_offset, delta).ok_or_else(|| SameError::Mirror(absent.at(base_offset)))
}

/// The mirror's batch, while it is compared.
struct Comparing<I: Iterator> {
    /// Its records that are not compared yet.
    records: Peekable<I>,
    /// Where the last piece ended.
    known: i64,
    verdict: Verdict,
}

impl<'a, I: Iterator<Item = Result<Shown<'a>, RewriteError>>> Comparing<I> {
    /// Compares what is at these offsets of a piece.
    fn piece(&mut self, piece: &Piece, offsets: &Range<i64>, limits: &Limits) -> Result<(), SameError> {
        if self.known < offsets.start {
            self.verdict.unknown.get_or_insert(self.known);
            while self.next_before(offsets.start)?.is_some() {}
        }
        if let Some(data) = piece.data()
            && let Some(opened) = open(&data.run.batch, limits).map_err(SameError::Source)?
        {
            for record in opened.records() {
                let record = record.map_err(SameError::Source)?;
                if offsets.contains(&record.offset) {
                    self.record(&record)?;
                }
            }
        }
        self.pass(offsets.end)?;
        self.known = offsets.end;
        Ok(())
    }

    /// Compares a record of the source.
    fn record(&mut self, source: &Shown<'_>) -> Result<(), SameError> {
        self.pass(source.offset)?;
        match self.next_before(source.offset.saturating_add(1))? {
            Some(mirror) if mirror == *source => {}
            Some(_) => {
                self.verdict.changed.get_or_insert(source.offset);
            }
            None => {
                self.verdict.only_source.get_or_insert(source.offset);
            }
        }
        Ok(())
    }

    /// Passes over records of the mirror before `end`, which the source has not.
    fn pass(&mut self, end: i64) -> Result<(), SameError> {
        while let Some(record) = self.next_before(end)? {
            self.verdict.only_mirror.get_or_insert(record.offset);
        }
        Ok(())
    }

    fn next_before(&mut self, end: i64) -> Result<Option<Shown<'a>>, SameError> {
        let is_before = |record: &I::Item| record.as_ref().map_or(true, |record| record.offset < end);
        self.records.next_if(is_before).transpose().map_err(SameError::Mirror)
    }
}
