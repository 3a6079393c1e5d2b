//! A Fetch answer that is changed while it passes, without ever being whole.
//!
//! So a large answer needs no more memory than a small window, and its first records are on their way while the last
//! ones are still to come. What must not be shown and cannot be left out is made neutral where it stands: a tag gets a
//! number that no version uses and loses its value, which every client passes over (KIP-482).
//!
//! A frame's size comes first. By topic id, from version 13 on (KIP-516), nothing that is rewritten changes its length.
//! Names do, but which will come is known: without a fetch session (KIP-227) a broker answers all that it was asked, so
//! the new size follows from the plan. A topic of which a broker knows only some partitions may come twice, as brokers
//! put what they refuse behind the rest; how many come stands in the answer's first bytes ([`Passing::fits`]).

use std::collections::HashSet;

use bytes::BytesMut;

use super::{Partitions, ResponsePlan, Target};
use crate::frame::{Outgoing, SIZE_PREFIX};
use crate::reader::ReadError;

mod error;
mod head;
mod names;
mod steps;
mod tags;

pub use error::PassError;
use head::Head;
use names::Names;
use steps::Step;

/// Most bytes that are looked at together: one partition's numbers, one section of tags.
const LARGEST_PART: usize = 64 * 1024;

/// An answer under way.
#[derive(Debug)]
pub struct Passing {
    correlation_id: i32,
    version: i16,
    /// Bytes of the frame that have not passed yet; known once its size has come.
    left: Option<usize>,
    step: Step,
    topics: usize,
    partitions: usize,
    /// The topics that were asked for by name and have not come yet.
    due: HashSet<Box<str>>,
}

impl Passing {
    /// An answer of `version`, 4 to 18, to a client that waits for `correlation_id`.
    #[must_use]
    pub fn new(version: i16, correlation_id: i32) -> Self {
        Self {
            correlation_id,
            version,
            left: None,
            step: Step::Head,
            topics: 0,
            partitions: 0,
            due: HashSet::new(),
        }
    }

    /// Whether what `plan` says of a topic can be done in passing.
    #[must_use]
    pub fn admits(targets: &[Target]) -> bool {
        admitted(targets).is_some()
    }

    /// Whether the answer that begins so can pass; to be asked before the first [`Passing::pass`]. One that cannot be told
    /// yet is taken whole.
    #[must_use]
    pub fn fits(&self, beginning: &[u8], plan: &impl ResponsePlan) -> bool {
        self.by_id()
            || Head::read(beginning, self.version)
                .is_ok_and(|head| head.topics > 0 && head.topics == plan.asked().count())
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
    pub fn pass(&mut self, received: &mut BytesMut, plan: &impl ResponsePlan) -> Result<Outgoing, PassError> {
        if self.left.is_none() {
            let Some(size) = received.first_chunk::<SIZE_PREFIX>() else { return Ok(Outgoing::default()) };
            let size = usize::try_from(i32::from_be_bytes(*size)).unwrap_or(0);
            self.left = Some(size.saturating_add(SIZE_PREFIX));
        }
        let mut names = Names::default();
        let mut passed = 0;
        while !self.is_done() {
            let within = received.get_mut(passed..).unwrap_or_default();
            let all = within.len();
            // Nothing is read beyond the end of the frame, whatever follows it.
            let end = self.left.map_or(all, |left| left.min(all));
            let window = within.get_mut(..end).unwrap_or_default();
            match self.advance(window, passed, &mut names, plan) {
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
            _ => Ok(names.splice(received.split_to(passed).freeze())),
        }
    }
}

/// The one appearance of a topic of which nothing is added, left out or doubled.
fn admitted(targets: &[Target]) -> Option<&Target> {
    // A hidden filler has another length.
    let is_plain = |target: &Target| {
        target.refuse.is_none() && target.partitions == Partitions::All && !target.hides_fillers
    };
    match targets {
        [target] => Some(target).filter(|target| is_plain(target)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
