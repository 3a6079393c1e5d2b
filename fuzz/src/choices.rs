//! Decisions drawn from bytes.

/// Bytes that decide; when they are used up, every choice is the first one.
#[derive(Debug, Clone)]
pub(crate) struct Choices<'a> {
    left: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// At most so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, left) = self.left.split_at(count.min(self.left.len()));
        self.left = left;
        taken
    }

    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[usize::from(self.byte()) % these.len()]
    }

    /// Small, since most fields mean an index, a version or a flag; now and then one of the edges.
    pub(crate) fn number(&mut self) -> i64 {
        match self.byte() {
            byte @ 0..=239 => i64::from(byte % 4),
            240..=247 => -1,
            248..=249 => i64::MAX,
            250..=251 => i64::MIN,
            _ => i64::from(u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])),
        }
    }
}
