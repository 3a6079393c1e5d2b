//! ListOffsets (KIP-79): where logs begin and end.

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidegate_wire::messages::list_offsets_response::ListOffsetsPartitionResponse;
use tidegate_wire::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};

use super::order::{by_topic, in_order};
use super::place::Named;
use super::{Isolation, LedPartition, NO_EPOCH, Refusal, version};

const KEY: ApiKey = ApiKey::ListOffsets;

/// From when isolation levels are known; above are only further timestamps and a time limit.
const OURS: Versions = Versions::new(2, 9);

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spot {
    /// The first offset.
    Start,
    /// The end of what all replicas in sync have.
    HighWatermark,
    /// The end of what belongs to no open transaction.
    LastStableOffset,
    /// The end of the leader's own log, which may be above the high watermark: what a replica is told, and the debugging
    /// consumer (replica id -2).
    LogEnd,
}

/// An offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListedOffset {
    /// The offset.
    pub offset: i64,
    /// The epoch of the record there, or of the leader at an end; `None` from brokers before 2.1, and where there is nothing.
    pub leader_epoch: Option<i32>,
}

/// Asks the leader of partitions for one spot of each, in their order.
///
/// # Errors
/// [`AskError`]; what is wrong with one partition is a [`Refusal`].
pub async fn list_offsets(
    connection: &mut Connection,
    spot: Spot,
    partitions: &[LedPartition],
) -> Result<Vec<Result<ListedOffset, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(spot, partitions)).await?;
    read(partitions, &answer)
}

fn request(spot: Spot, partitions: &[LedPartition]) -> ListOffsetsRequest {
    let (timestamp, replica, isolation) = match spot {
        Spot::Start => (EARLIEST, CONSUMER, Isolation::ReadUncommitted),
        Spot::HighWatermark => (LATEST, CONSUMER, Isolation::ReadUncommitted),
        Spot::LastStableOffset => (LATEST, CONSUMER, Isolation::ReadCommitted),
        Spot::LogEnd => (LATEST, DEBUGGING_CONSUMER, Isolation::ReadUncommitted),
    };
    let of_partition = |entry: &&LedPartition| {
        ListOffsetsPartition::default()
            .with_partition_index(entry.at.partition)
            .with_current_leader_epoch(entry.leader_epoch.unwrap_or(NO_EPOCH))
            .with_timestamp(timestamp)
    };
    let topics = by_topic(partitions).into_iter().map(|(topic, entries)| {
        let partitions = entries.iter().map(of_partition).collect();
        ListOffsetsTopic::default().with_name(topic.wire_name()).with_partitions(partitions)
    });
    ListOffsetsRequest::default()
        .with_replica_id(replica)
        .with_isolation_level(isolation.code())
        .with_topics(topics.collect())
}

fn read(
    asked: &[LedPartition],
    answer: &ListOffsetsResponse,
) -> Result<Vec<Result<ListedOffset, Refusal>>, AskError> {
    let partitions = answer.topics.iter().flat_map(|topic| {
        let of_topic = topic.partitions.iter();
        of_topic.map(|one| (Named::Name(topic.name.0.clone()), one.partition_index, listed(one)))
    });
    in_order(KEY, asked, false, partitions)
}

fn listed(partition: &ListOffsetsPartitionResponse) -> Result<ListedOffset, Refusal> {
    Refusal::check(partition.error_code, None)?;
    let leader_epoch = Some(partition.leader_epoch).filter(|epoch| *epoch >= 0);
    Ok(ListedOffset { offset: partition.offset, leader_epoch })
}

const CONSUMER: BrokerId = BrokerId(-1);
const DEBUGGING_CONSUMER: BrokerId = BrokerId(-2);

#[cfg(test)]
mod tests {
    use tidegate_wire::error_code::ErrorCode;
    use tidegate_wire::messages::list_offsets_response::ListOffsetsTopicResponse;

    use super::*;
    use crate::calls::testing::{at, travelled};

    fn asked() -> [LedPartition; 2] {
        [0, 1].map(|partition| LedPartition { at: at("t", partition), leader_epoch: Some(3) })
    }

    #[test]
    fn each_spot_is_asked_for_in_its_own_way() {
        let spots = [
            (Spot::Start, -2, -1, 0),
            (Spot::HighWatermark, -1, -1, 0),
            (Spot::LastStableOffset, -1, -1, 1),
            (Spot::LogEnd, -1, -2, 0),
        ];
        for version in OURS.iter() {
            for (spot, timestamp, replica, isolation) in spots {
                let request = travelled(&request(spot, &asked()), version);
                assert_eq!((request.replica_id.0, request.isolation_level), (replica, isolation));
                let partition = &request.topics[0].partitions[1];
                assert_eq!((partition.partition_index, partition.timestamp), (1, timestamp));
                assert_eq!(partition.current_leader_epoch, if version < 4 { -1 } else { 3 });
            }
        }
    }

    #[test]
    fn offsets_and_refusals_stand_in_their_places() {
        let good = ListOffsetsPartitionResponse::default().with_partition_index(1).with_offset(42);
        let bad = ListOffsetsPartitionResponse::default().with_error_code(74);
        let topic = ListOffsetsTopicResponse::default()
            .with_name(at("t", 0).topic.wire_name())
            .with_partitions(vec![good.with_leader_epoch(3), bad]);
        let answer = read(&asked(), &ListOffsetsResponse::default().with_topics(vec![topic])).unwrap();
        assert_eq!(answer[0].as_ref().unwrap_err().code, ErrorCode::FENCED_LEADER_EPOCH);
        assert_eq!(answer[1], Ok(ListedOffset { offset: 42, leader_epoch: Some(3) }));
    }
}
