//! What is fetched and not yet sent, in the order of offsets.

use std::collections::VecDeque;

use crate::source::{Data, Piece};

/// The next thing to do at the end of the mirror's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Append records.
    Data(Data),
    /// Fill up to this offset.
    Gap { until: i64, fast: Fast },
    /// Let the log begin here.
    Start { before: i64 },
}

/// How a gap is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fast {
    /// With records by the hundred thousand, for they are deleted afterwards.
    Deleted,
    /// So that readers see as little of it as can be.
    Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Queue {
    work: VecDeque<Work>,
    bytes: usize,
}

impl Queue {
    pub(super) fn push(&mut self, work: Work) {
        if let (Some(Work::Gap { until, fast }), Work::Gap { until: further, fast: also }) =
            (self.work.back_mut(), &work)
            && fast == also
        {
            *until = (*until).max(*further);
            return;
        }
        self.bytes = self.bytes.saturating_add(weight(&work));
        self.work.push_back(work);
    }

    pub(super) fn extend(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            self.push(match piece {
                Piece::Data(data) => Work::Data(data),
                Piece::Gap(gap) => Work::Gap { until: gap.end, fast: Fast::Kept },
            });
        }
    }

    pub(super) fn first(&self) -> Option<&Work> {
        self.work.front()
    }

    pub(super) fn pop(&mut self) {
        if let Some(work) = self.work.pop_front() {
            self.bytes = self.bytes.saturating_sub(weight(&work));
        }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn weight(work: &Work) -> usize {
    match work {
        Work::Data(data) => data.weight().saturating_add(size_of::<Work>()),
        Work::Gap { .. } | Work::Start { .. } => size_of::<Work>(),
    }
}
