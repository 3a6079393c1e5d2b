//! A Fetch answer of a broker, and the plan by which the gateway shows it.

use std::ops::Range;

use anyhow::{Context, Result};
use bytes::Bytes;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::fetch::{Partitions, RefusedTopic, ResponsePlan, Target, rewrite_response};
use tidegate_wire::frame::Outgoing;
use tidegate_wire::topic::{TopicKey, TopicMap, TopicRef};
use uuid::Uuid;

use super::{Naming, Shape, backing_id, backing_name, records, shown_id, shown_name};
use crate::frame;

/// An answer frame and its plan.
pub struct FetchAnswer {
    frame: Bytes,
    version: i16,
    plan: Plan,
}

impl FetchAnswer {
    /// An answer of that shape, with 1 KB of records in each partition.
    pub fn new(naming: Naming, shape: Shape) -> Result<Self> {
        let version = naming.fetch_version();
        let responses = (0..shape.topics).map(|topic| answered(naming, topic, shape.partitions)).collect();
        let response = FetchResponse::default().with_responses(responses);
        let frame = frame::response(version, 1, &response)?.freeze();
        Ok(Self { frame, version, plan: Plan::new(naming, shape.topics) })
    }

    /// What the gateway does with it.
    pub fn rewrite(&self) -> Result<Outgoing> {
        rewrite_response(&self.frame, self.version, 4711, &self.plan).context("a canned answer is malformed")
    }

    /// Where the answer lies in memory.
    pub fn memory(&self) -> Range<*const u8> {
        self.frame.as_ptr_range()
    }

    /// Bytes of the answer.
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }
}

fn answered(naming: Naming, topic: usize, partitions: usize) -> FetchableTopicResponse {
    let partitions = (0..).take(partitions).map(partition).collect();
    let answered = FetchableTopicResponse::default().with_partitions(partitions);
    match naming {
        Naming::Names => answered.with_topic(TopicName(StrBytes::from_string(backing_name(topic)))),
        Naming::Ids => answered.with_topic_id(Uuid::from_bytes(backing_id(topic))),
    }
}

/// As Kafka answers a consumer that is in step: no aborted transactions, no other replica preferred.
fn partition(index: i32) -> PartitionData {
    PartitionData::default()
        .with_partition_index(index)
        .with_high_watermark(1_000)
        .with_last_stable_offset(1_000)
        .with_log_start_offset(0)
        .with_aborted_transactions(None)
        .with_preferred_read_replica(BrokerId(-1))
        .with_records(Some(records()))
}

struct Plan {
    shown: TopicMap<Vec<Target>>,
}

impl Plan {
    fn new(naming: Naming, topics: usize) -> Self {
        let mut shown = TopicMap::default();
        for topic in 0..topics {
            let (backing, alias) = match naming {
                Naming::Names => {
                    let named = |name: String| TopicKey::Name(name.into());
                    (named(backing_name(topic)), named(shown_name(topic)))
                }
                Naming::Ids => (TopicKey::Id(backing_id(topic)), TopicKey::Id(shown_id(topic))),
            };
            let target =
                Target { shown: alias, partitions: Partitions::All, refuse: None, hides_fillers: false };
            shown.insert(backing, vec![target]);
        }
        Self { shown }
    }
}

impl ResponsePlan for Plan {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        self.shown.get(topic).map_or(&[], Vec::as_slice)
    }

    fn refused(&self) -> &[RefusedTopic] {
        &[]
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        (1..=3).contains(&node).then_some(("gateway.example", 19_092))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::FetchRequest;

    #[test]
    fn the_rewritten_answer_shows_every_alias_with_its_records() {
        for naming in Naming::ALL {
            let answer = FetchAnswer::new(naming, Shape { topics: 3, partitions: 2 }).unwrap();
            let rewritten = answer.rewrite().unwrap().joined();
            let body = rewritten.slice(frame::SIZE_BYTES..);
            let shown = frame::decode_response::<FetchRequest>(naming.fetch_version(), body).unwrap();
            assert_eq!(shown.responses.len(), 3);
            for (index, topic) in shown.responses.iter().enumerate() {
                match naming {
                    Naming::Names => assert_eq!(topic.topic.as_str(), shown_name(index)),
                    Naming::Ids => assert_eq!(topic.topic_id.into_bytes(), shown_id(index)),
                }
                assert_eq!(topic.partitions.len(), 2);
                assert!(topic.partitions.iter().all(|it| it.records == Some(records())));
            }
        }
    }
}
