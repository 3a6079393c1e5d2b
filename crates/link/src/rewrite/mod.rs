//! Batches that cannot be copied as they are, written anew: the one place where record batches are decompressed.
//!
//! A stock broker takes nothing but whole batches of format 2 whose records lie one behind the other, and shows the time that
//! is inside a record. Three kinds of batches of a source are not so ([`rewrite()`]):
//!
//! * **Gaps of compaction.** A batch keeps its range when records are removed from it, so there are fewer of them than offsets.
//!   It is split into runs without gaps; whoever asks fills what is between them.
//! * **LogAppendTime.** All records of the batch have its greatest time, those inside are the producers'. Without the bit, which
//!   brokers take from nobody, the times inside would show: so they become those that show now.
//! * **Formats before v2**, which brokers of any version up to 4.x send as they lie on the disk (KIP-724), and 4.x ones no
//!   longer take ([`old`]).
//!
//! A fourth kind it would take, and is something else there: records that are the same bytes as a filler ([`told_otherwise`]).
//!
//! What is written anew is the frame of a record: its length, and its distance in offset and time from the first one of the
//! run. Key, value and headers are not even parsed. The codec stays the same, its level is the default one, so **a run may be
//! larger than the batch that it comes from**: where the producer packed harder, and because what many records have in common is
//! found anew in each run. A topic of the mirror needs a `max.message.bytes` with some room.
//!
//! The result depends on the bytes alone, but not across builds: another version of a compressor may pack in another way.
//! Brokers do not compare content, only offsets and sequences, and those do not depend on it.
//!
//! ```
//! use tidegate_link::rewrite::{Limits, rewrite};
//! use tidegate_wire::Bytes;
//!
//! # fn main() -> Result<(), tidegate_link::rewrite::RewriteError> {
//! // A message of format 1 as Kafka 0.10 kept it: offset 7, no key, the value "v".
//! let message = b"\0\0\0\0\0\0\0\x07\0\0\0\x17\x09\xb6\x6c\xaa\x01\0\0\0\0\0\0\0\x03\xe8\xff\xff\xff\xff\0\0\0\x01v";
//! let runs = rewrite(&Bytes::from_static(message), 0, &Limits::default())?;
//! assert_eq!((runs[0].base_offset, runs[0].count, runs[0].batch[16]), (7, 1, 2));
//! # Ok(())
//! # }
//! ```

use bytes::Bytes;

mod codec;
mod error;
pub mod old;
mod runs;
mod v2;
mod varint;

pub use error::{Malformed, RewriteError};
pub(crate) use runs::Shown;
pub(crate) use v2::{Opened, open};

/// Records at offsets one behind the other, as a batch of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The offset of the first record at the source.
    pub base_offset: i64,
    /// A whole batch of format 2 without gaps, producer, transaction or LogAppendTime: `tidegate_wire::stamp` takes it.
    pub batch: Bytes,
    /// How many records it has: it stands for as many offsets.
    pub count: i32,
}

/// How much of a batch is taken into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of records when they are decompressed.
    pub decompressed: usize,
    /// Most bytes of all runs of it, with their headers.
    pub written: usize,
}

/// 64 times what a broker takes as a batch by default (`max.message.bytes`, 1 MiB, counted as compressed). Records like JSON pack
/// to a tenth, and producers fill their batches up to the compressed size; what packs to less than a 64th is zeros or hostile, and
/// an operator who has such a topic can raise it.
const DECOMPRESSED: usize = 64 << 20;

/// Twice that. A run by itself has a header and a frame of the codec, so where every other one of many small records is gone, the
/// runs are larger than the records were, a dozen times at worst; a batch of common size comes nowhere near.
const WRITTEN: usize = 2 * DECOMPRESSED;

impl Default for Limits {
    fn default() -> Self {
        Self { decompressed: DECOMPRESSED, written: WRITTEN }
    }
}

/// Writes the records of a batch at the offset `since` and behind it anew, in runs without gaps: same offsets, keys, values and
/// headers, and the times that readers of the source see.
///
/// A batch goes to the mirror as a whole, but the mirror may begin inside of it: where it resumes, or where the source begins
/// since somebody deleted what was before. What lies before `since` is checked like the rest, and left out.
///
/// It takes any batch of format 2, also one with nothing to change, which becomes one run. A control batch and one that
/// compaction has emptied have no records, and so no runs. Of the old formats it takes a set of one or more entries, see [`old`].
///
/// Peak memory is what is decompressed, one run of it, and the result. [`Limits`] bounds the first and the last, and so the second:
/// records that have nothing but a time can double when it is told from another base, others hardly grow.
///
/// # Errors
/// [`RewriteError`]; but for the limits, the same bytes will never be good.
pub fn rewrite(batch: &Bytes, since: i64, limits: &Limits) -> Result<Vec<Run>, RewriteError> {
    // Length and magic byte lie where they are in all formats.
    match batch.get(MAGIC_AT).map(|magic| magic.cast_signed()) {
        Some(0 | 1) => old::runs(batch, since, limits),
        Some(2) => v2::runs(batch, since, limits),
        Some(magic) => Err(RewriteError::Format { base_offset: base_offset(batch), magic }),
        None => Err(RewriteError::NotOneBatch { base_offset: base_offset(batch), found: batch.len() }),
    }
}

/// Writes a batch of format 2 without gaps anew in other bytes, for one that means something else as it is. Its records are shown the
/// same: their times are told from a base a millisecond earlier.
///
/// # Errors
/// [`RewriteError`].
pub fn told_otherwise(batch: &Bytes, limits: &Limits) -> Result<Bytes, RewriteError> {
    let runs = v2::told_otherwise(batch, limits)?;
    let not_one = || RewriteError::NotOneBatch { base_offset: base_offset(batch), found: batch.len() };
    runs.into_iter().next().map(|run| run.batch).ok_or_else(not_one)
}

/// What the first eight bytes say, for words about a batch that cannot be read.
fn base_offset(batch: &[u8]) -> i64 {
    batch.first_chunk().map_or(-1, |bytes| i64::from_be_bytes(*bytes))
}

const MAGIC_AT: usize = 16;
