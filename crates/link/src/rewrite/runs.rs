//! Records one after the other become batches without gaps.

use bytes::{BufMut, Bytes};
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use tidegate_wire::crc::crc;
use twox_hash::XxHash3_128;

use super::codec::{Codec, Packer};
use super::{Malformed, RewriteError, Run, varint};

/// A record as readers of the source see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<'a> {
    pub(crate) offset: i64,
    /// Milliseconds since 1970, or -1.
    pub(super) timestamp: i64,
    /// Without a meaning as yet, and so kept.
    pub(super) attributes: i8,
    pub(super) body: Body<'a>,
}

impl Shown<'_> {
    /// Of all but its offset: records that readers are shown as the same have the same, and others, but for one in 2^64, have not.
    pub(crate) fn digest(&self) -> u128 {
        let body = match self.body {
            Body::Kept(rest) => XxHash3_128::oneshot(rest),
            old @ Body::Old { .. } => {
                let mut rest = Vec::new();
                old.put(&mut rest);
                XxHash3_128::oneshot(&rest)
            }
        };
        let mut all = Vec::with_capacity(size_of::<u128>() + size_of::<i64>() + 1);
        all.put_u128(body);
        all.put_i64(self.timestamp);
        all.put_i8(self.attributes);
        XxHash3_128::oneshot(&all)
    }
}

/// Key, value and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    /// As format 2 has them: copied, never looked into.
    Kept(&'a [u8]),
    /// As the formats before it have them, where a record has no headers.
    Old { key: Option<&'a [u8]>, value: Option<&'a [u8]> },
}

/// What was made of the records so far.
#[derive(Debug)]
pub(super) struct Runs {
    /// The first offset that is wanted.
    since: i64,
    /// By how many milliseconds the base of times is before the first record's.
    earlier: i64,
    /// The offset of the last record that came, wanted or not.
    last: Option<i64>,
    /// Most bytes of runs, and how many are left of them.
    limit: usize,
    left: usize,
    open: Option<Open>,
    /// The records of the open run; the buffer serves all runs.
    plain: Vec<u8>,
    packer: Packer,
    done: Vec<Run>,
}

/// A run that may go on.
#[derive(Debug)]
struct Open {
    codec: Codec,
    base_offset: i64,
    base_timestamp: i64,
    max_timestamp: i64,
    last_offset: i64,
    count: i32,
}

impl Runs {
    /// Runs of the records at `since` and behind it, of so many bytes at most.
    pub(super) fn within(since: i64, limit: usize) -> Self {
        let (plain, packer, done) = Default::default();
        Self { since, earlier: 0, last: None, limit, left: limit, open: None, plain, packer, done }
    }

    /// The times of its records are told from another base than usual, so that none of it is the same bytes.
    pub(super) fn told_otherwise(self) -> Self {
        Self { earlier: 1, ..self }
    }

    /// Takes the next record: it goes on with the run, or begins one if there is a gap or if it was packed in another way.
    /// One before those that are wanted is left out.
    ///
    /// `place` is the offset of the batch that it is in, for words about it.
    pub(super) fn push(&mut self, place: i64, codec: Codec, record: &Shown<'_>) -> Result<(), RewriteError> {
        let Shown { offset, timestamp, .. } = *record;
        if let Some(previous) = self.last.replace(offset).filter(|previous| offset <= *previous) {
            return Err(Malformed::Order { previous, offset }.at(place));
        }
        if offset < self.since {
            return Ok(());
        }
        if !self.open.as_ref().is_some_and(|open| open.goes_on(codec, offset)) {
            self.close()?;
        }
        let base_timestamp = timestamp.wrapping_sub(self.earlier);
        let open = self.open.get_or_insert_with(|| Open::begin(codec, offset, timestamp, base_timestamp));
        write(&mut self.plain, record, timestamp.wrapping_sub(open.base_timestamp), open.count);
        open.last_offset = offset;
        open.max_timestamp = open.max_timestamp.max(timestamp);
        open.count = open.count.saturating_add(1);
        Ok(())
    }

    /// Ends the last run.
    pub(super) fn finish(mut self) -> Result<Vec<Run>, RewriteError> {
        self.close()?;
        Ok(self.done)
    }

    fn close(&mut self) -> Result<(), RewriteError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let (base_offset, codec) = (open.base_offset, open.codec);
        let packed = self.packer.pack(codec, &self.plain).map_err(|source| RewriteError::NotCompressed {
            base_offset,
            codec: codec.number(),
            source,
        })?;
        let run = Run { base_offset, batch: open.batch(packed)?, count: open.count };
        let too_much = RewriteError::TooMuchWritten { base_offset, limit: self.limit };
        self.left = self.left.checked_sub(run.batch.len() + size_of::<Run>()).ok_or(too_much)?;
        self.done.push(run);
        self.plain.clear();
        Ok(())
    }
}

impl Open {
    fn begin(codec: Codec, offset: i64, timestamp: i64, base_timestamp: i64) -> Self {
        Self {
            codec,
            base_offset: offset,
            base_timestamp,
            max_timestamp: timestamp,
            last_offset: offset,
            count: 0,
        }
    }

    fn goes_on(&self, codec: Codec, offset: i64) -> bool {
        self.codec == codec && self.last_offset.checked_add(1) == Some(offset) && self.count < i32::MAX
    }

    fn batch(&self, packed: &[u8]) -> Result<Bytes, RewriteError> {
        let whole = HEADER_LENGTH + packed.len();
        let too_large = RewriteError::TooLarge { base_offset: self.base_offset, limit: MOST_OF_BATCH };
        let length = i32::try_from(whole - LENGTH_OVERHEAD).map_err(|_| too_large)?;
        let header = BatchHeader {
            base_offset: self.base_offset,
            length,
            leader_epoch: -1,
            magic: MAGIC,
            crc: 0,
            attributes: self.codec.number().into(),
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: self.count,
        };
        let mut batch = Vec::with_capacity(whole);
        batch.extend_from_slice(&header.sealed(crc(packed), packed.len()));
        batch.extend_from_slice(packed);
        Ok(batch.into())
    }
}

/// One record as format 2 has it.
fn write(out: &mut Vec<u8>, record: &Shown<'_>, timestamp_delta: i64, offset_delta: i32) {
    let offset_delta = i64::from(offset_delta);
    let length = 1 + varint::length(timestamp_delta) + varint::length(offset_delta) + record.body.length();
    varint::put(out, signed(length));
    out.put_i8(record.attributes);
    varint::put(out, timestamp_delta);
    varint::put(out, offset_delta);
    record.body.put(out);
}

impl Body<'_> {
    fn length(&self) -> usize {
        match *self {
            Self::Kept(rest) => rest.len(),
            Self::Old { key, value } => nullable_length(key) + nullable_length(value) + varint::length(0),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Kept(rest) => out.extend_from_slice(rest),
            Self::Old { key, value } => {
                put_nullable(out, key);
                put_nullable(out, value);
                varint::put(out, 0);
            }
        }
    }
}

fn nullable_length(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(varint::length(-1), |bytes| varint::length(signed(bytes.len())) + bytes.len())
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    varint::put(out, bytes.map_or(-1, |bytes| signed(bytes.len())));
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// Nothing in memory is longer than that.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The length of a batch is a number of 32 bits.
const MOST_OF_BATCH: usize = 0x7fff_ffff;
