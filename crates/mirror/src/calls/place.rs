//! Which log a request is about.

use std::fmt;

use tidegate_wire::StrBytes;
use tidegate_wire::messages::TopicName;
use uuid::Uuid;

use super::text::text;

/// A topic of one cluster. Clones share the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    name: StrBytes,
    id: Uuid,
}

impl Topic {
    /// A topic by its name and id; the id is nil where a broker does not tell it.
    #[must_use]
    pub fn new(name: &str, id: Uuid) -> Self {
        Self { name: text(name), id }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id (KIP-516): another one than before is another topic of the same name.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        (!self.id.is_nil()).then_some(self.id)
    }

    pub(super) fn wire_name(&self) -> TopicName {
        TopicName(self.name.clone())
    }

    /// The topic as a version refers to it.
    pub(super) fn named(&self, by_id: bool) -> Named {
        if by_id { Named::Id(self.id) } else { Named::Name(self.name.clone()) }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    #[must_use]
    pub fn new(topic: Topic, partition: i32) -> Self {
        Self { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A partition, and by which epoch its leader is believed to lead it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LedPartition {
    /// The partition.
    pub at: TopicPartition,
    /// A broker of another epoch refuses, with FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH (KIP-320). None asks whoever leads.
    pub leader_epoch: Option<i32>,
}

/// A topic as a request or an answer refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Named {
    Name(StrBytes),
    Id(Uuid),
}

impl Named {
    /// The topic of an answer, which has both fields and sets the one that the version knows.
    pub(super) fn of(by_id: bool, name: &TopicName, id: Uuid) -> Self {
        if by_id { Self::Id(id) } else { Self::Name(name.0.clone()) }
    }
}
