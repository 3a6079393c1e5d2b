//! One side of a connection: frames in, frames out, nothing in between.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tidegate_wire::frame::{self, FrameError, FrameLimits, Outgoing, next_frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

/// Pieces handed to one write call; more than stock answers have, fewer than any system's limit.
const WRITE_PIECES: usize = 64;

/// An empty buffer of up to this size is kept for the next frame; a larger one goes back to the allocator, so that an
/// idle connection is small.
const KEPT_BUFFER: usize = 4 * 1024;

/// A byte stream with its buffers.
#[derive(Debug)]
pub(super) struct Side<S> {
    stream: S,
    received: BytesMut,
    /// Length of the last whole frame: the next one may be read with that much room at once.
    earned: usize,
    outgoing: VecDeque<Bytes>,
    outgoing_bytes: usize,
    /// Whether the stream itself may still hold bytes back, as TLS does.
    unflushed: bool,
    /// Since when the rest of a frame has been waited for.
    pub(super) frame_since: Option<Instant>,
    /// Since when the other side has taken nothing of what waits for it.
    pub(super) stuck_since: Option<Instant>,
    /// Bytes of whole frames taken, and bytes written, since they were last asked for.
    moved: (u64, u64),
    /// When bytes last came in, or a frame was last put out.
    pub(super) last_active: Instant,
}

/// What came of looking for a frame.
pub(super) enum Received {
    Frame(Bytes),
    Closed,
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
            earned: 0,
            outgoing: VecDeque::new(),
            outgoing_bytes: 0,
            unflushed: false,
            frame_since: None,
            stuck_since: None,
            moved: (0, 0),
            last_active: Instant::now(),
        }
    }

    /// Bytes of whole frames received, and bytes written, since this was last asked.
    pub(super) fn take_moved(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.moved)
    }

    /// Bytes that wait to be written; at least 1 while the stream holds some back.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outgoing_bytes + usize::from(self.unflushed)
    }

    /// Puts a frame behind those that wait.
    pub(super) fn push(&mut self, frame: Outgoing) {
        self.last_active = Instant::now();
        for piece in frame.pieces().filter(|piece| !piece.is_empty()) {
            self.outgoing_bytes += piece.len();
            self.outgoing.push_back(piece);
        }
    }

    /// The next whole frame, size prefix included.
    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
        limits: FrameLimits,
    ) -> Poll<Result<Received, SideError>> {
        loop {
            if let Some(frame) = next_frame(&mut self.received, limits)? {
                self.earned = frame.len();
                self.moved.0 += frame.len() as u64;
                self.frame_since = None;
                return Poll::Ready(Ok(Received::Frame(frame.freeze())));
            }
            if self.received.is_empty() && self.received.capacity() > KEPT_BUFFER {
                self.received = BytesMut::new();
            }
            self.received.reserve(frame::read_ahead(&self.received, self.earned));
            let read = pin!(self.stream.read_buf(&mut self.received)).poll(context);
            if read.is_pending() {
                match self.received.is_empty() {
                    // Nothing on its way: an idle connection holds no buffer at all.
                    true => self.received = BytesMut::new(),
                    false => _ = self.frame_since.get_or_insert_with(Instant::now),
                }
            }
            if ready!(read)? == 0 {
                return Poll::Ready(Ok(Received::Closed));
            }
            self.last_active = Instant::now();
        }
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
            self.stuck_since = None;
            self.unflushed = true;
            self.moved.1 += written as u64;
            self.consume(written);
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
