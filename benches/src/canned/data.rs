//! Answers about records: Produce forgets them, Fetch finds the same ones everywhere.

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, ProduceRequest, ProduceResponse,
};

use super::Broker;

impl Broker {
    pub(super) fn fetch(&self, request: FetchRequest) -> Result<FetchResponse> {
        let topics: Result<_> = request.topics.into_iter().map(|topic| self.fetch_topic(topic)).collect();
        Ok(FetchResponse::default().with_responses(topics?))
    }

    fn fetch_topic(&self, topic: FetchTopic) -> Result<FetchableTopicResponse> {
        let partitions: Result<_> = topic.partitions.iter().map(|it| self.fetch_partition(it)).collect();
        Ok(FetchableTopicResponse::default()
            .with_topic(topic.topic)
            .with_topic_id(topic.topic_id)
            .with_partitions(partitions?))
    }

    fn fetch_partition(&self, asked: &FetchPartition) -> Result<PartitionData> {
        let data = PartitionData::default().with_partition_index(asked.partition);
        if asked.partition < 0 || asked.partition >= self.partitions {
            return Ok(data.with_error_code(UNKNOWN_TOPIC_OR_PARTITION).with_records(Some(Bytes::new())));
        }
        Ok(data
            .with_high_watermark(END)
            .with_last_stable_offset(END)
            .with_log_start_offset(0)
            .with_records(Some(self.records(asked.fetch_offset, asked.partition_max_bytes)?)))
    }

    /// Batches that begin at `offset`: what fits into the limit, at least one (as in Kafka), at most 1 MB.
    fn records(&self, offset: i64, max_bytes: i32) -> Result<Bytes> {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(0).min(MAX_BYTES_PER_PARTITION);
        let count = (max_bytes / self.batch.bytes.len()).max(1);
        let mut records = BytesMut::with_capacity(count * self.batch.bytes.len());
        let mut base_offset = offset;
        for _ in 0..count {
            let start = records.len();
            records.extend_from_slice(&self.batch.bytes);
            // The base offset is not covered by the CRC.
            let field = records.get_mut(start..start + 8).context("a batch without a base offset")?;
            field.copy_from_slice(&base_offset.to_be_bytes());
            base_offset += i64::try_from(self.batch.records)?;
        }
        Ok(records.freeze())
    }
}

pub(super) fn produce(request: ProduceRequest) -> ProduceResponse {
    let responses = request.topic_data.into_iter().map(|topic| {
        let partitions = topic
            .partition_data
            .iter()
            .map(|partition| {
                PartitionProduceResponse::default()
                    .with_index(partition.index)
                    .with_log_append_time_ms(-1)
                    .with_log_start_offset(0)
            })
            .collect();
        TopicProduceResponse::default()
            .with_name(topic.name)
            .with_topic_id(topic.topic_id)
            .with_partition_responses(partitions)
    });
    ProduceResponse::default().with_responses(responses.collect())
}

pub(super) fn list_offsets(request: ListOffsetsRequest) -> ListOffsetsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic
            .partitions
            .iter()
            .map(|partition| {
                ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_offset(if partition.timestamp == LATEST { END } else { 0 })
                    .with_leader_epoch(0)
            })
            .collect();
        ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

const MAX_BYTES_PER_PARTITION: usize = 1024 * 1024;
/// The end of the endless log: far, but a client may still add to it.
const END: i64 = 1 << 48;
const LATEST: i64 = -1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
