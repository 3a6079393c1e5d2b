//! What a link shows of itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tidegate_core::MirrorTopic;
use tidegate_core::records::{MirrorRecord, MirrorStatus};
use tidegate_link::copy::{Filling, Guarding, Phase, Status};
use tidegate_link::topic::Held;

use crate::link::StatusReader;

/// What a link does on this worker, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkStatus {
    /// Its name.
    pub link: String,
    /// Its id; none before it was made.
    pub id: Option<String>,
    /// Whether this worker is a member of the link's group, so that it may write where no broker guards.
    pub is_member: bool,
    /// What is in the way of the whole link.
    pub problem: Option<String>,
    /// The mirror topics that this worker has a share of.
    pub mirrors: Vec<MirrorView>,
}

/// A mirror topic, or this worker's share of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MirrorView {
    /// The mirror topic.
    pub topic: String,
    /// The topic that it copies.
    pub source: String,
    /// What it does; the words are those of REST.
    pub status: &'static str,
    /// What has failed; the words are those of REST.
    pub error: Option<&'static str>,
    /// Why, where a person has to act.
    pub why: Option<String>,
    /// What is in the way for now.
    pub problem: Option<String>,
    /// Configs that are the link's until it has caught up.
    pub held: Vec<HeldView>,
    /// Partitions that this worker copies.
    pub partitions: Vec<PartitionView>,
}

/// A config that is not what it will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldView {
    /// Its name.
    pub name: &'static str,
    /// What it is until then.
    pub now: String,
    /// What it is at the source, and will be.
    pub then: String,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionView {
    /// Its number.
    pub partition: i32,
    /// What it is about.
    pub phase: &'static str,
    /// All before this offset is in the mirror.
    pub position: Option<i64>,
    /// The end of what is committed at the source.
    pub source_end: Option<i64>,
    /// How many offsets lie between.
    pub lag: Option<u64>,
    /// What guards the next append: the broker, by producer id and sequence, or the lease alone.
    pub guard: Option<&'static str>,
    /// The gap that is being filled, or is the next to be.
    pub filling: Option<FillingView>,
    /// Offsets that were copied since this worker has it.
    pub copied: u64,
    /// Offsets that were filled with records.
    pub filled: u64,
    /// Offsets that were filled with markers.
    pub marked: u64,
    /// The last offsets that the source dropped before they were copied, as `first..end`.
    pub overtaken: Option<String>,
    /// Before this offset the mirror could not be held against its source.
    pub unverified: Option<i64>,
    /// What is in the way for now.
    pub problem: Option<String>,
    /// Why it is over.
    pub failure: Option<String>,
}

/// A gap of the source, which the mirror fills so that offsets stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FillingView {
    /// Offsets that are left.
    pub offsets: u64,
    /// In how many milliseconds they will be filled.
    pub left_ms: u64,
}

/// Where tasks put what they do, and readers find it.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<BTreeMap<MirrorTopic, Entry>>>);

/// A mirror topic as its task saw it last; what its partitions do is read at the moment of asking.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) record: MirrorRecord,
    pub(super) problem: Option<String>,
    pub(super) held: Vec<Held>,
    pub(super) partitions: BTreeMap<i32, StatusReader>,
}

impl Board {
    pub(super) fn put(&self, entry: Entry) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(entry.record.topic.clone(), entry);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn views(&self) -> Vec<MirrorView> {
        self.entries().iter().map(view).collect()
    }
}

fn view(entry: &Entry) -> MirrorView {
    let Entry { record, problem, held, partitions } = entry;
    let error = match record.status {
        MirrorStatus::Failed(error) => Some(error.as_str()),
        _ => None,
    };
    let held = held.iter().cloned().map(|Held { name, now, then }| HeldView { name, now, then });
    let partitions = partitions.iter().map(|(number, reader)| partition(*number, reader.status()));
    MirrorView {
        topic: record.topic.to_string(),
        source: record.source.to_string(),
        status: record.status.as_str(),
        error,
        why: record.why.clone(),
        problem: problem.clone(),
        held: held.collect(),
        partitions: partitions.collect(),
    }
}

fn partition(partition: i32, status: Status) -> PartitionView {
    let lag = status.lag();
    let Status { phase, position, source_end, guarding, filling, facts } = status;
    let (phase, failure) = match phase {
        Phase::Observing => ("OBSERVING", None),
        Phase::Comparing => ("COMPARING", None),
        Phase::Copying => ("COPYING", None),
        Phase::Resting => ("RESTING", None),
        Phase::Failed(failure) => ("FAILED", Some(failure.to_string())),
    };
    let guard = guarding.map(|guarding| match guarding {
        Guarding::Sequence => "SEQUENCE",
        Guarding::Lease => "LEASE",
    });
    PartitionView {
        partition,
        phase,
        position,
        source_end,
        lag,
        guard,
        filling: filling.map(|Filling { offsets, left_ms }| FillingView { offsets, left_ms }),
        copied: facts.copied,
        filled: facts.filled,
        marked: facts.marked,
        overtaken: facts.overtaken.map(|range| format!("{}..{}", range.start, range.end)),
        unverified: facts.unverified,
        problem: facts.obstacle.map(|obstacle| obstacle.to_string()),
        failure,
    }
}
