//! What people are told of a copy.

use super::{Facts, Failure, Filling, Guarding};

/// What a machine does, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is about.
    pub phase: Phase,
    /// All before this offset is in the mirror; none before it was looked at.
    pub position: Option<i64>,
    /// The end of what is committed at the source, as of its last answer.
    pub source_end: Option<i64>,
    /// What guards the next append.
    pub guarding: Option<Guarding>,
    /// The gap that it fills, or is about to.
    pub filling: Option<Filling>,
    /// What it has done.
    pub facts: Facts,
}

/// What a machine is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Reading where to go on.
    Observing,
    /// Holding the mirror's end against the source.
    Comparing,
    /// Copying, or waiting for something to copy.
    Copying,
    /// Waiting until it is tried again.
    Resting,
    /// It is over.
    Failed(Failure),
}

impl Status {
    /// How many offsets the mirror is behind; none where either end is not known.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        let lag = self.source_end?.saturating_sub(self.position?);
        Some(u64::try_from(lag).unwrap_or_default())
    }
}
