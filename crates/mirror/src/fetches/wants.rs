//! What is wanted, one want of a partition, and whose turn it is.

use std::collections::{BTreeMap, HashMap};

use super::Want;
use crate::calls::TopicPartition;

/// Wants in turn: who had something is last, since a broker begins to fill an answer with the first.
#[derive(Default)]
pub(super) struct Wants {
    known: HashMap<TopicPartition, (u64, Want)>,
    turns: BTreeMap<u64, TopicPartition>,
    next_turn: u64,
}

impl Wants {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// A newer want of a partition takes the place of the one before it.
    pub(super) fn add(&mut self, want: Want) {
        if let Some((_, known)) = self.known.get_mut(&want.at) {
            *known = want;
            return;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert(turn, want.at.clone());
        self.known.insert(want.at.clone(), (turn, want));
    }

    pub(super) fn of(&self, at: &TopicPartition) -> Option<&Want> {
        self.known.get(at).map(|(_, want)| want)
    }

    pub(super) fn remove(&mut self, at: &TopicPartition) -> Option<Want> {
        let (turn, want) = self.known.remove(at)?;
        self.turns.remove(&turn);
        Some(want)
    }

    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Want> {
        self.turns.values().filter_map(|at| self.of(at))
    }

    /// Forgets what nobody waits for any more.
    pub(super) fn drop_closed(&mut self) {
        let turns = &mut self.turns;
        self.known.retain(|_, (turn, want)| {
            let is_closed = want.reply.is_closed();
            if is_closed {
                turns.remove(turn);
            }
            !is_closed
        });
    }

    /// The most bytes that one of them needs.
    pub(super) fn most_wanted(&self) -> usize {
        self.known.values().filter_map(|(_, want)| want.wants).max().unwrap_or(0)
    }

    pub(super) fn take_all(&mut self) -> Vec<Want> {
        self.turns.clear();
        self.known.drain().map(|(_, (_, want))| want).collect()
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

    fn turns(wants: &Wants) -> Vec<(i32, i64)> {
        wants.in_turn().map(|want| (want.at.partition, want.offset)).collect()
    }

    #[test]
    fn who_comes_again_is_last_and_a_newer_want_stays_in_place() {
        let (to, _told) = mpsc::unbounded_channel();
        let mut wants = Wants::default();
        (0..3).for_each(|partition| wants.add(want(partition, 10, &to)));
        wants.add(want(1, 20, &to));
        assert_eq!(turns(&wants), [(0, 10), (1, 20), (2, 10)]);
        wants.remove(&at("t", 0)).unwrap();
        wants.add(want(0, 30, &to));
        assert_eq!(turns(&wants), [(1, 20), (2, 10), (0, 30)]);
        assert_eq!(wants.take_all().len(), 3);
        assert!(wants.is_empty() && turns(&wants).is_empty());
    }

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let (to, told) = mpsc::unbounded_channel();
        let (other, _told) = mpsc::unbounded_channel();
        let mut wants = Wants::default();
        wants.add(want(0, 10, &to));
        wants.add(want(1, 10, &other));
        drop(told);
        wants.drop_closed();
        assert_eq!(turns(&wants), [(1, 10)]);
    }
}
