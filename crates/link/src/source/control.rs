//! Control batches (KIP-98): what they say about a transaction.

use thiserror::Error;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH};
use tidegate_wire::reader::{ReadError, Reader};

/// What is wrong with a control batch. Brokers write them, so the source is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It is compressed, which brokers never do.
    #[error("a control batch is compressed with codec {0}")]
    Compressed(u8),
    /// Its first record is none.
    #[error("malformed control record: {0}")]
    Read(#[from] ReadError),
    /// The record has no key, which is to tell what it says.
    #[error("a control record has no key")]
    NoKey,
    /// A version of the key that does not exist. Higher ones than we know may come, and begin in the same way.
    #[error("version {0} of a control record's key does not exist")]
    Version(i16),
}

/// Whether a control batch says that a transaction was aborted: its first record tells, as in the Java consumer.
pub(super) fn is_abort(header: &BatchHeader, batch: &[u8]) -> Result<bool, ControlError> {
    // Compaction empties it when nothing of the transaction is left.
    if header.record_count <= 0 {
        return Ok(false);
    }
    if header.codec() != 0 {
        return Err(ControlError::Compressed(header.codec()));
    }
    let mut key = Reader::new(key(batch)?);
    let (version, kind) = (key.int16()?, key.int16()?);
    if version < 0 { Err(ControlError::Version(version)) } else { Ok(kind == ABORT) }
}

/// The key of the first record.
fn key(batch: &[u8]) -> Result<&[u8], ControlError> {
    let mut reader = Reader::at(batch, HEADER_LENGTH);
    let at = reader.position();
    let length = reader.varint()?;
    let length =
        usize::try_from(length).map_err(|_| ReadError::IllegalLength { at, length: i64::from(length) })?;
    let mut record = Reader::new(reader.bytes(length)?);
    let _attributes = record.int8()?;
    let _timestamp_delta = record.varlong()?;
    let _offset_delta = record.varint()?;
    let length = usize::try_from(record.varint()?).map_err(|_| ControlError::NoKey)?;
    Ok(record.bytes(length)?)
}

/// The other kinds: a transaction that was committed, and what controllers write into their own log.
const ABORT: i16 = 0;
