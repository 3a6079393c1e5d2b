//! Why a batch cannot be written anew.

use std::io;

use thiserror::Error;
use tidegate_wire::reader::ReadError;

/// What is wrong with a batch, and where it lies. `base_offset` is what it says of itself, or -1 if it is too short for that;
/// entries of old formats say the offset of their last record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// It is not whole, or there is more than one: whoever cut the answer is at fault.
    #[error("the {found} bytes at offset {base_offset} are not one whole batch")]
    NotOneBatch {
        /// Where it begins.
        base_offset: i64,
        /// The bytes.
        found: usize,
    },
    /// A format after v2: this mirror is too old for the source.
    #[error("record format {magic} of the batch at offset {base_offset} is not known")]
    Format {
        /// Where it begins.
        base_offset: i64,
        /// The magic byte.
        magic: i8,
    },
    /// Its checksum is wrong: the source's disk or the way from there is broken; another fetch may help.
    #[error(
        "the checksum of the batch at offset {base_offset} is wrong: it was damaged at the source or on the way"
    )]
    Damaged {
        /// Where it begins.
        base_offset: i64,
    },
    /// A codec that does not exist in its format: this mirror is too old for the source, or the producer is at fault.
    #[error("compression codec {codec} of the batch at offset {base_offset} is not known in its format")]
    Codec {
        /// Where it begins.
        base_offset: i64,
        /// The codec number.
        codec: u8,
    },
    /// Its bytes are whole and are not what its codec makes: the producer is at fault, and no reader can read it.
    #[error("the batch at offset {base_offset} cannot be decompressed with codec {codec}")]
    Undecodable {
        /// Where it begins.
        base_offset: i64,
        /// The codec number.
        codec: u8,
        /// What the codec says.
        source: io::Error,
    },
    /// More than may be taken into memory: a producer packs too well, or the limit is too low for the topic.
    #[error(
        "the batch at offset {base_offset} has more than {limit} bytes of records, raise the limit if they are meant"
    )]
    TooLarge {
        /// Where it begins.
        base_offset: i64,
        /// The limit in bytes.
        limit: usize,
    },
    /// It falls into so many runs that they take more than may be taken: the limit is too low for what compaction left.
    #[error(
        "the runs of the batch at offset {base_offset} take more than {limit} bytes, raise the limit for them"
    )]
    TooMuchWritten {
        /// Where it begins.
        base_offset: i64,
        /// The limit in bytes.
        limit: usize,
    },
    /// Its bytes are whole and are no records: the producer is at fault.
    #[error("the records of the batch at offset {base_offset} are malformed")]
    Malformed {
        /// Where it begins.
        base_offset: i64,
        /// What is wrong with them.
        source: Malformed,
    },
    /// A run could not be compressed: this process is at fault, most likely for want of memory.
    #[error("the run at offset {base_offset} could not be compressed with codec {codec}")]
    NotCompressed {
        /// Where the run begins.
        base_offset: i64,
        /// The codec number.
        codec: u8,
        /// What the codec says.
        source: io::Error,
    },
}

/// What is wrong with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A field that is not whole, or is none.
    #[error("malformed record: {0}")]
    Read(#[from] ReadError),
    /// A count below zero.
    #[error("record count {0} is negative")]
    Count(i32),
    /// Bytes after the last field of a message, or after the last record that the header counts.
    #[error("{0} bytes are left over")]
    Leftover(usize),
    /// A record outside the range that the header gives.
    #[error("offset delta {delta} is not within 0 and {last}")]
    Delta {
        /// The delta of the record.
        delta: i32,
        /// The last one of the batch.
        last: i32,
    },
    /// A record that does not come after the one before it.
    #[error("offset {offset} comes after {previous}")]
    Order {
        /// The offset of the record before it.
        previous: i64,
        /// The record's own.
        offset: i64,
    },
    /// An offset that no log has.
    #[error("offset {base} + {relative} does not exist")]
    Offset {
        /// What it is relative to.
        base: i64,
        /// The rest of it.
        relative: i64,
    },
    /// A compressed message of an old format without a set of messages in it.
    #[error("a compressed message holds no messages")]
    NoSet,
    /// A message set inside a message set that is in a message already.
    #[error("a compressed message lies in a compressed message")]
    Nested,
}

impl Malformed {
    /// Says where.
    pub(crate) fn at(self, base_offset: i64) -> RewriteError {
        RewriteError::Malformed { base_offset, source: self }
    }
}
