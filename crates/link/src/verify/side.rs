//! One of two logs that are compared.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::ops::Range;

use twox_hash::XxHash3_128;

use crate::rewrite::{Limits, RewriteError, open};

/// A record, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: i64,
    /// A digest of its time, key, value and headers.
    pub(super) content: u128,
}

pub(super) struct Side {
    offsets: Range<i64>,
    known_to: i64,
    records: VecDeque<Record>,
    digest: XxHash3_128,
}

impl Side {
    pub(super) fn new(offsets: Range<i64>) -> Self {
        let known_to = offsets.start;
        Self { offsets, known_to, records: VecDeque::new(), digest: XxHash3_128::new() }
    }

    /// Everything before is known.
    pub(super) fn known_to(&self) -> i64 {
        self.known_to
    }

    pub(super) fn know(&mut self, to: i64) {
        self.known_to = self.known_to.max(to);
    }

    /// Takes the records of a batch that are not known and count.
    pub(super) fn open(&mut self, batch: &[u8], limits: &Limits) -> Result<(), RewriteError> {
        let Some(opened) = open(batch, limits)? else { return Ok(()) };
        for record in opened.records() {
            let record = record?;
            if record.offset >= self.known_to && self.offsets.contains(&record.offset) {
                let content = record.digest();
                self.digest.write_i64(record.offset);
                self.digest.write_u128(content);
                self.records.push_back(Record { offset: record.offset, content });
            }
        }
        Ok(())
    }

    /// The first record that is not compared yet.
    pub(super) fn first(&self) -> Option<Record> {
        self.records.front().copied()
    }

    pub(super) fn pop(&mut self) {
        self.records.pop_front();
    }

    /// Of all records, with their offsets.
    pub(super) fn digest(&self) -> u128 {
        self.digest.finish_128()
    }
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side").field("known_to", &self.known_to).finish_non_exhaustive()
    }
}
