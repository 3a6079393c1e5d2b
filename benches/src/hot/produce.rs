//! A Produce request of a client, and its way to the broker.

use anyhow::{Context, Result};
use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::frame::Outgoing;
use tidegate_wire::header::Request;
use tidegate_wire::produce::{self, Rewritten};
use tidegate_wire::topic::TopicKey;
use uuid::Uuid;

use super::{Naming, backing_id, backing_name, records, shown_id, shown_name};
use crate::frame;

/// A request for one topic, and what the topic is called upstream.
pub struct ProduceCall {
    body: Bytes,
    version: i16,
    upstream: TopicKey,
}

impl ProduceCall {
    /// A request with 1 KB of records for each partition of one topic.
    pub fn new(naming: Naming, partitions: usize) -> Result<Self> {
        let partition =
            |index| PartitionProduceData::default().with_index(index).with_records(Some(records()));
        let data =
            TopicProduceData::default().with_partition_data((0..).take(partitions).map(partition).collect());
        let (data, upstream) = match naming {
            Naming::Names => (
                data.with_name(TopicName(StrBytes::from_string(shown_name(0)))),
                TopicKey::Name(backing_name(0).into()),
            ),
            Naming::Ids => (data.with_topic_id(Uuid::from_bytes(shown_id(0))), TopicKey::Id(backing_id(0))),
        };
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![data]);
        let version = naming.produce_version();
        let body = Request::parse(frame::request(version, 1, &request)?.freeze())?.body;
        Ok(Self { body, version, upstream })
    }

    /// What the gateway does with it.
    pub fn rewrite(&self) -> Result<Outgoing> {
        let read = produce::ProduceRequest::read(&self.body, self.version)
            .context("a canned request is malformed")?;
        let topics = read.topics.into_iter().map(|topic| (self.upstream.clone(), topic.partitions));
        let rewritten = Rewritten {
            correlation_id: 4711,
            client_id: "tg-zone/bench",
            transactional_id: read.transactional_id,
            acks: read.acks,
            timeout_ms: read.timeout_ms,
            topics: topics.collect(),
        };
        Ok(rewritten.write(&self.body, self.version))
    }

    /// Bytes of the request's body.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rewritten_request_names_the_backing_topic_and_keeps_its_records() {
        for naming in Naming::ALL {
            let frame = ProduceCall::new(naming, 3).unwrap().rewrite().unwrap().joined();
            let request = Request::parse(frame).unwrap();
            let read = produce::ProduceRequest::read(&request.body, request.version).unwrap();
            let topic = &read.topics[0];
            let upstream = match naming {
                Naming::Names => TopicKey::Name(backing_name(0).into()),
                Naming::Ids => TopicKey::Id(backing_id(0)),
            };
            assert_eq!(TopicKey::from(topic.topic), upstream);
            assert_eq!(topic.partitions.len(), 3);
            for partition in &topic.partitions {
                assert_eq!(request.body[partition.records.clone().unwrap()], records());
            }
        }
    }
}
