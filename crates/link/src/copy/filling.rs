//! How long filling a gap takes.

/// A gap that is being filled, or is about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filling {
    /// Offsets that are left.
    pub offsets: u64,
    /// In how many milliseconds they will be filled: at the pace so far, and before there is one at one that brokers keep up easily.
    pub left_ms: u64,
}

/// What it is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    Markers,
    Records,
}

impl Filling {
    /// `so_far` is what was filled, in offsets and milliseconds.
    pub(super) fn estimated(offsets: u64, so_far: Option<(i64, i64)>, with: With) -> Self {
        let measured =
            so_far.and_then(|(filled, took)| Some((u64::try_from(filled).ok()?, u64::try_from(took).ok()?)));
        let (filled, took) = match measured {
            Some((filled, took)) if filled > 0 && took > 0 => (filled, took),
            _ => (with.per_ms(), 1),
        };
        let left = u128::from(offsets) * u128::from(took) / u128::from(filled);
        Self { offsets, left_ms: u64::try_from(left).unwrap_or(u64::MAX) }
    }
}

impl With {
    /// Offsets per millisecond: less than a third of what one broker on two cores was measured to take of records, and half of that of
    /// markers.
    fn per_ms(self) -> u64 {
        match self {
            Self::Markers => 20,
            Self::Records => 5_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_so_far_tells_what_is_left() {
        let left = |so_far, with| Filling::estimated(10_000_000, so_far, with).left_ms;
        assert_eq!(left(None, With::Records), 2_000);
        assert_eq!(left(None, With::Markers), 500_000);
        // Nothing is answered yet.
        assert_eq!(left(Some((0, 700)), With::Records), 2_000);
        assert_eq!(left(Some((5_000_000, 300)), With::Records), 600);
        // A clock that was set back, and an answer within the same millisecond.
        assert_eq!(left(Some((5_000_000, -3)), With::Records), 2_000);
        assert_eq!(left(Some((5_000_000, 0)), With::Records), 2_000);
    }

    #[test]
    fn no_gap_is_too_long() {
        let filling = Filling::estimated(u64::MAX, Some((1, i64::MAX)), With::Records);
        assert_eq!(filling.left_ms, u64::MAX);
    }
}
