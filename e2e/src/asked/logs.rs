//! Requests about a partition's log.

use crate::raw::{frame, parse};
use crate::requests::topic_name;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, DescribeProducersRequest, FetchRequest, ListOffsetsRequest,
    OffsetForLeaderEpochRequest, ProduceRequest, ProduceResponse, TransactionalId,
};
use tidegate_sim::table::Described;
use tidegate_sim::{Aborted, Answer, Ask, EpochEnd, Fetch, Fetched, Offset, Place, Produce};
use tidegate_wire::error_code::ErrorCode;

use super::Asked;
use super::operator::text;

const PRODUCE: i16 = 9;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// A reader that is neither a client nor a broker.
const DEBUGGER: i32 = -2;

impl Asked {
    pub(crate) fn append(&mut self, entries: &[(Place, Produce)]) -> Vec<(Place, Answer)> {
        answers(&self.call(PRODUCE, &produce_request(entries)))
    }

    pub(crate) fn append_pipelined(&mut self, place: &Place, requests: &[Produce]) -> Vec<Answer> {
        for (id, produce) in (0..).zip(requests) {
            let request = produce_request(&[(place.clone(), produce.clone())]);
            let frame = frame(id, PRODUCE, &request).unwrap();
            self.connection().send(&frame).unwrap();
        }
        let receive = |_| {
            let answer = self.connection().receive().unwrap();
            answers(&parse::<ProduceRequest>(PRODUCE, answer).unwrap().1)[0].1
        };
        requests.iter().map(receive).collect()
    }

    pub(crate) fn read(&mut self, place: &Place, fetch: &Fetch) -> Fetched {
        let partition = FetchPartition::default()
            .with_partition(place.partition)
            .with_fetch_offset(fetch.offset)
            .with_last_fetched_epoch(fetch.last_epoch.unwrap_or(-1))
            .with_current_leader_epoch(fetch.leader_epoch.unwrap_or(-1))
            .with_partition_max_bytes(i32::try_from(fetch.max_bytes).unwrap());
        let topic =
            FetchTopic::default().with_topic(topic_name(&place.topic)).with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(0)
            .with_min_bytes(0)
            .with_max_bytes(64 << 20)
            .with_isolation_level(i8::from(fetch.committed))
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        let answer = self.call(12, &request);
        let partition = &answer.responses[0].partitions[0];
        let diverging = EpochEnd {
            epoch: partition.diverging_epoch.epoch,
            end_offset: partition.diverging_epoch.end_offset,
        };
        let aborted = partition.aborted_transactions.as_ref().map(|all| {
            let aborted = all.iter().map(|aborted| Aborted {
                producer_id: aborted.producer_id.0,
                first_offset: aborted.first_offset,
                last_offset: -1,
            });
            aborted.collect()
        });
        Fetched {
            error_code: ErrorCode(partition.error_code),
            high_watermark: partition.high_watermark,
            stable_end: partition.last_stable_offset,
            log_start_offset: partition.log_start_offset,
            aborted,
            diverging: Some(diverging).filter(|end| *end != EpochEnd::UNKNOWN),
            records: partition.records.clone().unwrap_or_default(),
        }
    }

    pub(crate) fn offset(&mut self, place: &Place, ask: Ask) -> Offset {
        let timestamp = if ask == Ask::Start { EARLIEST } else { LATEST };
        let replica = if ask == Ask::LogEnd { DEBUGGER } else { -1 };
        let partition = ListOffsetsPartition::default()
            .with_partition_index(place.partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topic =
            ListOffsetsTopic::default().with_name(topic_name(&place.topic)).with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(replica))
            .with_isolation_level(i8::from(ask == Ask::StableEnd))
            .with_topics(vec![topic]);
        let answer = self.call(5, &request);
        let partition = &answer.topics[0].partitions[0];
        Offset {
            error_code: ErrorCode(partition.error_code),
            offset: partition.offset,
            leader_epoch: partition.leader_epoch,
        }
    }

    pub(crate) fn end_of_epoch(
        &mut self,
        place: &Place,
        replica: i32,
        epoch: i32,
        leader_epoch: Option<i32>,
    ) -> (ErrorCode, EpochEnd) {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(place.partition)
            .with_current_leader_epoch(leader_epoch.unwrap_or(-1))
            .with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(topic_name(&place.topic))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(replica))
            .with_topics(vec![topic]);
        let answer = self.call(4, &request);
        let found = &answer.topics[0].partitions[0];
        let end = EpochEnd { epoch: found.leader_epoch, end_offset: found.end_offset };
        (ErrorCode(found.error_code), end)
    }

    pub(crate) fn delete(&mut self, place: &Place, before: i64) -> (ErrorCode, i64) {
        let partition =
            DeleteRecordsPartition::default().with_partition_index(place.partition).with_offset(before);
        let topic = DeleteRecordsTopic::default()
            .with_name(topic_name(&place.topic))
            .with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        let answer = self.call(2, &request);
        let partition = &answer.topics[0].partitions[0];
        (ErrorCode(partition.error_code), partition.low_watermark)
    }

    pub(crate) fn producers(&mut self, place: &Place) -> Vec<Described> {
        let topic = TopicRequest::default()
            .with_name(topic_name(&place.topic))
            .with_partition_indexes(vec![place.partition]);
        let answer = self.call(0, &DescribeProducersRequest::default().with_topics(vec![topic]));
        let partition = &answer.topics[0].partitions[0];
        assert_eq!(partition.error_code, 0, "{partition:?}");
        let active = partition.active_producers.iter().map(|state| Described {
            producer_id: state.producer_id.0,
            epoch: state.producer_epoch,
            last_sequence: state.last_sequence,
            last_timestamp: state.last_timestamp,
            coordinator_epoch: state.coordinator_epoch,
            open: state.current_txn_start_offset,
        });
        let mut active: Vec<_> = active.collect();
        active.sort_by_key(|described| described.producer_id);
        active
    }
}

/// One request; entries of one topic are in one list, in their order.
fn produce_request(entries: &[(Place, Produce)]) -> ProduceRequest {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    for (place, produce) in entries {
        let partition = PartitionProduceData::default()
            .with_index(place.partition)
            .with_records(Some(produce.records.clone()));
        let name = topic_name(&place.topic);
        match topics.iter_mut().find(|topic| topic.name == name) {
            Some(topic) => topic.partition_data.push(partition),
            None => {
                topics.push(TopicProduceData::default().with_name(name).with_partition_data(vec![partition]));
            }
        }
    }
    let first = entries.first().map(|(_, produce)| produce);
    let transactional_id = first.and_then(|produce| produce.transactional_id.as_deref());
    ProduceRequest::default()
        .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
        .with_acks(first.map_or(-1, |produce| produce.acks))
        .with_timeout_ms(10_000)
        .with_topic_data(topics)
}

fn answers(response: &ProduceResponse) -> Vec<(Place, Answer)> {
    let mut answers = Vec::new();
    for topic in &response.responses {
        for partition in &topic.partition_responses {
            let answer = Answer {
                error_code: ErrorCode(partition.error_code),
                base_offset: partition.base_offset,
                log_append_time: partition.log_append_time_ms,
                log_start_offset: partition.log_start_offset,
            };
            answers.push((Place::new(&topic.name, partition.index), answer));
        }
    }
    answers
}
