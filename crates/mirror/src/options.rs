//! What a link may take.

use std::num::NonZeroU64;

use crate::link::BUDGET;

/// What a link may take, over all of its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOptions {
    pub(crate) memory: usize,
    pub(crate) rate: Option<NonZeroU64>,
}

impl LinkOptions {
    /// [`BUDGET`] bytes of memory, and as fast as it can.
    #[must_use]
    pub const fn new() -> Self {
        Self { memory: BUDGET, rate: None }
    }

    /// So many bytes of the source in memory at once. With less than some megabytes brokers are asked for less at a time than they
    /// could give.
    #[must_use]
    pub const fn memory(self, bytes: usize) -> Self {
        Self { memory: bytes, ..self }
    }

    /// Reads at most so many bytes of records in a second from the source, as they lie there, with each partition that has something to
    /// read having the same part of it. It holds over a few seconds: batches come whole, and are paid for by waiting.
    #[must_use]
    pub const fn bytes_per_second(self, bytes: NonZeroU64) -> Self {
        Self { rate: Some(bytes), ..self }
    }
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self::new()
    }
}
