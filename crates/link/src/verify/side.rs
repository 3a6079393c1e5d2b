//! One of two logs that are compared.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::BufMut;
use twox_hash::XxHash3_128;

use crate::rewrite::{Limits, RewriteError, open};

/// A record, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: i64,
    /// A digest of its time, key, value and headers.
    pub(super) content: u128,
}

impl Record {
    /// A digest of this record and of all before it.
    fn after(&self, before: u128) -> u128 {
        let mut all = [0; 2 * size_of::<u128>() + size_of::<i64>()];
        let mut rest = all.as_mut_slice();
        rest.put_u128(before);
        rest.put_i64(self.offset);
        rest.put_u128(self.content);
        XxHash3_128::oneshot(&all)
    }
}

#[derive(Debug)]
pub(super) struct Side {
    offsets: Range<i64>,
    known_to: i64,
    records: VecDeque<Record>,
    /// Of all records so far: each is digested together with those before it.
    digest: u128,
}

impl Side {
    pub(super) fn new(offsets: Range<i64>) -> Self {
        let known_to = offsets.start;
        Self { offsets, known_to, records: VecDeque::new(), digest: 0 }
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
                let record = Record { offset: record.offset, content };
                self.digest = record.after(self.digest);
                self.records.push_back(record);
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
        self.digest
    }
}
