//! Whose turn it is among the partitions that one connection asks for.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Want;
use crate::calls::TopicPartition;
use crate::calls::fetch::FetchPartition;

/// What partitions want, in the order of their turns.
#[derive(Default)]
pub(super) struct Turns {
    known: HashMap<TopicPartition, Want>,
    /// Who had something is last.
    order: VecDeque<TopicPartition>,
    /// Who had only what was left of an answer: it comes first once it wants more.
    cut_short: HashSet<TopicPartition>,
}

impl Turns {
    /// A newer want of a partition takes the place of the one before it.
    pub(super) fn take(&mut self, want: Want) {
        let at = want.at.clone();
        if self.known.insert(at.clone(), want).is_some() {
            return;
        }
        if self.cut_short.remove(&at) {
            self.order.push_front(at);
        } else {
            self.order.push_back(at);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The most bytes that one of them needs at least.
    pub(super) fn most_wanted(&self) -> usize {
        self.known.values().filter_map(|want| want.wants).max().unwrap_or(0)
    }

    /// So many of those whose turn it is; who does not wait any more has none.
    pub(super) fn next(&mut self, most: usize) -> impl Iterator<Item = &Want> {
        let known = &mut self.known;
        known.retain(|_, want| !want.reply.is_closed());
        self.order.retain(|at| known.contains_key(at));
        self.order.iter().filter_map(|at| self.known.get(at)).take(most)
    }

    /// What was asked for, unless there is something newer, which was not asked for yet.
    pub(super) fn end(&mut self, asked: &FetchPartition) -> Option<Want> {
        let want = self.known.get(&asked.at)?;
        if want.offset != asked.offset || want.last_epoch != asked.last_fetched_epoch {
            return None;
        }
        self.order.retain(|at| *at != asked.at);
        self.known.remove(&asked.at)
    }

    /// Who has had only what was left.
    pub(super) fn cut_short(&mut self, who: Option<TopicPartition>) {
        self.cut_short.extend(who);
    }

    /// All of them; none is left.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Want> {
        self.order.clear();
        self.known.drain().map(|(_, want)| want)
    }
}
