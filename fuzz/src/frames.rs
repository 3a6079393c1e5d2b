//! Byte streams.

use std::mem::{Discriminant, discriminant};

use tidegate_wire::BytesMut;
use tidegate_wire::frame::{FrameError, FrameLimits, LARGEST_READ, LEAST_READ, next_frame, read_ahead};

/// The first byte is the size of a piece. A stream yields the same frames and ends at the same place whether it arrives at once or in pieces.
pub fn deframe(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else { return };
    let at_once = frames([stream].into_iter());
    let in_pieces = frames(stream.chunks(usize::from(*piece).max(1)));
    assert_eq!(at_once, in_pieces);
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<BytesMut>, Option<Discriminant<FrameError>>) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match next_frame(&mut buffer, LIMITS) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                // Which limit was passed is known once the key is there, and the end need not wait for that.
                Err(error) => return (frames, Some(discriminant(&error))),
            }
        }
        assert!((1..=LARGEST_READ).contains(&read_ahead(&buffer, LEAST_READ, 0)));
    }
    (frames, None)
}

const LIMITS: FrameLimits = FrameLimits { request: 64, produce: 256 };
