//! OffsetForLeaderEpoch (KIP-101, KIP-320): where an epoch ends in a log.

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use tidegate_wire::messages::offset_for_leader_epoch_response::EpochEndOffset;
use tidegate_wire::messages::{BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::fetch::EpochEnd;
use super::order::{About, by_topic, in_order};
use super::place::Named;
use super::{LedPartition, NO_EPOCH, Refusal, TopicPartition, version};

const KEY: ApiKey = ApiKey::OffsetForLeaderEpoch;

/// From when a stale leader refuses (KIP-320).
const OURS: Versions = Versions::new(2, 4);

const CONSUMER: BrokerId = BrokerId(-1);

/// An epoch of one log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EpochOf {
    /// The log.
    pub partition: LedPartition,
    /// The epoch.
    pub epoch: i32,
}

/// Where epochs end, in the order of what was asked: the largest epoch of the log that is not above the one asked for, and the
/// offset behind it. `None` when the log knows none, also for one that is above all that it has.
///
/// # Errors
/// [`AskError`]; what is wrong with one partition is a [`Refusal`].
pub async fn leader_epoch(
    connection: &mut Connection,
    epochs: &[EpochOf],
) -> Result<Vec<Result<Option<EpochEnd>, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(epochs)).await?;
    read(epochs, &answer)
}

fn request(epochs: &[EpochOf]) -> OffsetForLeaderEpochRequest {
    let of_partition = |entry: &&EpochOf| {
        OffsetForLeaderPartition::default()
            .with_partition(entry.at().partition)
            .with_current_leader_epoch(entry.partition.leader_epoch.unwrap_or(NO_EPOCH))
            .with_leader_epoch(entry.epoch)
    };
    let topics = by_topic(epochs).into_iter().map(|(topic, entries)| {
        let partitions = entries.iter().map(of_partition).collect();
        OffsetForLeaderTopic::default().with_topic(topic.wire_name()).with_partitions(partitions)
    });
    OffsetForLeaderEpochRequest::default().with_replica_id(CONSUMER).with_topics(topics.collect())
}

fn read(
    asked: &[EpochOf],
    answer: &OffsetForLeaderEpochResponse,
) -> Result<Vec<Result<Option<EpochEnd>, Refusal>>, AskError> {
    let partitions = answer.topics.iter().flat_map(|topic| {
        let of_topic = topic.partitions.iter();
        of_topic.map(|one| (Named::Name(topic.topic.0.clone()), one.partition, end(one)))
    });
    in_order(KEY, asked, false, partitions)
}

fn end(partition: &EpochEndOffset) -> Result<Option<EpochEnd>, Refusal> {
    Refusal::check(partition.error_code, None)?;
    let EpochEndOffset { leader_epoch: epoch, end_offset, .. } = *partition;
    Ok((end_offset >= 0).then_some(EpochEnd { epoch, end_offset }))
}

impl About for EpochOf {
    fn at(&self) -> &TopicPartition {
        &self.partition.at
    }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::messages::offset_for_leader_epoch_response::OffsetForLeaderTopicResult;

    use super::*;
    use crate::calls::testing::{at, travelled};

    fn asked() -> [EpochOf; 3] {
        [0, 1, 2].map(|partition| EpochOf {
            partition: LedPartition { at: at("t", partition), leader_epoch: Some(9) },
            epoch: 4 + partition,
        })
    }

    #[test]
    fn epochs_are_asked_for_at_every_version() {
        for version in OURS.iter() {
            let request = travelled(&request(&asked()), version);
            // Version 2 has no replica id.
            assert_eq!(request.replica_id.0, if version < 3 { -2 } else { -1 });
            let partition = &request.topics[0].partitions[2];
            assert_eq!((partition.partition, partition.current_leader_epoch), (2, 9));
            assert_eq!(partition.leader_epoch, 6);
        }
    }

    #[test]
    fn an_end_that_is_not_known_is_none() {
        let partition = |partition| EpochEndOffset::default().with_partition(partition);
        let ends = vec![
            partition(0).with_leader_epoch(3).with_end_offset(17),
            partition(1),
            partition(2).with_error_code(76),
        ];
        let topic = OffsetForLeaderTopicResult::default()
            .with_topic(at("t", 0).topic.wire_name())
            .with_partitions(ends);
        let answer = OffsetForLeaderEpochResponse::default().with_topics(vec![topic]);
        let answer = read(&asked(), &answer).unwrap();
        assert_eq!(answer[0], Ok(Some(EpochEnd { epoch: 3, end_offset: 17 })));
        assert_eq!(answer[1], Ok(None));
        assert!(answer[2].is_err());
    }
}
