//! Where the walker puts what it keeps.

/// Receives the kept bytes in order.
///
/// Sizes and counts of tag sections are known only after the walk over them, so they are put in behind:
/// a walker marks the place and inserts the number there.
pub(super) trait Sink {
    /// Appends bytes of the input.
    fn put(&mut self, bytes: &[u8]);

    /// The place after the last byte.
    fn mark(&self) -> usize;

    /// Inserts an UNSIGNED_VARINT at a place; what follows moves back.
    fn insert_varint(&mut self, mark: usize, value: usize);
}

/// Keeps nothing: for a check alone.
impl Sink for () {
    #[inline]
    fn put(&mut self, _bytes: &[u8]) {}

    #[inline]
    fn mark(&self) -> usize {
        0
    }

    #[inline]
    fn insert_varint(&mut self, _mark: usize, _value: usize) {}
}

/// Keeps a copy.
impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn mark(&self) -> usize {
        self.len()
    }

    fn insert_varint(&mut self, mark: usize, mut value: usize) {
        let mut varint = Vec::with_capacity(5);
        while value >= 0x80 {
            varint.push(low_seven_bits(value) | 0x80);
            value >>= 7;
        }
        varint.push(low_seven_bits(value));
        self.splice(mark..mark, varint);
    }
}

fn low_seven_bits(value: usize) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_goes_in_before_what_follows_its_mark() {
        let mut kept = vec![1];
        let mark = kept.mark();
        kept.put(&[2, 3]);
        kept.insert_varint(mark, 300);
        assert_eq!(kept, [1, 0xac, 0x02, 2, 3]);
    }
}
