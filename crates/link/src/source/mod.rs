//! What a source answers to a Fetch, as pieces that cover its offsets without a hole.
//!
//! A mirror appends something for every offset. So it has to know of each one whether there is a record that readers of the
//! source see, and to find that out as a stock consumer does that reads what is committed (KIP-98):
//!
//! 1. the answer is cut into batches, or entries of formats before v2, by their lengths alone; one that is not whole at the end
//!    is left for the next Fetch;
//! 2. batches of transactions that were aborted, marks of transactions and batches that compaction has emptied are passed over;
//! 3. a batch that can be copied stays the same slice; any other is written anew ([`rewrite`](mod@crate::rewrite)), in runs;
//! 4. what is then between two pieces of data is a gap: somebody has to fill it.
//!
//! Checksums: a batch that stays as it is is **not** checked here, since `tidegate_wire::stamp` does so in the pass that gives
//! it its new one. Everything else is: a bit that is wrong must not turn records into a gap. Where a batch begins, and the offset
//! of an old entry, no checksum covers; but they have to rise.
//!
//! [`same()`] looks the other way: whether a batch that lies in the mirror is what the source has at these offsets.
//!
//! ```
//! use tidegate_link::rewrite::Limits;
//! use tidegate_link::source::{Answer, Piece, pieces};
//! use tidegate_wire::Bytes;
//!
//! # fn main() -> Result<(), tidegate_link::source::SourceError> {
//! // Asked for what is from offset 5 on, the source sent a message of format 1 at offset 7.
//! let message = b"\0\0\0\0\0\0\0\x07\0\0\0\x17\x09\xb6\x6c\xaa\x01\0\0\0\0\0\0\0\x03\xe8\xff\xff\xff\xff\0\0\0\x01v";
//! let answer = Answer { records: Bytes::from_static(message), aborted: Vec::new() };
//! let pieces = pieces(answer, 5, &Limits::default())?;
//! assert_eq!(pieces.pieces[0], Piece::Gap(5..7));
//! assert_eq!((pieces.pieces[1].offsets(), pieces.next), (7..8, 8));
//! # Ok(())
//! # }
//! ```

use bytes::Bytes;

use crate::rewrite::Limits;

mod aborted;
mod control;
mod cut;
mod error;
mod piece;
mod reading;
mod same;

pub use aborted::Aborted;
pub use control::ControlError;
pub use error::SourceError;
pub use piece::{Data, Piece, Pieces};
pub use same::{SameError, Verdict, same};

use cut::{Cutter, Next};
use reading::Reading;

/// What a Fetch answer holds of one partition, asked as a consumer (replica -1) that reads what is committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Batches one after the other. The first may begin before the offset that was asked for, the last may be cut off.
    pub records: Bytes,
    /// The transactions that the answer names, in any order.
    pub aborted: Vec<Aborted>,
}

/// The pieces of an answer to a Fetch at the offset `from`.
///
/// They end with the last whole batch, or before it: once what was written anew is more than [`Limits::written`], the rest is
/// left for another Fetch. So an answer takes its own memory and at most twice that limit.
///
/// # Errors
/// [`SourceError`]; there are no pieces then, not even of the batches before the one that is wrong.
pub fn pieces(answer: Answer, from: i64, limits: &Limits) -> Result<Pieces, SourceError> {
    let mut cutter = Cutter::new(answer.records);
    let mut reading = Reading::new(answer.aborted, from, limits);
    while !reading.is_full() {
        match cutter.next()? {
            Next::Batch(header, batch) => reading.batch(&header, batch)?,
            Next::Entry(offset, entry) => reading.entry(offset, &entry)?,
            Next::CutOff { wants } => return Ok(reading.finish(Some(wants))),
            Next::End => break,
        }
    }
    Ok(reading.finish(None))
}
