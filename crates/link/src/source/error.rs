//! Why an answer cannot be read.

use std::ops::Range;

use thiserror::Error;

use super::ControlError;
use crate::rewrite::RewriteError;

/// What is wrong with an answer, and where. `base_offset` is what a batch says of itself; entries of old formats say the offset
/// of their last record.
///
/// Lengths, offsets and their order are the broker's: if they are wrong, the source is at fault or the way from there, and
/// another fetch may help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A length that no batch of its format has.
    #[error(
        "the batch at offset {base_offset} says that it has {length} bytes, which none of its format has"
    )]
    Length {
        /// Where it begins.
        base_offset: i64,
        /// The length, as read.
        length: i32,
    },
    /// A format after v2: this mirror is too old for the source. Or it is no batch.
    #[error("record format {magic} of the batch at offset {base_offset} is not known")]
    Format {
        /// Where it begins.
        base_offset: i64,
        /// The magic byte.
        magic: i8,
    },
    /// A range that is none, or that no log has.
    #[error("no batch begins at offset {base_offset} and ends {delta} behind it")]
    Offset {
        /// Where it begins.
        base_offset: i64,
        /// How far its last offset is from there.
        delta: i32,
    },
    /// A batch that begins before the end of the one before it.
    #[error("the batch at offset {base_offset} comes after one that ends at {end}")]
    Order {
        /// Where it begins.
        base_offset: i64,
        /// The end of the one before.
        end: i64,
    },
    /// A compressed set of an old format whose messages are not where it says, or where others are: whoever appended it is at fault.
    #[error(
        "the messages at offsets {} to {} are not in the range of their set, which ends with {last_offset}",
        .offsets.start, .offsets.end - 1
    )]
    Outside {
        /// The last offset of the set.
        last_offset: i64,
        /// Those of the messages.
        offsets: Range<i64>,
    },
    /// A checksum that is wrong: the source's disk or the way from there is broken; another fetch may help.
    #[error(
        "the checksum of the batch at offset {base_offset} is wrong: it was damaged at the source or on the way"
    )]
    Damaged {
        /// Where it begins.
        base_offset: i64,
    },
    /// A control batch that brokers do not write.
    #[error("the control batch at offset {base_offset} cannot be read")]
    Control {
        /// Where it begins.
        base_offset: i64,
        /// What is wrong with it.
        source: ControlError,
    },
    /// Records that have to be written anew and cannot.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}
