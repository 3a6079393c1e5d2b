//! A frame in pieces, written without joining them.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use tidegate_wire::frame::Outgoing;

/// What is left of a frame; no piece is empty.
#[derive(Debug)]
pub(super) struct Pieces {
    left: VecDeque<Bytes>,
    bytes: usize,
}

impl From<Outgoing> for Pieces {
    fn from(frame: Outgoing) -> Self {
        let bytes = frame.len();
        Self { left: frame.pieces().filter(|piece| !piece.is_empty()).collect(), bytes }
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        self.left.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.left).map(|(slice, piece)| *slice = IoSlice::new(piece));
        filled.count()
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some(piece) = self.left.front_mut() {
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.left.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use tidegate_wire::frame::EnvelopeWriter;

    use super::*;

    #[test]
    fn pieces_are_taken_in_order_however_few_bytes_are_written_at_once() {
        for step in 1..12 {
            let mut frame = EnvelopeWriter::with_capacity(16, 2);
            frame.buffer().put_slice(b"ab");
            frame.splice(Bytes::from_static(b"first"));
            frame.splice(Bytes::from_static(b"second"));
            frame.buffer().put_slice(b"c");
            let mut pieces = Pieces::from(frame.finish());
            let mut slices = [IoSlice::new(&[]); 3];
            assert_eq!(pieces.chunks_vectored(&mut slices), 3);
            assert_eq!((&*slices[1], &*slices[2]), (&b"first"[..], &b"second"[..]));
            let mut written = Vec::new();
            while pieces.has_remaining() {
                let taken = step.min(pieces.chunk().len() + 1).min(pieces.remaining());
                let joined: Vec<u8> = pieces.left.iter().flatten().copied().take(taken).collect();
                written.extend(joined);
                pieces.advance(taken);
            }
            assert_eq!(written, b"\0\0\0\x0eabfirstsecondc");
            assert!(pieces.left.is_empty());
        }
    }
}
