//! Frames: a four-byte size, then that many bytes (protocol guide, "Requests and responses").
//!
//! [`next_frame`] cuts whole frames off a receive buffer. The size on the wire is a promise of the peer
//! and never sizes an allocation: [`read_ahead`] says how much room the next read deserves, which grows
//! with what has really arrived.

use bytes::{Bytes, BytesMut};
use thiserror::Error;

/// Length of the size prefix.
pub const SIZE_PREFIX: usize = 4;

/// Room for a read of a peer that has sent little so far: allocators keep pieces of this size at hand, and most
/// connections are quiet most of the time.
pub const LEAST_READ: usize = 1024;

/// Most room for the first read of a frame; most requests and small answers fit whole.
pub const FIRST_READ: usize = 8 * 1024;

/// Most room that one read gets, however large the frame: what a socket hands over at once.
pub const LARGEST_READ: usize = 1024 * 1024;

/// Largest frame that a client may send, by what it is allowed to do at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// For every request but Produce, in bytes without the size prefix.
    pub request: usize,
    /// For Produce, in bytes without the size prefix.
    pub produce: usize,
}

impl FrameLimits {
    /// The same limit for every frame.
    #[must_use]
    pub const fn uniform(limit: usize) -> Self {
        Self { request: limit, produce: limit }
    }
}

/// Why a byte stream is not a stream of frames; the peer is at fault and the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A size of zero or less.
    #[error("frame size {size} is not positive")]
    NotPositive {
        /// The size as read.
        size: i32,
    },
    /// A size above the limit.
    #[error("frame of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// The size as read.
        size: usize,
        /// The limit in force.
        limit: usize,
    },
}

const PRODUCE_KEY: i16 = 0;

/// Cuts the first whole frame, size prefix included, off `buffer`; `None` until it is there whole.
///
/// # Errors
/// [`FrameError`] as soon as the size is known to be illegal, before the rest has arrived.
pub fn next_frame(buffer: &mut BytesMut, limits: FrameLimits) -> Result<Option<BytesMut>, FrameError> {
    match announced(buffer, limits)? {
        Some(length) if buffer.len() >= length => Ok(Some(buffer.split_to(length))),
        _ => Ok(None),
    }
}

/// How many more bytes of room the next read should have.
///
/// `first` while nothing is known of the frame: from [`LEAST_READ`] to [`FIRST_READ`], as [`next_first_read`] tells.
/// Else at most what the frame still needs, and never more than what has arrived of it, [`FIRST_READ`] or
/// `earned`, the length of the last frame that this peer has really sent: one that announces 16 MiB and
/// sends nothing holds 8 KiB.
#[must_use]
pub fn read_ahead(buffer: &[u8], first: usize, earned: usize) -> usize {
    room_ahead(buffer, first, earned).min(LARGEST_READ)
}

/// The same for whoever takes whole frames that are large, again and again: room for all of it at once, if that much was
/// earned, and so nothing is moved to larger room while it comes.
#[must_use]
pub fn room_ahead(buffer: &[u8], first: usize, earned: usize) -> usize {
    let missing = match size_prefix(buffer).map(usize::try_from) {
        Some(Ok(size)) => (size + SIZE_PREFIX).saturating_sub(buffer.len()),
        _ => first,
    };
    missing.min(buffer.len().max(FIRST_READ).max(earned)).max(1)
}

/// Room for the first read of the next frame after a read with `room` that took `taken` bytes: twice as much when it
/// was filled, half when most of it was not.
#[must_use]
pub fn next_first_read(room: usize, taken: usize) -> usize {
    let next = match taken {
        _ if taken >= room => room * 2,
        _ if taken < room / 4 => room / 2,
        _ => room,
    };
    next.clamp(LEAST_READ, FIRST_READ)
}

/// Whole length of the first frame with its prefix, once known and legal.
///
/// # Errors
/// As [`next_frame`].
pub fn announced(buffer: &[u8], limits: FrameLimits) -> Result<Option<usize>, FrameError> {
    let Some(size) = size_prefix(buffer) else { return Ok(None) };
    let length = usize::try_from(size).unwrap_or(0);
    if length == 0 {
        return Err(FrameError::NotPositive { size });
    }
    let limit = if length <= limits.request.min(limits.produce) {
        length
    } else {
        match api_key(buffer) {
            // No key yet; a size that not even Produce may have needs none.
            None if length <= limits.request.max(limits.produce) => return Ok(None),
            Some(PRODUCE_KEY) => limits.produce,
            Some(_) => limits.request,
            None => limits.request.max(limits.produce),
        }
    };
    if length > limit {
        return Err(FrameError::TooLarge { size: length, limit });
    }
    Ok(Some(length + SIZE_PREFIX))
}

fn size_prefix(buffer: &[u8]) -> Option<i32> {
    buffer.first_chunk::<SIZE_PREFIX>().map(|size| i32::from_be_bytes(*size))
}

fn api_key(buffer: &[u8]) -> Option<i16> {
    let [high, low] = *buffer.get(SIZE_PREFIX..)?.first_chunk::<2>()?;
    Some(i16::from_be_bytes([high, low]))
}

/// A frame on its way out: one piece, or several that are written one after the other without being
/// joined, so that record bytes leave in the buffer in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    first: Bytes,
    rest: Vec<Bytes>,
}

impl Outgoing {
    /// A frame in one piece, size prefix included.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self { first: bytes, rest: Vec::new() }
    }

    /// The pieces in order.
    pub fn pieces(self) -> impl Iterator<Item = Bytes> {
        std::iter::once(self.first).chain(self.rest)
    }

    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts something else in the place of the piece that is written last.
    #[must_use]
    pub fn map_last(mut self, change: impl FnOnce(Bytes) -> Bytes) -> Self {
        let last = self.rest.last_mut().unwrap_or(&mut self.first);
        *last = change(std::mem::take(last));
        self
    }

    /// The pieces joined, for tests and for small frames.
    #[must_use]
    pub fn joined(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut all = BytesMut::with_capacity(self.len());
        for piece in self.pieces() {
            all.extend_from_slice(&piece);
        }
        all.freeze()
    }
}

impl FromIterator<Bytes> for Outgoing {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut pieces = pieces.into_iter();
        Self { first: pieces.next().unwrap_or_default(), rest: pieces.collect() }
    }
}

/// Writes a frame around slices of record bytes that it does not copy.
///
/// Everything that is not a record goes into one scratch buffer; [`EnvelopeWriter::splice`] notes where a
/// slice belongs. [`EnvelopeWriter::finish`] fills in the size and cuts the scratch at those places.
#[derive(Debug)]
pub struct EnvelopeWriter {
    scratch: BytesMut,
    splices: Vec<(usize, Bytes)>,
    spliced: usize,
}

impl EnvelopeWriter {
    /// Starts a frame; the capacities are hints that spare growing, from bytes already received.
    #[must_use]
    pub fn with_capacity(scratch: usize, splices: usize) -> Self {
        let mut scratch = BytesMut::with_capacity(scratch + SIZE_PREFIX);
        scratch.extend_from_slice(&[0; SIZE_PREFIX]);
        Self { scratch, splices: Vec::with_capacity(splices), spliced: 0 }
    }

    /// Where envelope bytes are written.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.scratch
    }

    /// Places `records` after what has been written so far.
    pub fn splice(&mut self, records: Bytes) {
        if !records.is_empty() {
            self.spliced += records.len();
            self.splices.push((self.scratch.len(), records));
        }
    }

    /// The frame with its size filled in.
    #[must_use]
    pub fn finish(self) -> Outgoing {
        let Self { mut scratch, splices, spliced } = self;
        let size = i32::try_from(scratch.len() - SIZE_PREFIX + spliced).unwrap_or(i32::MAX);
        if let Some(prefix) = scratch.first_chunk_mut::<SIZE_PREFIX>() {
            *prefix = size.to_be_bytes();
        }
        let scratch = scratch.freeze();
        if splices.is_empty() {
            return Outgoing::whole(scratch);
        }
        let mut rest = Vec::with_capacity(splices.len() * 2);
        let mut first = None;
        let mut from = 0;
        for (at, records) in splices {
            let envelope = scratch.slice(from..at);
            match first {
                None => first = Some(envelope),
                Some(_) if envelope.is_empty() => {}
                Some(_) => rest.push(envelope),
            }
            rest.push(records);
            from = at;
        }
        if from < scratch.len() {
            rest.push(scratch.slice(from..));
        }
        Outgoing { first: first.unwrap_or_default(), rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits = FrameLimits { request: 16, produce: 64 };

    fn frame(size: i32, body: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::from(&size.to_be_bytes()[..]);
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn frames_come_out_whole_and_in_order_however_the_bytes_arrive() {
        let mut stream = frame(3, &[0, 3, 7]);
        stream.extend_from_slice(&frame(2, &[0, 18]));
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for byte in stream {
            buffer.extend_from_slice(&[byte]);
            frames.extend(next_frame(&mut buffer, LIMITS).unwrap());
        }
        assert_eq!(frames, [&[0, 0, 0, 3, 0, 3, 7][..], &[0, 0, 0, 2, 0, 18]]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn sizes_of_zero_or_less_are_refused_at_once() {
        for size in [0, -1, i32::MIN] {
            let refused = next_frame(&mut frame(size, &[]), LIMITS);
            assert_eq!(refused, Err(FrameError::NotPositive { size }));
        }
    }

    #[test]
    fn only_produce_may_be_as_large_as_produce() {
        assert_eq!(next_frame(&mut frame(64, &[0, 0]), LIMITS), Ok(None));
        let over = Err(FrameError::TooLarge { size: 64, limit: 16 });
        assert_eq!(next_frame(&mut frame(64, &[0, 3]), LIMITS), over);
        let over = Err(FrameError::TooLarge { size: 65, limit: 64 });
        assert_eq!(next_frame(&mut frame(65, &[0, 0]), LIMITS), over);
        assert_eq!(next_frame(&mut frame(65, &[]), LIMITS), over);
    }

    #[test]
    fn a_large_announced_size_earns_no_more_room_than_was_sent() {
        let mut buffer = frame(i32::MAX, &[]);
        assert_eq!(read_ahead(&buffer, LEAST_READ, 0), FIRST_READ);
        assert_eq!(read_ahead(&buffer, LEAST_READ, 50_000), 50_000);
        buffer.extend_from_slice(&vec![0; 100_000]);
        assert_eq!(read_ahead(&buffer, LEAST_READ, 0), 100_004);
        assert_eq!(read_ahead(&frame(10, &[1; 4]), LEAST_READ, 50_000), 6);
    }

    #[test]
    fn a_busy_peer_is_read_with_more_room_and_a_quiet_one_with_less() {
        assert_eq!(read_ahead(&[], LEAST_READ, 50_000), LEAST_READ);
        assert_eq!(next_first_read(LEAST_READ, LEAST_READ), 2 * LEAST_READ);
        assert_eq!(next_first_read(FIRST_READ, FIRST_READ), FIRST_READ);
        assert_eq!(next_first_read(FIRST_READ, 3_000), FIRST_READ);
        assert_eq!(next_first_read(FIRST_READ, 100), FIRST_READ / 2);
        assert_eq!(next_first_read(LEAST_READ, 0), LEAST_READ);
    }

    #[test]
    fn the_last_piece_is_the_only_one_where_there_is_one() {
        let cap = |last: Bytes| last.to_ascii_uppercase().into();
        let of = |pieces: &[&'static str]| pieces.iter().copied().map(Bytes::from).collect::<Outgoing>();
        for (pieces, joined) in [(&[][..], ""), (&["a"], "A"), (&["a", "b", "c"], "abC")] {
            assert_eq!(of(pieces).map_last(cap).joined(), joined);
        }
    }

    #[test]
    fn an_envelope_leaves_record_slices_in_place() {
        let records = Bytes::from_static(b"records");
        let mut writer = EnvelopeWriter::with_capacity(16, 1);
        writer.buffer().extend_from_slice(b"ab");
        writer.splice(records.clone());
        writer.splice(Bytes::new());
        writer.buffer().extend_from_slice(b"c");
        let outgoing = writer.finish();
        let spliced = outgoing.clone().pieces().nth(1).unwrap();
        assert_eq!(spliced.as_ptr(), records.as_ptr());
        assert_eq!(outgoing.joined(), &b"\0\0\0\x0aabrecordsc"[..]);
    }
}
