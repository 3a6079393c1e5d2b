//! What stands before the first topic.

use crate::fetch::{FLEXIBLE_SINCE, SESSION_SINCE};
use crate::reader::{ReadError, Reader};

/// Where it lies, and what it says.
pub(super) struct Head {
    /// Bytes of the frame behind its size.
    pub(super) size: usize,
    /// Where the header's tags begin.
    pub(super) tags: usize,
    /// Where the throttle time stands.
    pub(super) throttle: usize,
    pub(super) throttle_ms: i32,
    /// Where the session id stands, if there is one.
    pub(super) session: Option<usize>,
    /// Number of topics.
    pub(super) topics: usize,
    /// Where the first topic begins.
    pub(super) end: usize,
}

impl Head {
    /// Size, correlation id, tags, throttle time, error, session id, number of topics.
    pub(super) fn read(bytes: &[u8], version: i16) -> Result<Self, ReadError> {
        let flexible = version >= FLEXIBLE_SINCE;
        let mut reader = Reader::new(bytes);
        let size = reader.int32()?;
        let size =
            usize::try_from(size).map_err(|_| ReadError::IllegalLength { at: 0, length: i64::from(size) })?;
        reader.skip(CORRELATION_ID)?;
        let tags = reader.position();
        reader.skip_tags(flexible)?;
        let throttle = reader.position();
        let throttle_ms = reader.int32()?;
        let mut session = None;
        if version >= SESSION_SINCE {
            reader.int16()?;
            session = Some(reader.position());
            reader.int32()?;
        }
        let topics = reader.array_count(flexible)?.unwrap_or(0);
        Ok(Self { size, tags, throttle, throttle_ms, session, topics, end: reader.position() })
    }
}

const CORRELATION_ID: usize = 4;
