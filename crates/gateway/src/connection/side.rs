//! One side of a connection: frames in, frames out, nothing in between.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tidegate_wire::frame::{self, FrameError, FrameLimits, Outgoing, next_frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use crate::budget::{Budget, FREE_FRAME, Hold};
use crate::config::Limits;

/// Pieces handed to one write call; more than stock answers have, fewer than any system's limit.
const WRITE_PIECES: usize = 64;

/// An empty buffer of up to this size is kept for the next frame; a larger one goes back to the allocator, so that an
/// idle connection is small.
const KEPT_BUFFER: usize = 4 * 1024;

/// Time that the beginning of a frame may take at any rate: lost packets are sent again within seconds.
const SLOW_AFTER: Duration = Duration::from_secs(5);

/// A byte stream with its buffers.
#[derive(Debug)]
pub(super) struct Side<S> {
    stream: S,
    received: BytesMut,
    /// Room for the frame that is being received, if it is one of those that need it.
    room: Room,
    /// Length of the last whole frame: the next one may be read with that much room at once.
    earned: usize,
    /// Room for the first read of the next frame.
    first_read: usize,
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    /// Whether the stream itself may still hold bytes back, as TLS does.
    unflushed: bool,
    /// Since when the rest of a frame has been waited for.
    pub(super) frame_since: Option<Instant>,
    /// Since when the other side has taken less of what waits for it than it must.
    pub(super) stuck_since: Option<Instant>,
    /// What it has taken since then, and what it must take at least.
    taken: usize,
    must_take: usize,
    /// Bytes of whole frames taken, and bytes written, since they were last asked for.
    moved: (u64, u64),
    /// Whether bytes came in or a frame was put out since [`Side::last_active`] was asked.
    active: bool,
    last_active: Instant,
}

/// A frame of up to this size is read whole: it is on its way for so short a time that passing it on in parts gains
/// nothing.
const WHOLE_FRAME: usize = 128 * 1024;

/// Room for a part of a frame that need not be whole: as much as a plain proxy moves at once. With 64 or 128 KiB the other
/// side falls asleep between two parts on some machines, and waking it costs more than moving the bytes.
const PART: usize = 32 * 1024;

/// Beginning of a larger frame: its size, its mark, and what a reply must see to tell whether the frame need not be whole.
const BEGINNING: usize = 32;

/// Room for a frame.
enum Room {
    NotAsked,
    Waiting(Pin<Box<dyn Future<Output = Option<Hold>> + Send>>),
    Held(Hold),
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "NotAsked",
            Self::Waiting(_) => "Waiting",
            Self::Held(_) => "Held",
        })
    }
}

/// What came of looking for a frame.
pub(super) enum Received {
    Frame(Bytes),
    Closed,
}

/// What came of looking for a frame that need not be whole.
pub(super) enum Arrived {
    Whole(Received),
    /// The beginning of a frame of so many bytes: [`BEGINNING`] is there.
    Large(usize),
}

/// Why a side cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SideError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            received: BytesMut::new(),
            room: Room::NotAsked,
            earned: 0,
            first_read: frame::LEAST_READ,
            outgoing: VecDeque::new(),
            outgoing_bytes: 0,
            unflushed: false,
            frame_since: None,
            stuck_since: None,
            taken: 0,
            must_take: 1,
            moved: (0, 0),
            active: false,
            last_active: Instant::now(),
        }
    }

    /// The least that the other side must take of what waits for it in the time that it is given.
    pub(super) fn must_take(&mut self, bytes: usize) {
        self.must_take = bytes.max(1);
    }

    /// Bytes of whole frames received, and bytes written, since this was last asked.
    pub(super) fn take_moved(&mut self) -> (u64, u64) {
        mem::take(&mut self.moved)
    }

    /// Bytes that wait to be written; at least 1 while the stream holds some back.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outgoing_bytes + usize::from(self.unflushed)
    }

    /// When bytes last came in, or a frame was last put out: exact to the time between two calls, so that a busy side
    /// looks at no clock.
    pub(super) fn last_active(&mut self, now: Instant) -> Instant {
        if mem::take(&mut self.active) {
            self.last_active = now;
        }
        self.last_active
    }

    /// Puts a frame behind those that wait.
    pub(super) fn push(&mut self, frame: Outgoing) {
        self.active = true;
        for piece in frame.pieces().filter(|piece| !piece.is_empty()) {
            self.outgoing_bytes += piece.len();
            self.outgoing.push_back(piece);
        }
    }

    /// As [`Side::poll_frame`]; of a frame of more than [`WHOLE_FRAME`] only the beginning.
    pub(super) fn poll_arrival(
        &mut self,
        context: &mut Context<'_>,
        limits: FrameLimits,
        budget: Option<&Budget>,
    ) -> Poll<Result<Arrived, SideError>> {
        loop {
            match frame::announced(&self.received, limits)? {
                Some(length) if length > WHOLE_FRAME && self.received.len() < length => {
                    if self.received.len() >= BEGINNING {
                        return Poll::Ready(Ok(Arrived::Large(length)));
                    }
                    if !ready!(self.poll_read(context, BEGINNING))? {
                        return Poll::Ready(Ok(Arrived::Whole(Received::Closed)));
                    }
                }
                Some(_) => return self.poll_frame(context, limits, budget).map_ok(Arrived::Whole),
                None => {
                    let room = frame::read_ahead(&self.received, self.first_read, self.earned);
                    if !ready!(self.poll_read(context, room))? {
                        return Poll::Ready(Ok(Arrived::Whole(Received::Closed)));
                    }
                }
            }
        }
    }

    /// The next whole frame, size prefix included; a larger one only when `budget` has room for it.
    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
        limits: FrameLimits,
        budget: Option<&Budget>,
    ) -> Poll<Result<Received, SideError>> {
        loop {
            if let Some(frame) = next_frame(&mut self.received, limits)? {
                self.earned = frame.len();
                self.moved.0 += frame.len() as u64;
                self.frame_since = None;
                let frame = frame.freeze();
                return Poll::Ready(Ok(Received::Frame(
                    match mem::replace(&mut self.room, Room::NotAsked) {
                        Room::Held(hold) => hold.tie(frame),
                        Room::NotAsked | Room::Waiting(_) => frame,
                    },
                )));
            }
            if let Some(budget) = budget
                && let Some(length) = frame::announced(&self.received, limits)?
                && length > FREE_FRAME
            {
                ready!(self.poll_room(context, budget, length));
            }
            let room = frame::read_ahead(&self.received, self.first_read, self.earned);
            if !ready!(self.poll_read(context, room))? {
                return Poll::Ready(Ok(Received::Closed));
            }
        }
    }

    /// Reads once, with so much room; `false` when the other side has closed.
    fn poll_read(&mut self, context: &mut Context<'_>, room: usize) -> Poll<Result<bool, SideError>> {
        if self.received.is_empty() && self.received.capacity() > KEPT_BUFFER {
            self.received = BytesMut::new();
        }
        let is_first = self.received.is_empty();
        self.received.reserve(room);
        let read = pin!(self.stream.read_buf(&mut self.received)).poll(context);
        if read.is_pending() {
            match self.received.is_empty() {
                // Nothing on its way: an idle connection holds no buffer at all.
                true => self.received = BytesMut::new(),
                false => _ = self.frame_since.get_or_insert_with(Instant::now),
            }
        }
        let taken = ready!(read)?;
        if is_first {
            self.first_read = frame::next_first_read(room, taken);
        }
        self.active |= taken > 0;
        Poll::Ready(Ok(taken > 0))
    }

    /// Reads the next part of a frame that need not be whole, once `budget` has room for it; `false` when the other
    /// side has closed. See [`Side::take_part`].
    pub(super) fn poll_part(
        &mut self,
        context: &mut Context<'_>,
        budget: &Budget,
    ) -> Poll<Result<bool, SideError>> {
        ready!(self.poll_room(context, budget, PART));
        self.received.reserve(PART);
        let read = pin!(self.stream.read_buf(&mut self.received)).poll(context);
        if read.is_pending() {
            self.frame_since.get_or_insert_with(Instant::now);
        }
        let taken = ready!(read)?;
        self.frame_since = None;
        self.active |= taken > 0;
        Poll::Ready(Ok(taken > 0))
    }

    /// Lets `take` take off what it can of what has been received; the room of the part goes with what is taken.
    pub(super) fn take_part<E>(
        &mut self,
        take: impl FnOnce(&mut BytesMut) -> Result<Outgoing, E>,
    ) -> Result<Outgoing, E> {
        let part = take(&mut self.received)?;
        Ok(match mem::replace(&mut self.room, Room::NotAsked) {
            // What is written last is gone last.
            Room::Held(hold) => part.map_last(|last| hold.tie(last)),
            Room::NotAsked | Room::Waiting(_) => part,
        })
    }

    /// What has been received of the frame that comes next.
    pub(super) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Ready when there is room for a frame of that length.
    fn poll_room(&mut self, context: &mut Context<'_>, budget: &Budget, length: usize) -> Poll<()> {
        if let Room::NotAsked = self.room {
            self.room = match budget.try_take(length) {
                Some(hold) => Room::Held(hold),
                None => Room::Waiting(Box::pin(budget.clone().take(length))),
            };
        }
        if let Room::Waiting(waiting) = &mut self.room {
            // What is not read for want of room is not late.
            self.frame_since = None;
            self.room = ready!(waiting.as_mut().poll(context)).map_or(Room::NotAsked, Room::Held);
        }
        Poll::Ready(())
    }

    /// Whether the other side has closed, as far as a little reading ahead tells: the frames stay where they are.
    pub(super) fn poll_closed(&mut self, context: &mut Context<'_>) -> Result<bool, SideError> {
        while self.received.len() < KEPT_BUFFER {
            self.received.reserve(KEPT_BUFFER);
            match pin!(self.stream.read_buf(&mut self.received)).poll(context) {
                Poll::Pending => return Ok(false),
                Poll::Ready(read) => {
                    if read.map_err(SideError::from)? == 0 {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Whether the frame under way takes longer than `frameDeadlineMs`, or comes slower than `minFrameBytesPerSecond`.
    pub(super) fn is_slow(&self, limits: &Limits, now: Instant) -> bool {
        let Some(since) = self.frame_since else { return false };
        let taken = now.saturating_duration_since(since);
        let due = taken.saturating_sub(SLOW_AFTER).as_secs_f64() * limits.min_frame_bytes_per_second as f64;
        taken > limits.frame_deadline || (self.received.len() as f64) < due
    }

    /// Writes what waits; ready when nothing is left.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = match self.poll_write(context) {
                Poll::Ready(written) => written?,
                Poll::Pending => {
                    self.stuck_since.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                }
            };
            self.unflushed = true;
            self.moved.1 += written as u64;
            self.consume(written);
            self.taken += written;
            if self.taken >= self.must_take || self.outgoing.is_empty() {
                self.taken = 0;
                self.stuck_since = None;
            }
        }
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_pending() {
            self.stuck_since.get_or_insert_with(Instant::now);
        } else {
            self.stuck_since = None;
            self.unflushed = false;
        }
        flushed
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = match (self.outgoing.len(), self.outgoing.front()) {
            (1, Some(only)) => ready!(stream.poll_write(context, only))?,
            _ => {
                let mut pieces = [IoSlice::new(&[]); WRITE_PIECES];
                let count = self.outgoing.len().min(WRITE_PIECES);
                for (slot, piece) in pieces.iter_mut().zip(&self.outgoing) {
                    *slot = IoSlice::new(piece);
                }
                let pieces = pieces.get(..count).unwrap_or_default();
                ready!(stream.poll_write_vectored(context, pieces))?
            }
        };
        match written {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(Ok(written)),
        }
    }

    fn consume(&mut self, mut written: usize) {
        self.outgoing_bytes = self.outgoing_bytes.saturating_sub(written);
        while let Some(piece) = self.outgoing.front_mut() {
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.outgoing.pop_front();
        }
    }
}
