//! Which leader wrote from which offset on (KIP-101): what tells a reader that a log is no longer the one it knew.

/// The end of what a leader wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The leader's epoch; -1 when there is nothing to say.
    pub epoch: i32,
    /// The first offset that is not its own; -1 when there is nothing to say.
    pub end_offset: i64,
}

impl EpochEnd {
    /// Nothing to say.
    pub const UNKNOWN: Self = Self { epoch: -1, end_offset: -1 };
}

/// Where each leader began, in order of both epoch and offset; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epochs {
    begun: Vec<(i32, i64)>,
    /// That of the leader.
    current: i32,
}

impl Default for Epochs {
    fn default() -> Self {
        Self { begun: vec![(0, 0)], current: 0 }
    }
}

impl Epochs {
    pub(crate) fn current(&self) -> i32 {
        self.current
    }

    /// A new leader begins at `end`. Those that wrote nothing are no longer known.
    pub(crate) fn raise(&mut self, end: i64) {
        self.current = self.current.saturating_add(1);
        self.cut(end);
        self.begun.push((self.current, end));
    }

    /// What was written from `end` on is gone.
    pub(crate) fn cut(&mut self, end: i64) {
        self.begun.retain(|(_, start)| *start < end);
    }

    /// The leader that wrote what lies at `offset`.
    pub(crate) fn at(&self, offset: i64) -> i32 {
        let before = self.begun.iter().take_while(|(_, start)| *start <= offset);
        before.last().map_or(self.current, |(epoch, _)| *epoch)
    }

    /// The end of what the leader of `epoch`, or the one before it, wrote in a log of this start and end.
    pub(crate) fn end_of(&self, epoch: i32, start: i64, end: i64) -> EpochEnd {
        let known = self.known(start);
        if known.last().is_some_and(|(last, _)| *last == epoch) {
            return EpochEnd { epoch, end_offset: end };
        }
        if epoch < 0 {
            return EpochEnd::UNKNOWN;
        }
        let Some((_, end_offset)) = known.iter().find(|(known, _)| *known > epoch) else {
            return EpochEnd::UNKNOWN;
        };
        let floor = known.iter().rev().find(|(known, _)| *known <= epoch);
        EpochEnd { epoch: floor.map_or(epoch, |(known, _)| *known), end_offset: *end_offset }
    }

    /// What is left of them in a log that begins at `start`.
    fn known(&self, start: i64) -> Vec<(i32, i64)> {
        let first = self.begun.iter().rposition(|(_, begun)| *begun <= start).unwrap_or(0);
        self.begun.iter().skip(first).map(|(epoch, begun)| (*epoch, start.max(*begun))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(epoch: i32, end_offset: i64) -> EpochEnd {
        EpochEnd { epoch, end_offset }
    }

    #[test]
    fn the_end_of_a_leader_is_the_begin_of_the_next() {
        let mut epochs = Epochs::default();
        epochs.raise(10);
        epochs.raise(10);
        epochs.raise(20);
        assert_eq!(epochs.current(), 3);
        assert_eq!(epochs.end_of(0, 0, 30), end(0, 10));
        assert_eq!(epochs.end_of(1, 0, 30), end(0, 10), "it wrote nothing");
        assert_eq!(epochs.end_of(2, 0, 30), end(2, 20));
        assert_eq!(epochs.end_of(3, 0, 30), end(3, 30));
        assert_eq!(epochs.end_of(4, 0, 30), EpochEnd::UNKNOWN);
        assert_eq!(epochs.end_of(-1, 0, 30), EpochEnd::UNKNOWN);
        assert_eq!((epochs.at(9), epochs.at(10), epochs.at(25)), (0, 2, 3));
    }

    #[test]
    fn what_is_deleted_takes_its_leaders_along() {
        let mut epochs = Epochs::default();
        epochs.raise(10);
        epochs.raise(20);
        assert_eq!(epochs.end_of(0, 15, 30), end(0, 15), "older than all that is known");
        assert_eq!(epochs.end_of(1, 15, 30), end(1, 20));
        epochs.cut(20);
        epochs.raise(15);
        assert_eq!((epochs.current(), epochs.end_of(1, 0, 30)), (3, end(1, 15)));
    }
}
