//! Frames off a byte stream, and the bodies of answers.

use std::io;
use std::mem;

use bytes::{Bytes, BytesMut};
use tidegate_wire::api::ApiKey;
use tidegate_wire::frame::{FIRST_READ, FrameLimits, next_frame, room_ahead};
use tidegate_wire::header;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::CallFailure;

/// Takes frames off a byte stream.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Bytes received and not yet taken as an answer.
    received: BytesMut,
    limits: FrameLimits,
    /// The length of the last answers, of which a longer one is forgotten slowly: the next one is given room as if it were as long.
    earned: usize,
    /// Where large answers were, the last ones: room for the next as soon as nobody looks at them any more. To get new memory from the
    /// system for each of them costs as much as to check or to copy it.
    rooms: Vec<BytesMut>,
}

/// Answers of which the room is kept, and how many.
const LARGE: usize = 64 << 10;
const ROOMS: usize = 4;

impl Receiver {
    pub(crate) fn new(limits: FrameLimits) -> Self {
        Self { received: BytesMut::new(), limits, earned: 0, rooms: Vec::new() }
    }

    /// Another one with the same limits and nothing received.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.limits)
    }

    /// Whether nothing has come that was not asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.received.is_empty()
    }

    /// The next frame, size prefix included. A call that is dropped loses nothing: the next one goes on.
    pub(crate) async fn frame(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Bytes, CallFailure> {
        loop {
            if let Some(frame) = next_frame(&mut self.received, self.limits).map_err(CallFailure::Frame)? {
                self.earned = frame.len().max(self.earned - self.earned / 64);
                self.keep_room(frame.len());
                return Ok(frame.freeze());
            }
            self.make_room();
            if stream.read_buf(&mut self.received).await.map_err(io_failure)? == 0 {
                return Err(CallFailure::Closed);
            }
        }
    }

    /// Whoever answers little has no use for large rooms any more.
    fn keep_room(&mut self, length: usize) {
        if length < LARGE {
            self.rooms.clear();
        } else if self.received.is_empty() && self.rooms.len() < ROOMS {
            self.rooms.push(mem::take(&mut self.received));
        }
    }

    fn make_room(&mut self) {
        let more = room_ahead(&self.received, FIRST_READ, self.earned);
        if self.received.capacity() - self.received.len() >= more {
            return;
        }
        let whole = self.received.len() + more;
        let free = self.rooms.iter_mut().position(|room| whole >= LARGE && room.try_reclaim(whole));
        match free.map(|place| self.rooms.swap_remove(place)) {
            Some(mut room) => {
                room.extend_from_slice(&self.received);
                self.received = room;
            }
            None => self.received.reserve(more),
        }
    }
}

/// The body of an answer whose header fits the request.
pub(crate) fn body(answer: Bytes, key: ApiKey, version: i16, sent: i32) -> Result<Bytes, CallFailure> {
    let (received, body_at) = header::parse_response(&answer, key, version).map_err(CallFailure::Header)?;
    if received != sent {
        return Err(CallFailure::Correlation { sent, received });
    }
    Ok(answer.slice(body_at..))
}

/// A reset says no more than a close: the broker is gone.
pub(crate) fn io_failure(error: io::Error) -> CallFailure {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            CallFailure::Closed
        }
        _ => CallFailure::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// Where the frames of some lengths lie, each read while `looked_at` of those before are still there.
    async fn places(lengths: &[usize], looked_at: usize) -> Vec<*const u8> {
        let (mut near, mut far) = duplex(1 << 20);
        let mut receiver = Receiver::new(FrameLimits::uniform(1 << 20));
        let (mut kept, mut places) = (Vec::new(), Vec::new());
        for &length in lengths {
            let frame = [&u32::try_from(length).unwrap().to_be_bytes()[..], &vec![7; length]].concat();
            far.write_all(&frame).await.unwrap();
            let read = receiver.frame(&mut near).await.unwrap();
            assert_eq!(read, frame);
            places.push(read.as_ptr());
            kept.push(read);
            if kept.len() > looked_at {
                kept.remove(0);
            }
        }
        places
    }

    #[tokio::test]
    async fn the_room_of_a_large_answer_is_used_again_once_nobody_looks_at_it() {
        let places = places(&[200_000, 200_000, 150_000, 200_000], 1).await;
        assert_eq!(places[2], places[0]);
        assert_eq!(places[3], places[1]);
        assert_ne!(places[1], places[0]);
    }

    #[tokio::test]
    async fn what_is_looked_at_stays_as_it_is() {
        let mut places = places(&[200_000; 6], 6).await;
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 6);
    }

    #[tokio::test]
    async fn small_answers_keep_no_large_rooms() {
        let (mut near, mut far) = duplex(1 << 20);
        let mut receiver = Receiver::new(FrameLimits::uniform(1 << 20));
        for (length, rooms) in [(200_000_usize, 1), (100_000, 1), (10, 0)] {
            let frame = [&u32::try_from(length).unwrap().to_be_bytes()[..], &vec![7; length]].concat();
            far.write_all(&frame).await.unwrap();
            receiver.frame(&mut near).await.unwrap();
            assert_eq!(receiver.rooms.len(), rooms, "after {length}");
        }
    }
}
