//! DescribeProducers (KIP-664): which producers a log knows, and so what guards the next append.

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::describe_producers_request::TopicRequest;
use tidegate_wire::messages::describe_producers_response::{PartitionResponse, ProducerState};
use tidegate_wire::messages::{DescribeProducersRequest, DescribeProducersResponse};

use super::order::{by_topic, in_order};
use super::place::Named;
use super::{Refusal, TopicPartition, version};

const KEY: ApiKey = ApiKey::DescribeProducers;
const OURS: Versions = Versions::new(0, 0);

/// A producer that the leader of a partition remembers. It forgets one once the greatest timestamp of its last batch is older than the
/// broker's `producer.id.expiration.ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActiveProducer {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i32,
    /// The sequence of its last record; -1 when all that it has written is markers.
    pub last_sequence: i32,
    /// The greatest timestamp of its last batch, in milliseconds since 1970; -1 for none.
    pub last_timestamp: i64,
    /// The coordinator epoch of its last marker; -1 for none.
    pub coordinator_epoch: i32,
    /// Where its open transaction began.
    pub transaction_start: Option<i64>,
}

/// The producers that leaders of partitions remember, in the order of what was asked; those of one partition in no order.
/// Needs READ on the topic.
///
/// # Errors
/// [`AskError`]; what is wrong with one partition is a [`Refusal`].
pub async fn describe_producers(
    connection: &mut Connection,
    partitions: &[TopicPartition],
) -> Result<Vec<Result<Vec<ActiveProducer>, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(partitions)).await?;
    read(partitions, &answer)
}

fn request(partitions: &[TopicPartition]) -> DescribeProducersRequest {
    let topics = by_topic(partitions).into_iter().map(|(topic, entries)| {
        let partitions = entries.iter().map(|at| at.partition).collect();
        TopicRequest::default().with_name(topic.wire_name()).with_partition_indexes(partitions)
    });
    DescribeProducersRequest::default().with_topics(topics.collect())
}

fn read(
    asked: &[TopicPartition],
    answer: &DescribeProducersResponse,
) -> Result<Vec<Result<Vec<ActiveProducer>, Refusal>>, AskError> {
    let partitions = answer.topics.iter().flat_map(|topic| {
        let of_topic = topic.partitions.iter();
        of_topic.map(|one| (Named::Name(topic.name.0.clone()), one.partition_index, active(one)))
    });
    in_order(KEY, asked, false, partitions)
}

fn active(partition: &PartitionResponse) -> Result<Vec<ActiveProducer>, Refusal> {
    Refusal::check(partition.error_code, partition.error_message.as_ref())?;
    Ok(partition.active_producers.iter().map(producer).collect())
}

fn producer(state: &ProducerState) -> ActiveProducer {
    ActiveProducer {
        id: state.producer_id.0,
        epoch: state.producer_epoch,
        last_sequence: state.last_sequence,
        last_timestamp: state.last_timestamp,
        coordinator_epoch: state.coordinator_epoch,
        transaction_start: Some(state.current_txn_start_offset).filter(|start| *start >= 0),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::messages::describe_producers_response::TopicResponse;

    use super::*;
    use crate::calls::testing::{at, travelled};

    #[test]
    fn producers_come_by_partition() {
        let asked = [at("t", 2), at("u", 0)];
        let request = travelled(&request(&asked), 0);
        assert_eq!(request.topics[0].partition_indexes, [2]);
        assert_eq!(request.topics[1].name.as_str(), "u");
        let state = ProducerState::default()
            .with_producer_id(1_000.into())
            .with_producer_epoch(1)
            .with_last_sequence(9)
            .with_last_timestamp(1_234)
            .with_coordinator_epoch(-1)
            .with_current_txn_start_offset(-1);
        let partition = PartitionResponse::default().with_partition_index(2);
        let good = partition.clone().with_active_producers(vec![state]);
        let topic = |of: &TopicPartition, partition| {
            TopicResponse::default().with_name(of.topic.wire_name()).with_partitions(vec![partition])
        };
        let bad = PartitionResponse::default().with_error_code(29);
        let answer = DescribeProducersResponse::default()
            .with_topics(vec![topic(&asked[1], bad), topic(&asked[0], good)]);
        let answer = read(&asked, &travelled(&answer, 0)).unwrap();
        let known = ActiveProducer {
            id: 1_000,
            epoch: 1,
            last_sequence: 9,
            last_timestamp: 1_234,
            coordinator_epoch: -1,
            transaction_start: None,
        };
        assert_eq!(answer[0], Ok(vec![known]));
        assert!(answer[1].is_err());
    }
}
