//! Frames off a byte stream, and the bodies of answers.

use std::io;

use bytes::{Bytes, BytesMut};
use tidegate_wire::api::ApiKey;
use tidegate_wire::frame::{FIRST_READ, FrameLimits, next_frame, read_ahead};
use tidegate_wire::header;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::CallFailure;

/// Takes frames off a byte stream.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Bytes received and not yet taken as an answer.
    received: BytesMut,
    limits: FrameLimits,
    /// The length of the last answer: the next one is given room as if it were as long.
    earned: usize,
}

impl Receiver {
    pub(crate) fn new(limits: FrameLimits) -> Self {
        Self { received: BytesMut::new(), limits, earned: 0 }
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
                self.earned = frame.len();
                return Ok(frame.freeze());
            }
            self.received.reserve(read_ahead(&self.received, FIRST_READ, self.earned));
            if stream.read_buf(&mut self.received).await.map_err(io_failure)? == 0 {
                return Err(CallFailure::Closed);
            }
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
