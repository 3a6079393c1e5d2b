//! One step after the other through an answer, each in what is there of it.

use super::head::Head;
use super::names::Names;
use super::tags::{is_shown, neutralise, put};
use super::{PassError, Passing, admitted};
use crate::error_code::ErrorCode;
use crate::fetch::span::ABORTED_LENGTH;
use crate::fetch::{BY_ID_SINCE, FLEXIBLE_SINCE, LOG_START_SINCE, PREFERRED_REPLICA_SINCE, ResponsePlan};
use crate::frame::SIZE_PREFIX;
use crate::reader::{ReadError, Reader};
use crate::topic::{TopicKey, TopicRef};

/// What comes next; there is at least one byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Head,
    Topic,
    Partition,
    Aborted(usize),
    Replica,
    Records(usize),
    PartitionTags,
    TopicTags,
    ClosingTags,
    Done,
}

impl Passing {
    /// Takes one step in what is there behind `at` bytes that pass with it; gives how many bytes it took, and nothing for
    /// records that are not there yet.
    pub(super) fn advance(
        &mut self,
        bytes: &mut [u8],
        at: usize,
        names: &mut Names,
        plan: &impl ResponsePlan,
    ) -> Result<usize, PassError> {
        match self.step {
            Step::Head => self.head(bytes, plan),
            Step::Topic => self.topic(bytes, at, names, plan),
            Step::Partition => self.partition(bytes, plan),
            Step::Aborted(count) => self.aborted(bytes, count),
            Step::Replica => self.replica(bytes, plan),
            Step::Records(length) => Ok(self.records(bytes, length)),
            Step::PartitionTags => {
                let taken = neutralise(bytes, true, |tag, value| is_shown(tag, value, plan))?;
                self.step = self.end_partition();
                Ok(taken)
            }
            Step::TopicTags => {
                let taken = neutralise(bytes, true, |_, _| false)?;
                self.step = self.end_topic();
                Ok(taken)
            }
            Step::ClosingTags => {
                // Node endpoints are here: their clients ask for Metadata instead.
                let taken = neutralise(bytes, true, |_, _| false)?;
                self.step = Step::Done;
                Ok(taken)
            }
            Step::Done => Ok(0),
        }
    }

    pub(super) fn by_id(&self) -> bool {
        self.version >= BY_ID_SINCE
    }

    fn flexible(&self) -> bool {
        self.version >= FLEXIBLE_SINCE
    }

    fn next_topic(&self) -> Step {
        match self.topics {
            1.. => Step::Topic,
            0 if self.flexible() => Step::ClosingTags,
            0 => Step::Done,
        }
    }

    fn end_topic(&mut self) -> Step {
        self.topics = self.topics.saturating_sub(1);
        self.next_topic()
    }

    fn next_partition(&mut self) -> Step {
        match self.partitions {
            1.. => Step::Partition,
            0 if self.flexible() => Step::TopicTags,
            0 => self.end_topic(),
        }
    }

    fn end_partition(&mut self) -> Step {
        self.partitions = self.partitions.saturating_sub(1);
        self.next_partition()
    }

    fn end_records(&mut self) -> Step {
        if self.flexible() { Step::PartitionTags } else { self.end_partition() }
    }

    fn head(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let head = Head::read(bytes, self.version)?;
        if !self.by_id() {
            let size = self.expect(&head, plan)?;
            put(bytes, 0, &size.to_be_bytes());
        }
        neutralise(bytes.get_mut(head.tags..).unwrap_or_default(), self.flexible(), |_, _| false)?;
        put(bytes, SIZE_PREFIX, &self.correlation_id.to_be_bytes());
        put(bytes, head.throttle, &plan.throttle_ms(head.throttle_ms).to_be_bytes());
        if let Some(session) = head.session {
            put(bytes, session, &[0; 4]);
        }
        self.topics = head.topics;
        self.step = self.next_topic();
        Ok(head.end)
    }

    /// Notes which names are to come, and tells the size of the frame when each has been replaced.
    fn expect(&mut self, head: &Head, plan: &impl ResponsePlan) -> Result<i32, PassError> {
        let (mut come, mut shown) = (0, 0);
        for (topic, targets) in plan.asked() {
            let (TopicRef::Name(name), Some(target)) = (topic, admitted(targets)) else {
                return Err(PassError::Unplanned);
            };
            if !self.due.insert(name.into()) {
                return Err(PassError::Unplanned);
            }
            come += topic.length(self.flexible());
            shown += target.shown.borrowed().length(self.flexible());
        }
        if head.topics != self.due.len() {
            return Err(PassError::Miscounted { asked: self.due.len(), named: head.topics });
        }
        let size = (head.size + shown).checked_sub(come).and_then(|size| i32::try_from(size).ok());
        Ok(size.ok_or(ReadError::IllegalLength { at: 0, length: i64::MAX })?)
    }

    fn topic(
        &mut self,
        bytes: &mut [u8],
        at: usize,
        names: &mut Names,
        plan: &impl ResponsePlan,
    ) -> Result<usize, PassError> {
        let flexible = self.flexible();
        let mut reader = Reader::new(bytes);
        let topic = TopicRef::read(&mut reader, self.by_id(), flexible)?;
        let length = reader.position();
        let partitions = reader.array_count(flexible)?.unwrap_or(0);
        let taken = reader.position();
        let target = admitted(plan.targets(topic)).ok_or(PassError::Unplanned)?;
        match (topic, &target.shown) {
            (TopicRef::Id(_), TopicKey::Id(shown)) => put(bytes, 0, shown),
            (TopicRef::Name(name), shown @ TopicKey::Name(_)) => {
                // A length may be written in more bytes than it needs, which no broker does and the size does not count.
                let is_due = self.due.remove(name) && length == topic.length(flexible);
                if !is_due {
                    return Err(PassError::Unplanned);
                }
                names.replace(at..at + length, shown, flexible);
            }
            _ => return Err(PassError::Unplanned),
        }
        self.partitions = partitions;
        self.step = self.next_partition();
        Ok(taken)
    }

    fn partition(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        let mut fixed = Reader::new(reader.bytes(fixed_length(self.version))?);
        let count = reader.array_count(self.flexible())?.unwrap_or(0);
        fixed.int32()?;
        let error = ErrorCode(fixed.int16()?);
        if !error.is_none() {
            plan.note(error);
        }
        self.step = if count > 0 { Step::Aborted(count) } else { Step::Replica };
        Ok(reader.position())
    }

    /// One aborted transaction.
    fn aborted(&mut self, bytes: &mut [u8], count: usize) -> Result<usize, PassError> {
        Reader::new(bytes).skip(ABORTED_LENGTH)?;
        let tags = bytes.get_mut(ABORTED_LENGTH..).unwrap_or_default();
        let tags = neutralise(tags, self.flexible(), |_, _| false)?;
        self.step = if count > 1 { Step::Aborted(count - 1) } else { Step::Replica };
        Ok(ABORTED_LENGTH + tags)
    }

    /// The preferred replica, if this version has one, and how many bytes of records follow.
    fn replica(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        let replica = if self.version >= PREFERRED_REPLICA_SINCE { Some(reader.int32()?) } else { None };
        let records = reader.array_count(self.flexible())?.unwrap_or(0);
        let taken = reader.position();
        if replica.is_some_and(|replica| replica < 0 || plan.endpoint(replica).is_none()) {
            put(bytes, 0, &(-1_i32).to_be_bytes());
        }
        self.step = if records > 0 { Step::Records(records) } else { self.end_records() };
        Ok(taken)
    }

    fn records(&mut self, bytes: &[u8], length: usize) -> usize {
        let taken = bytes.len().min(length);
        self.step = if taken < length { Step::Records(length - taken) } else { self.end_records() };
        taken
    }
}

/// Bytes of a partition before its aborted transactions.
fn fixed_length(version: i16) -> usize {
    if version >= LOG_START_SINCE { 30 } else { 22 }
}
