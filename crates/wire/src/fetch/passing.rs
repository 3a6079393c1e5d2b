//! A Fetch answer by topic ids that is changed while it passes, without ever being whole.
//!
//! From version 13 on (KIP-516) nothing that is rewritten changes its length, so a large answer needs no more memory
//! than a small window, and its first records are on their way while the last ones are still to come. What must not be
//! shown and cannot be left out is made neutral where it stands: a tag gets a number that no version uses and loses
//! its value, which every client passes over (KIP-482).

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::span::{ABORTED_LENGTH, TAG_CURRENT_LEADER, TAG_DIVERGING_EPOCH};
use super::{BY_ID_SINCE, Partitions, ResponsePlan};
use crate::error_code::ErrorCode;
use crate::frame::SIZE_PREFIX;
use crate::reader::{ReadError, Reader};
use crate::topic::{TopicKey, TopicRef};

/// Why an answer cannot pass; both sides must then be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassError {
    /// The answer is malformed.
    #[error(transparent)]
    Malformed(#[from] ReadError),
    /// It names a topic that was not asked for, or that may not be shown as it is.
    #[error("it names a topic that does not belong there")]
    Unplanned,
    /// Something between records is larger than a broker makes it.
    #[error("{0} bytes between records do not end")]
    Endless(usize),
    /// A section has more tags than there are numbers for what must not be shown.
    #[error("{0} tags in one section are more than can be hidden")]
    Crowded(u32),
}

/// Most bytes that are looked at together: one partition's numbers, one section of tags.
const LARGEST_PART: usize = 64 * 1024;

/// From here on no version has tags of its own; one byte each.
const UNUSED_TAGS: Range<u8> = 100..128;

/// Bytes of a partition before its aborted transactions.
const FIXED_LENGTH: usize = 30;

/// Whether an answer to this version may pass piece by piece if it has nothing added, left out or doubled: see
/// [`Passing::admits`].
#[must_use]
pub fn may_pass(version: i16) -> bool {
    version >= BY_ID_SINCE
}

/// An answer under way.
#[derive(Debug)]
pub struct Passing {
    correlation_id: i32,
    /// Bytes of the frame that have not passed yet; known once its size has come.
    left: Option<usize>,
    step: Step,
    topics: usize,
    partitions: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
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
    /// An answer to a client that waits for `correlation_id`.
    #[must_use]
    pub fn new(correlation_id: i32) -> Self {
        Self { correlation_id, left: None, step: Step::Head, topics: 0, partitions: 0 }
    }

    /// Whether what `plan` says of a topic can be done in passing.
    #[must_use]
    pub fn admits(targets: &[super::Target]) -> bool {
        // A hidden filler has another length.
        matches!(targets, [target]
            if target.refuse.is_none() && target.partitions == Partitions::All && !target.hides_fillers)
    }

    /// Whether the whole answer has passed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Changes as much of what has been received as can be understood so far, takes it off and gives it. What stays is
    /// the beginning of something, or belongs to the next frame.
    ///
    /// # Errors
    /// [`PassError`].
    pub fn pass(&mut self, received: &mut BytesMut, plan: &impl ResponsePlan) -> Result<Bytes, PassError> {
        if self.left.is_none() {
            let Some(size) = received.first_chunk::<SIZE_PREFIX>() else { return Ok(Bytes::new()) };
            let size = usize::try_from(i32::from_be_bytes(*size)).unwrap_or(0);
            self.left = Some(size.saturating_add(SIZE_PREFIX));
        }
        let mut passed = 0;
        while !self.is_done() {
            let within = received.get_mut(passed..).unwrap_or_default();
            let all = within.len();
            // Nothing is read beyond the end of the frame, whatever follows it.
            let end = self.left.map_or(all, |left| left.min(all));
            let window = within.get_mut(..end).unwrap_or_default();
            match self.advance(window, plan) {
                Ok(0) => break,
                Ok(length) => {
                    passed += length;
                    self.left = self.left.map(|left| left.saturating_sub(length));
                }
                Err(PassError::Malformed(error @ ReadError::Truncated { .. })) => {
                    if self.left.is_some_and(|left| left <= end) {
                        return Err(error.into());
                    }
                    if end > LARGEST_PART {
                        return Err(PassError::Endless(end));
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        match self.left {
            // The size and what is in the frame must end together.
            Some(0) if !self.is_done() => Err(ReadError::Truncated { at: passed, wanted: 1 }.into()),
            Some(left @ 1..) if self.is_done() => {
                let length = i64::try_from(left).unwrap_or(i64::MAX);
                Err(ReadError::IllegalLength { at: passed, length }.into())
            }
            _ => Ok(received.split_to(passed).freeze()),
        }
    }

    /// Takes one step in what is there; gives how many bytes it took, and nothing for records that are not there yet.
    fn advance(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        match self.step {
            Step::Head => self.head(bytes, plan),
            Step::Topic => self.topic(bytes, plan),
            Step::Partition => self.partition(bytes, plan),
            Step::Aborted(count) => self.aborted(bytes, count),
            Step::Replica => self.replica(bytes, plan),
            Step::Records(length) => Ok(self.records(bytes, length)),
            Step::PartitionTags => {
                let taken = neutralise(bytes, |tag, value| is_shown(tag, value, plan))?;
                self.partitions = self.partitions.saturating_sub(1);
                self.step = self.next_partition();
                Ok(taken)
            }
            Step::TopicTags => {
                let taken = neutralise(bytes, |_, _| false)?;
                self.topics = self.topics.saturating_sub(1);
                self.step = self.next_topic();
                Ok(taken)
            }
            Step::ClosingTags => {
                // Node endpoints are here: their clients ask for Metadata instead.
                let taken = neutralise(bytes, |_, _| false)?;
                self.step = Step::Done;
                Ok(taken)
            }
            Step::Done => Ok(0),
        }
    }

    fn next_topic(&self) -> Step {
        if self.topics > 0 { Step::Topic } else { Step::ClosingTags }
    }

    fn next_partition(&self) -> Step {
        if self.partitions > 0 { Step::Partition } else { Step::TopicTags }
    }

    /// Size, correlation id, tags, throttle time, error, session id, number of topics.
    fn head(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        reader.int32()?;
        reader.int32()?;
        let tags = reader.position();
        reader.skip_tags(true)?;
        let top = reader.position();
        let throttle_ms = reader.int32()?;
        reader.int16()?;
        reader.int32()?;
        let topics = reader.array_count(true)?.unwrap_or(0);
        let taken = reader.position();
        neutralise(bytes.get_mut(tags..).unwrap_or_default(), |_, _| false)?;
        put(bytes, SIZE_PREFIX, &self.correlation_id.to_be_bytes());
        put(bytes, top, &plan.throttle_ms(throttle_ms).to_be_bytes());
        put(bytes, top + 6, &[0; 4]);
        self.topics = topics;
        self.step = self.next_topic();
        Ok(taken)
    }

    fn topic(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        let id = reader.uuid()?;
        let partitions = reader.array_count(true)?.unwrap_or(0);
        let taken = reader.position();
        let targets = plan.targets(TopicRef::Id(id));
        match targets {
            [target] if Self::admits(targets) => match target.shown {
                TopicKey::Id(shown) => put(bytes, 0, &shown),
                TopicKey::Name(_) => return Err(PassError::Unplanned),
            },
            _ => return Err(PassError::Unplanned),
        }
        self.partitions = partitions;
        self.step = self.next_partition();
        Ok(taken)
    }

    fn partition(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        let mut fixed = Reader::new(reader.bytes(FIXED_LENGTH)?);
        let count = reader.array_count(true)?.unwrap_or(0);
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
        let tags = neutralise(bytes.get_mut(ABORTED_LENGTH..).unwrap_or_default(), |_, _| false)?;
        self.step = if count > 1 { Step::Aborted(count - 1) } else { Step::Replica };
        Ok(ABORTED_LENGTH + tags)
    }

    /// The preferred replica, and how many bytes of records follow.
    fn replica(&mut self, bytes: &mut [u8], plan: &impl ResponsePlan) -> Result<usize, PassError> {
        let mut reader = Reader::new(bytes);
        let replica = reader.int32()?;
        let records = reader.array_count(true)?.unwrap_or(0);
        let taken = reader.position();
        if replica < 0 || plan.endpoint(replica).is_none() {
            put(bytes, 0, &(-1_i32).to_be_bytes());
        }
        self.step = if records > 0 { Step::Records(records) } else { Step::PartitionTags };
        Ok(taken)
    }

    fn records(&mut self, bytes: &[u8], length: usize) -> usize {
        let taken = bytes.len().min(length);
        self.step = if taken < length { Step::Records(length - taken) } else { Step::PartitionTags };
        taken
    }
}

/// Whether a partition's tag goes down as it is.
fn is_shown(tag: u32, value: &[u8], plan: &impl ResponsePlan) -> bool {
    match tag {
        TAG_DIVERGING_EPOCH => value.len() == 13 && value.last() == Some(&0),
        TAG_CURRENT_LEADER => {
            let leader = value.first_chunk().map(|leader| i32::from_be_bytes(*leader));
            let is_whole = value.len() == 9 && value.last() == Some(&0);
            is_whole && leader.is_some_and(|leader| plan.endpoint(leader).is_some())
        }
        _ => false,
    }
}

/// Makes every tag of a section neutral that is not to be shown; gives the section's length.
fn neutralise(bytes: &mut [u8], mut is_shown: impl FnMut(u32, &[u8]) -> bool) -> Result<usize, PassError> {
    // Whole first: a section that is not there yet is looked at again.
    let mut reader = Reader::new(bytes);
    reader.skip_tags(true)?;
    let end = reader.position();
    let mut reader = Reader::new(bytes);
    let count = reader.unsigned_varint()?;
    let mut at = reader.position();
    let mut unused = UNUSED_TAGS;
    for _ in 0..count {
        let mut reader = Reader::at(bytes, at);
        let tag = reader.unsigned_varint()?;
        let width = reader.position() - at;
        let size = usize::try_from(reader.unsigned_varint()?).unwrap_or(usize::MAX);
        let value = reader.position()..reader.position().saturating_add(size);
        if !is_shown(tag, bytes.get(value.clone()).unwrap_or_default()) {
            bytes.get_mut(value.clone()).unwrap_or_default().fill(0);
            // A number of several bytes is one that no version has either.
            if width == 1 {
                put(bytes, at, &[unused.next().ok_or(PassError::Crowded(count))?]);
            }
        }
        at = value.end;
    }
    Ok(end)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

#[cfg(test)]
mod tests;
