//! The batches of an answer, one after the other, become pieces.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, checked};
use tidegate_wire::crc::crc;
use tidegate_wire::stamp;

use super::aborted::Aborting;
use super::piece::range;
use super::{Aborted, Data, Pieces, SourceError};
use crate::rewrite::{Limits, Run, rewrite};

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    limits: &'a Limits,
    /// The offset that was asked for.
    from: i64,
    /// Where the last batch ended, be it before that offset.
    end: i64,
    aborting: Aborting,
    /// Bytes of runs so far.
    written: usize,
    pieces: Pieces,
}

impl<'a> Reading<'a> {
    pub(super) fn new(aborted: Vec<Aborted>, from: i64, limits: &'a Limits) -> Self {
        let (aborting, pieces) = (Aborting::new(aborted), Pieces::from(from));
        Self { limits, from, end: 0, aborting, written: 0, pieces }
    }

    /// Whether more would take too much memory.
    pub(super) fn is_full(&self) -> bool {
        self.written > self.limits.written
    }

    /// Reads a batch of format 2.
    pub(super) fn batch(&mut self, header: &BatchHeader, batch: Bytes) -> Result<(), SourceError> {
        let BatchHeader { base_offset, last_offset_delta, leader_epoch, record_count, .. } = *header;
        let end = end_of(base_offset, last_offset_delta)?;
        self.go_on(base_offset, end)?;
        let is_aborted = self.aborting.covers(header, end - 1);
        if header.is_control() {
            sound(header, &batch)?;
            self.aborting
                .mark(header, &batch)
                .map_err(|source| SourceError::Control { base_offset, source })?;
        } else if is_aborted || end <= self.from {
            sound(header, &batch)?;
        } else if base_offset >= self.from && stamp::check(header).is_ok() {
            self.pieces.data(Data { run: Run { base_offset, batch, count: record_count }, leader_epoch });
        } else {
            self.rewrite(&batch, end, leader_epoch)?;
        }
        self.pieces.gap_to(end);
        self.pieces.last_epoch = (leader_epoch >= 0).then_some(leader_epoch);
        Ok(())
    }

    /// Reads an entry of an older format, whose last record has this offset. Where it begins shows only inside of it.
    pub(super) fn entry(&mut self, offset: i64, entry: &Bytes) -> Result<(), SourceError> {
        let end = end_of(offset, 0)?;
        self.go_on(offset, end)?;
        // One before that is not looked into: its checksum does not cover the offset, and there is nothing else to know of it.
        if end > self.from {
            self.rewrite(entry, end, NO_EPOCH)?;
            self.pieces.gap_to(end);
        }
        Ok(())
    }

    /// The pieces; `wants` is what a batch that was cut off needs.
    pub(super) fn finish(self, wants: Option<usize>) -> Pieces {
        let stands_still = self.pieces.next == self.from;
        Pieces { wants: wants.filter(|_| stands_still), ..self.pieces }
    }

    /// Offsets rise from batch to batch.
    fn go_on(&mut self, base_offset: i64, end: i64) -> Result<(), SourceError> {
        if base_offset < self.end {
            return Err(SourceError::Order { base_offset, end: self.end });
        }
        self.end = end;
        Ok(())
    }

    /// Takes what has to be written anew.
    fn rewrite(&mut self, batch: &Bytes, end: i64, leader_epoch: i32) -> Result<(), SourceError> {
        for run in rewrite(batch, self.from, self.limits)? {
            self.written = self.written.saturating_add(run.batch.len() + size_of::<Run>());
            let data = Data { run, leader_epoch };
            let offsets = data.offsets();
            // In a wrapper of an old format they may be anywhere.
            if offsets.start < self.pieces.next || offsets.end > end {
                return Err(SourceError::Outside { last_offset: end - 1, offsets });
            }
            self.pieces.data(data);
        }
        Ok(())
    }
}

fn end_of(base_offset: i64, delta: i32) -> Result<i64, SourceError> {
    range(base_offset, delta).map(|range| range.end).ok_or(SourceError::Offset { base_offset, delta })
}

/// Whether a batch is as it was written.
fn sound(header: &BatchHeader, batch: &[u8]) -> Result<(), SourceError> {
    if crc(checked(batch)) == header.crc {
        Ok(())
    } else {
        Err(SourceError::Damaged { base_offset: header.base_offset })
    }
}

/// Formats before v2 do not say which leader wrote a message.
const NO_EPOCH: i32 = -1;
