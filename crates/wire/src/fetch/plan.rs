//! What is to become of each topic of a Fetch answer.

use crate::error_code::ErrorCode;
use crate::topic::{TopicKey, TopicRef};

/// One appearance of an upstream topic in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name or id to show.
    pub shown: TopicKey,
    /// Which partitions appear under it, and how.
    pub partitions: Partitions,
    /// Show this error in place of all data, e.g. because the alias was revoked meanwhile.
    pub refuse: Option<ErrorCode>,
    /// Hide fillers among its records: the topic is a mirror, see [`ResponsePlan::filler_producers`].
    pub hides_fillers: bool,
}

/// Which partitions of an upstream topic appear under one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partitions {
    /// All, as they are: the topic was asked for under one name only.
    All,
    /// Two names of one topic in one request: each partition was asked for once upstream.
    Some {
        /// Sorted; with their records.
        whole: Vec<i32>,
        /// Sorted; watermarks only, the sibling has the records this time.
        bare: Vec<i32>,
    },
}

/// Topics that were never asked upstream and are added to the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedTopic {
    /// The name or id as the client wrote it.
    pub shown: TopicKey,
    /// The partitions it asked for.
    pub partitions: Vec<i32>,
    /// The error for each of them.
    pub error: ErrorCode,
}

/// Decides the rewriting of one Fetch answer.
pub trait ResponsePlan {
    /// Every appearance of an upstream topic in the answer; empty drops it.
    fn targets(&self, topic: TopicRef<'_>) -> &[Target];

    /// Every topic that was asked for upstream, once, with its appearances: what an answer by name will name. An answer
    /// to a plan that does not tell them cannot pass.
    fn asked(&self) -> impl Iterator<Item = (TopicRef<'_>, &[Target])> {
        std::iter::empty()
    }

    /// Topics to add.
    fn refused(&self) -> &[RefusedTopic];

    /// The producer ids that are registered for the fillers in a partition of an upstream topic. Asked only where there are
    /// records and a target that hides fillers.
    fn filler_producers(&self, topic: TopicRef<'_>, partition: i32) -> Vec<i64> {
        let _ = (topic, partition);
        Vec::new()
    }

    /// The advertised host and port of a node; `None` hides the node.
    fn endpoint(&self, node: i32) -> Option<(&str, u16)>;

    /// Milliseconds of silence to ask of the client, given what the broker asks.
    fn throttle_ms(&self, upstream: i32) -> i32 {
        upstream
    }

    /// Told of every error of a partition.
    fn note(&self, error: ErrorCode) {
        let _ = error;
    }
}

/// How one partition appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appearance {
    Whole,
    Bare,
    Refused(ErrorCode),
    Absent,
}

impl Target {
    pub(super) fn appearance(&self, partition: i32) -> Appearance {
        let shown = match &self.partitions {
            Partitions::All => Appearance::Whole,
            Partitions::Some { whole, .. } if whole.binary_search(&partition).is_ok() => Appearance::Whole,
            Partitions::Some { bare, .. } if bare.binary_search(&partition).is_ok() => Appearance::Bare,
            Partitions::Some { .. } => Appearance::Absent,
        };
        match (shown, self.refuse) {
            (Appearance::Absent, _) | (_, None) => shown,
            (_, Some(error)) => Appearance::Refused(error),
        }
    }

    /// How many of `all` partitions appear, when that can be told without looking at each.
    pub(super) fn count_of(&self, all: usize) -> Option<usize> {
        matches!(self.partitions, Partitions::All).then_some(all)
    }
}
