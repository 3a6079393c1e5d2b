//! An answer, cut into batches of format 2 and entries of the formats before it.
//!
//! All of them begin with an offset, the length of what follows, and four bytes before the one that tells the format.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use tidegate_wire::reader::{ReadError, Reader};

use super::SourceError;

/// What comes next in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// A batch of format 2.
    Batch(BatchHeader, Bytes),
    /// A message of format 0 or 1 or a compressed set of them, with the offset of the last one.
    Entry(i64, Bytes),
    /// One of them that is not whole.
    CutOff {
        /// How long the answer would have to be for that.
        wants: usize,
    },
    /// Nothing.
    End,
}

/// Cuts an answer.
#[derive(Debug)]
pub(super) struct Cutter {
    left: Bytes,
    taken: usize,
}

impl Cutter {
    pub(super) fn new(records: Bytes) -> Self {
        Self { left: records, taken: 0 }
    }

    /// Takes the next one; after an error and after one that is cut off there is none.
    pub(super) fn next(&mut self) -> Result<Next, SourceError> {
        if self.left.is_empty() {
            return Ok(Next::End);
        }
        let Ok(head) = Head::read(&self.left) else { return Ok(self.cut_off(HEADER_LENGTH)) };
        let size = head.size()?;
        if size > self.left.len() {
            return Ok(self.cut_off(size));
        }
        let bytes = self.left.split_to(size);
        self.taken += size;
        Ok(match BatchHeader::read(&bytes) {
            Some(header) if header.magic == MAGIC => Next::Batch(header, bytes),
            _ => Next::Entry(head.offset, bytes),
        })
    }

    fn cut_off(&self, size: usize) -> Next {
        Next::CutOff { wants: self.taken.saturating_add(size) }
    }
}

/// What is the same in all formats.
struct Head {
    offset: i64,
    length: i32,
    magic: i8,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(bytes);
        let (offset, length) = (reader.int64()?, reader.int32()?);
        reader.skip(size_of::<u32>())?;
        Ok(Self { offset, length, magic: reader.int8()? })
    }

    /// How many bytes it is when it is whole.
    fn size(&self) -> Result<usize, SourceError> {
        let Self { offset: base_offset, length, magic } = *self;
        let least = match magic {
            0 => LEAST_OF_FORMAT_0,
            1 => LEAST_OF_FORMAT_1,
            MAGIC => HEADER_LENGTH,
            _ => return Err(SourceError::Format { base_offset, magic }),
        };
        let size = usize::try_from(length).ok().and_then(|length| length.checked_add(LENGTH_OVERHEAD));
        size.filter(|size| *size >= least).ok_or(SourceError::Length { base_offset, length })
    }
}

/// Checksum, format, attributes, and the lengths of a key and a value.
const LEAST_OF_FORMAT_0: usize = LENGTH_OVERHEAD + 4 + 1 + 1 + 4 + 4;

/// The time too.
const LEAST_OF_FORMAT_1: usize = LEAST_OF_FORMAT_0 + 8;
