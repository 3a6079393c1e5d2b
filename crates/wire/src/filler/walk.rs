//! Hiding every filler of a Fetch answer's records.

use bytes::{Bytes, BytesMut};

use super::{hide, recognise};
use crate::batch::LENGTH_OVERHEAD;

/// Where the length of a batch stands, in every format.
const LENGTH: usize = 8;

/// Records in which fillers are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// What to send, in this order: slices of what came, and what stands for fillers.
    pub pieces: Vec<Bytes>,
    /// The bytes of all pieces. Mostly far less than came; but the smallest filler grows by ten bytes.
    pub length: usize,
}

/// Hides the fillers in what a Fetch answer holds of one partition; `None` when there are none, and it can go on as it is.
///
/// Batches are told apart by their lengths alone. One that is cut off at the end, and bytes that are no batch, go on as they are.
#[must_use]
pub fn hide_all(records: &Bytes, registered: &impl Fn(i64) -> bool) -> Option<Hidden> {
    let mut pieces = Pieces::default();
    let (mut at, mut kept_from) = (0, 0);
    while let Some(batch) = first(records.get(at..).unwrap_or_default()) {
        let end = at + batch.len();
        if let Some((header, _)) = recognise(batch, registered) {
            pieces.keep(records, kept_from, at);
            pieces.made.extend_from_slice(&hide(&header));
            kept_from = end;
        }
        at = end;
    }
    if pieces.made.is_empty() && pieces.done.is_empty() {
        return None;
    }
    pieces.keep(records, kept_from, records.len());
    Some(pieces.finish())
}

/// The first batch, when it is there whole.
fn first(records: &[u8]) -> Option<&[u8]> {
    let length = records.get(LENGTH..)?.first_chunk()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    records.get(..length.checked_add(LENGTH_OVERHEAD)?)
}

#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    /// What stands for fillers that lie one behind the other.
    made: BytesMut,
}

impl Pieces {
    /// What came goes on, if there is any between two fillers.
    fn keep(&mut self, records: &Bytes, from: usize, to: usize) {
        if from < to {
            self.flush();
            self.done.push(records.slice(from..to));
        }
    }

    fn flush(&mut self) {
        if !self.made.is_empty() {
            self.done.push(self.made.split().freeze());
        }
    }

    fn finish(mut self) -> Hidden {
        self.flush();
        Hidden { length: self.done.iter().map(Bytes::len).sum(), pieces: self.done }
    }
}
