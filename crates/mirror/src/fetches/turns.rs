//! Whose turn it is among the partitions that one connection asks for.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Want;
use crate::calls::TopicPartition;
use crate::calls::fetch::FetchPartition;

/// What partitions want, in the order of their turns: who had something is last, since a broker begins to fill an answer with the first.
#[derive(Default)]
pub(super) struct Turns {
    known: HashMap<TopicPartition, (i64, Want)>,
    order: BTreeMap<i64, TopicPartition>,
    /// Turns were given up to here, from zero in both directions.
    first: i64,
    last: i64,
    /// Who had only what was left of an answer: it comes first once it wants more.
    cut_short: HashSet<TopicPartition>,
}

impl Turns {
    /// A newer want of a partition takes the place of the one before it.
    pub(super) fn take(&mut self, want: Want) {
        if let Some((_, known)) = self.known.get_mut(&want.at) {
            *known = want;
            return;
        }
        let turn = if self.cut_short.remove(&want.at) {
            self.first -= 1;
            self.first
        } else {
            self.last += 1;
            self.last
        };
        self.order.insert(turn, want.at.clone());
        self.known.insert(want.at.clone(), (turn, want));
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The most bytes that one of them needs at least.
    pub(super) fn most_wanted(&self) -> usize {
        self.known.values().filter_map(|(_, want)| want.wants).max().unwrap_or(0)
    }

    /// So many of those whose turn it is; who does not wait any more has none.
    pub(super) fn next(&mut self, most: usize) -> impl Iterator<Item = &Want> {
        let order = &mut self.order;
        self.known.retain(|_, (turn, want)| {
            let is_closed = want.reply.is_closed();
            if is_closed {
                order.remove(turn);
            }
            !is_closed
        });
        self.order.values().filter_map(|at| self.known.get(at)).map(|(_, want)| want).take(most)
    }

    /// What was asked for, unless there is something newer, which was not asked for yet.
    pub(super) fn of(&self, asked: &FetchPartition) -> Option<&Want> {
        let (_, want) = self.known.get(&asked.at)?;
        (want.offset == asked.offset && want.last_epoch == asked.last_fetched_epoch).then_some(want)
    }

    /// The same, whose turn is over.
    pub(super) fn end(&mut self, asked: &FetchPartition) -> Option<Want> {
        self.of(asked)?;
        let (turn, want) = self.known.remove(&asked.at)?;
        self.order.remove(&turn);
        Some(want)
    }

    /// Who has had only what was left.
    pub(super) fn cut_short(&mut self, who: Option<TopicPartition>) {
        self.cut_short.extend(who);
    }

    /// All of them; none is left.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Want> {
        self.order.clear();
        self.known.drain().map(|(_, (_, want))| want)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_link::copy::Attempt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::calls::testing::at;
    use crate::reply::{Owed, Reply, Told};

    fn want(partition: i32, offset: i64, to: &mpsc::UnboundedSender<Told>) -> Want {
        let reply = Reply::new(Attempt(0), Owed::Fetched, to.clone());
        Want { at: at("t", partition), offset, last_epoch: None, wants: None, end: None, reply }
    }

    fn asked(partition: i32, offset: i64) -> FetchPartition {
        let at = at("t", partition);
        FetchPartition { at, offset, max_bytes: 1, leader_epoch: None, last_fetched_epoch: None }
    }

    fn order(turns: &mut Turns) -> Vec<(i32, i64)> {
        turns.next(usize::MAX).map(|want| (want.at.partition, want.offset)).collect()
    }

    #[test]
    fn who_comes_again_is_last_and_a_newer_want_stays_in_place() {
        let (to, _told) = mpsc::unbounded_channel();
        let mut turns = Turns::default();
        (0..3).for_each(|partition| turns.take(want(partition, 10, &to)));
        turns.take(want(1, 20, &to));
        assert_eq!(order(&mut turns), [(0, 10), (1, 20), (2, 10)]);
        assert!(turns.end(&asked(1, 10)).is_none(), "it was not asked for yet");
        turns.end(&asked(0, 10)).unwrap();
        turns.take(want(0, 30, &to));
        assert_eq!(order(&mut turns), [(1, 20), (2, 10), (0, 30)]);
        assert_eq!(turns.drain().count(), 3);
        assert!(turns.len() == 0 && order(&mut turns).is_empty());
    }

    #[test]
    fn who_had_only_what_was_left_is_first() {
        let (to, _told) = mpsc::unbounded_channel();
        let mut turns = Turns::default();
        (0..3).for_each(|partition| turns.take(want(partition, 10, &to)));
        turns.cut_short(Some(at("t", 1)));
        for partition in [0, 1] {
            turns.end(&asked(partition, 10)).unwrap();
            turns.take(want(partition, 20, &to));
        }
        assert_eq!(order(&mut turns), [(1, 20), (2, 10), (0, 20)]);
        assert_eq!(turns.next(2).count(), 2);
    }

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let (to, told) = mpsc::unbounded_channel();
        let (other, _told) = mpsc::unbounded_channel();
        let mut turns = Turns::default();
        turns.take(want(0, 10, &to));
        turns.take(want(1, 10, &other));
        drop(told);
        assert_eq!(order(&mut turns), [(1, 10)]);
    }
}
