//! The records of a partition as they go down: as they came, or with fillers hidden.

use std::ops::Range;

use bytes::Bytes;

use super::{ResponsePlan, Target};
use crate::filler::hide_all;
use crate::frame::EnvelopeWriter;
use crate::topic::{TopicRef, write_count};

/// The records under one target.
pub(super) struct Records<'a, P> {
    frame: &'a Bytes,
    plan: &'a P,
    /// The upstream topic, if its fillers are to be hidden.
    mirror: Option<TopicRef<'a>>,
}

impl<'a, P: ResponsePlan> Records<'a, P> {
    pub(super) fn of(frame: &'a Bytes, plan: &'a P, topic: TopicRef<'a>, target: &Target) -> Self {
        Self { frame, plan, mirror: target.hides_fillers.then_some(topic) }
    }

    /// Writes those of one partition, which lie there in the frame.
    #[inline]
    pub(super) fn write(&self, partition: i32, at: Range<usize>, flexible: bool, out: &mut EnvelopeWriter) {
        match self.mirror {
            None => {
                write_count(out.buffer(), at.len(), flexible);
                out.splice(self.frame.slice(at));
            }
            Some(topic) => self.write_hiding(topic, partition, at, flexible, out),
        }
    }

    #[cold]
    fn write_hiding(
        &self,
        topic: TopicRef<'_>,
        partition: i32,
        at: Range<usize>,
        flexible: bool,
        out: &mut EnvelopeWriter,
    ) {
        let records = self.frame.slice(at);
        let registered = match records.is_empty() {
            true => Vec::new(),
            false => self.plan.filler_producers(topic, partition),
        };
        match hide_all(&records, &|producer_id| registered.contains(&producer_id)) {
            Some(hidden) => {
                write_count(out.buffer(), hidden.length, flexible);
                hidden.pieces.into_iter().for_each(|piece| out.splice(piece));
            }
            None => {
                write_count(out.buffer(), records.len(), flexible);
                out.splice(records);
            }
        }
    }
}
