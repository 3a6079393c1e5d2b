//! Medians and quartiles.

/// The middle of a few values and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub(super) lower: f64,
    pub(super) median: f64,
    pub(super) upper: f64,
}

impl Quartiles {
    /// Of at least one value; quartiles between two values are interpolated.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share| quantile(&sorted, share);
        Some(Self { lower: at(0.25)?, median: at(0.5)?, upper: at(0.75)? })
    }
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(position.floor() as usize)?;
    let above = sorted.get(position.ceil() as usize)?;
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_seven_rounds_are_rounds() {
        let found = Quartiles::of(&[7.0, 1.0, 3.0, 2.0, 6.0, 5.0, 4.0]).unwrap();
        assert_eq!(found, Quartiles { lower: 2.5, median: 4.0, upper: 5.5 });
    }

    #[test]
    fn one_value_is_all_three_and_none_is_nothing() {
        assert_eq!(Quartiles::of(&[2.0]), Some(Quartiles { lower: 2.0, median: 2.0, upper: 2.0 }));
        assert_eq!(Quartiles::of(&[]), None);
    }
}
