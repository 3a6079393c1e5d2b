//! Alternating rounds: every lane once, then every lane again.

use anyhow::Result;

/// The samples `S` of each round, in the order of the lanes `L`.
pub(super) struct Rounds<L, S>(Vec<Vec<(L, S)>>);

/// How a lane is set against another one in the same round.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Compare {
    Ratio,
    Difference,
}

impl Compare {
    pub(super) fn apply(self, lane: f64, reference: f64) -> f64 {
        match self {
            Self::Ratio => lane / reference,
            Self::Difference => lane - reference,
        }
    }
}

impl<L: Copy + PartialEq, S> Rounds<L, S> {
    /// Runs rounds, which are told their number; number 0 warms up and is thrown away.
    pub(super) fn run(rounds: usize, mut round: impl FnMut(usize) -> Result<Vec<(L, S)>>) -> Result<Self> {
        round(0)?;
        let samples: Result<_> = (1..=rounds).map(round).collect();
        Ok(Self(samples?))
    }

    pub(super) fn lanes(&self) -> Vec<L> {
        self.0.first().into_iter().flatten().map(|(lane, _)| *lane).collect()
    }

    /// A lane's figure in each round that has it.
    pub(super) fn values(&self, lane: L, figure: impl Fn(&S) -> Option<f64>) -> Vec<f64> {
        self.0.iter().filter_map(|round| value(round, lane, &figure)).collect()
    }

    /// A lane set against another one, round by round.
    pub(super) fn compared(
        &self,
        lane: L,
        reference: L,
        compare: Compare,
        figure: impl Fn(&S) -> Option<f64>,
    ) -> Vec<f64> {
        let pair = |round: &Vec<_>| {
            let (lane, reference) = (value(round, lane, &figure)?, value(round, reference, &figure)?);
            Some(compare.apply(lane, reference))
        };
        self.0.iter().filter_map(pair).collect()
    }
}

fn value<L: PartialEq, S>(round: &[(L, S)], lane: L, figure: impl Fn(&S) -> Option<f64>) -> Option<f64> {
    let (_, sample) = round.iter().find(|(name, _)| *name == lane)?;
    figure(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_compared_within_their_round() {
        let mut samples = [9.0, 9.0, 100.0, 130.0, 200.0, 210.0].chunks(2);
        let round = |_| Ok(["bare", "gateway"].into_iter().zip(samples.next().unwrap()).collect());
        let rounds = Rounds::run(2, round).unwrap();
        assert_eq!(rounds.lanes(), ["bare", "gateway"]);
        let figure = |sample: &&f64| Some(**sample);
        assert_eq!(rounds.values("gateway", figure), [130.0, 210.0], "the first round is thrown away");
        let compared = |compare| rounds.compared("gateway", "bare", compare, figure);
        assert_eq!(compared(Compare::Ratio), [1.3, 1.05]);
        assert_eq!(compared(Compare::Difference), [30.0, 10.0]);
        assert_eq!(rounds.values("haproxy", figure), [0.0; 0]);
    }
}
