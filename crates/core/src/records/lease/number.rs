//! Numbers of leases.

/// The number of a taking of a lease: it grows with every one and never goes back, so that whatever remembers the largest
/// that it saw can refuse those who held the lease before. Brokers do so when it is the coordinator epoch of a marker, and
/// that has 31 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LeaseNumber(i32);

impl LeaseNumber {
    /// Before anybody took it.
    pub const NONE: Self = Self(0);

    /// The number of that value; `None` below 0.
    #[must_use]
    pub fn new(value: i32) -> Option<Self> {
        (value >= 0).then_some(Self(value))
    }

    /// As brokers take it.
    #[must_use]
    pub fn value(self) -> i32 {
        self.0
    }

    /// The one after it; `None` after the largest.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_only_grows() {
        assert_eq!(LeaseNumber::NONE.next(), LeaseNumber::new(1));
        assert_eq!(LeaseNumber::new(i32::MAX).unwrap().next(), None);
        assert_eq!(LeaseNumber::new(-1), None);
        assert_eq!(LeaseNumber::new(7).unwrap().value(), 7);
    }
}
