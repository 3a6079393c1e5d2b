//! What the way to the mirror's broker does to requests.

use std::time::Duration;

use tidegate_e2e::dice::Dice;

/// Requests that change a log, as Kafka numbers them: Produce, `DeleteRecords`, `WriteTxnMarkers`.
const PRODUCE: i16 = 0;
const DELETE_RECORDS: i16 = 21;
const WRITE_TXN_MARKERS: i16 = 27;
const CHANGES: &[i16] = &[PRODUCE, DELETE_RECORDS, WRITE_TXN_MARKERS];

/// Longer than a worker waits before it reads the end of the log a second time.
const LATEST: Duration = Duration::from_millis(3_000);
const SLOWEST: Duration = Duration::from_millis(60);
/// How long an answer that never comes keeps its connection open.
const SILENCE: Duration = Duration::from_millis(400);

/// What may happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It takes its time.
    Slow,
    /// The connection ends in the middle of it.
    Cut,
    /// It is done, and its answer is lost.
    Unanswered,
    /// The connection ends, and it is done later.
    Late,
    /// The same for whatever changes a log, not only for appends.
    ChangeLate,
}

/// Two of these happen to few requests, and so are to happen more often.
const STORM: [Trouble; 6] =
    [Trouble::Slow, Trouble::Cut, Trouble::Unanswered, Trouble::Unanswered, Trouble::Late, Trouble::Late];

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    IsSlow(Duration),
    /// After so many bytes.
    IsCut(usize),
    IsUnanswered(Duration),
    IsLate(Duration),
}

/// What happens for a while; nothing does where the list is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) troubles: &'static [Trouble],
    /// To how many of a hundred requests that it can happen to.
    pub(crate) percent: usize,
}

impl Weather {
    pub(crate) const CALM: Self = Self { troubles: &[], percent: 0 };
    pub(crate) const SLOW: Self = Self { troubles: &[Trouble::Slow], percent: 70 };
    /// Whatever a broker that guards appends makes good.
    pub(crate) const STORM: Self = Self { troubles: &STORM, percent: 30 };

    /// What happens to a request of this kind and length.
    pub(crate) fn fate(&self, dice: &mut Dice, key: i16, length: usize) -> Fate {
        if self.troubles.is_empty() || !dice.percent(self.percent) {
            return Fate::Passes;
        }
        match dice.pick(self.troubles) {
            Trouble::Slow => Fate::IsSlow(dice.pause(SLOWEST)),
            Trouble::Cut => Fate::IsCut(dice.below(length)),
            Trouble::Unanswered if CHANGES.contains(&key) => Fate::IsUnanswered(dice.pause(SILENCE)),
            Trouble::Late if key == PRODUCE => Fate::IsLate(dice.pause(LATEST)),
            Trouble::ChangeLate if CHANGES.contains(&key) => Fate::IsLate(dice.pause(LATEST)),
            Trouble::Unanswered | Trouble::Late | Trouble::ChangeLate => Fate::Passes,
        }
    }
}
