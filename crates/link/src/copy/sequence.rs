//! The sequence numbers of a producer (KIP-98): 31 bits that begin anew.

/// The sequence of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence(i32);

/// How many there are.
const COUNT: i64 = 1 << 31;

impl Sequence {
    /// The one that a producer begins with at an offset where the broker does not know it. Whoever begins there takes the same,
    /// so that the second of two workers is told that its batch is there already.
    pub(super) fn of_offset(offset: i64) -> Self {
        Self(i32::try_from(offset.rem_euclid(COUNT)).unwrap_or_default())
    }

    /// The one after the last one that was taken.
    pub(super) fn after(last: i32) -> Self {
        Self(last).plus(1)
    }

    pub(super) fn plus(self, records: i64) -> Self {
        Self::of_offset(i64::from(self.0).wrapping_add(records))
    }

    pub(super) fn value(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_begin_anew_after_the_last_one() {
        assert_eq!(Sequence::of_offset((1 << 31) + 7), Sequence(7));
        assert_eq!(Sequence::after(i32::MAX), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 2).plus(6), Sequence(3));
    }
}
