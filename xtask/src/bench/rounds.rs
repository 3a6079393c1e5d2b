//! Alternating rounds: every lane once, then every lane again.

use anyhow::Result;

use super::figures::Figure;
use super::lane::{Lane, Name};
use super::load::Sample;
use super::scenario::Scenario;
use super::stand::Stand;

/// The samples of each round, in the order of the lanes.
pub(super) struct Rounds(Vec<Vec<(Name, Sample)>>);

/// Runs a scenario; a first round warms up and is thrown away.
pub(super) fn run(stand: &Stand, scenario: &Scenario, rounds: usize) -> Result<Rounds> {
    round(stand, scenario)?;
    let samples: Result<_> = (0..rounds).map(|_| round(stand, scenario)).collect();
    Ok(Rounds(samples?))
}

impl Rounds {
    pub(super) fn lanes(&self) -> Vec<Name> {
        self.0.first().into_iter().flatten().map(|(name, _)| *name).collect()
    }

    /// A lane's figure in each round that has it.
    pub(super) fn values(&self, lane: Name, figure: &Figure) -> Vec<f64> {
        self.0.iter().filter_map(|round| value(round, lane, figure)).collect()
    }

    /// A lane set against the bare proxy, round by round.
    pub(super) fn compared(&self, lane: Name, figure: &Figure) -> Vec<f64> {
        let pair = |round: &Vec<_>| {
            let (lane, bare) = (value(round, lane, figure)?, value(round, Name::Bare, figure)?);
            Some(figure.compare.apply(lane, bare))
        };
        self.0.iter().filter_map(pair).collect()
    }
}

fn round(stand: &Stand, scenario: &Scenario) -> Result<Vec<(Name, Sample)>> {
    let topic = if scenario.reads { stand.topics.read } else { stand.topics.write };
    let sample = |lane: &Lane| Ok((lane.name, stand.loader.measure(lane, topic, &scenario.arguments)?));
    stand.lanes.iter().map(sample).collect()
}

fn value(round: &[(Name, Sample)], lane: Name, figure: &Figure) -> Option<f64> {
    let (_, sample) = round.iter().find(|(name, _)| *name == lane)?;
    (figure.of)(sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::{CPU_PER_GB, P50};

    #[test]
    fn lanes_are_compared_within_their_round() {
        let rounds = Rounds(vec![
            vec![(Name::Bare, sample(1.0, 100.0)), (Name::Gateway, sample(1.5, 130.0))],
            vec![(Name::Bare, sample(2.0, 200.0)), (Name::Gateway, sample(2.0, 210.0))],
        ]);
        assert_eq!(rounds.compared(Name::Gateway, &CPU_PER_GB), [1.5, 1.0]);
        assert_eq!(rounds.compared(Name::Gateway, &P50), [30.0, 10.0]);
        assert_eq!(rounds.values(Name::Haproxy, &P50), [0.0; 0]);
    }

    fn sample(cpu_seconds: f64, p50_us: f64) -> Sample {
        let (cpu_seconds, p50_us) = (Some(cpu_seconds), Some(p50_us));
        Sample { cpu_seconds, bytes: 1e9, requests: 1.0, seconds: 1.0, p50_us, p99_us: None }
    }
}
