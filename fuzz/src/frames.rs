//! Byte streams.

use tidegate_wire::BytesMut;
use tidegate_wire::frame::{FrameError, FrameLimits, LARGEST_READ, next_frame, read_ahead};

/// A stream yields the same frames and the same error whether it arrives at once or in pieces.
pub fn deframe(piece: u8, stream: &[u8]) {
    let at_once = frames([stream].into_iter());
    let in_pieces = frames(stream.chunks(usize::from(piece).max(1)));
    assert_eq!(at_once, in_pieces);
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<BytesMut>, Option<FrameError>) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match next_frame(&mut buffer, LIMITS) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!((1..=LARGEST_READ).contains(&read_ahead(&buffer, 0)));
    }
    (frames, None)
}

const LIMITS: FrameLimits = FrameLimits { request: 64, produce: 256 };
