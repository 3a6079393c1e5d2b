//! DeleteRecords (KIP-107): the start of a log, moved forward.

use std::time::Duration;

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use tidegate_wire::messages::delete_records_response::DeleteRecordsPartitionResult;
use tidegate_wire::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::order::{About, by_topic, in_order};
use super::place::Named;
use super::{Refusal, TopicPartition, millis, version};

const KEY: ApiKey = ApiKey::DeleteRecords;
const OURS: Versions = Versions::new(0, 2);

/// Which records of a partition go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// The partition.
    pub at: TopicPartition,
    /// All below this offset go.
    pub before: i64,
}

/// Deletes records at the leader of partitions; yields the first offset of each afterwards, in the order of what was asked. The broker
/// waits up to `wait` for the replicas. Needs DELETE on the topic.
///
/// On a partition with one replica this survives only a clean stop of its broker: look at the start again, and repeat. A topic whose
/// `cleanup.policy` is compact alone refuses (POLICY_VIOLATION), an offset above the high watermark is OFFSET_OUT_OF_RANGE.
///
/// # Errors
/// [`AskError`]; what is wrong with one partition is a [`Refusal`].
pub async fn delete_records(
    connection: &mut Connection,
    deletions: &[Deletion],
    wait: Duration,
) -> Result<Vec<Result<i64, Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let limit = connection.request_timeout().saturating_add(wait);
    let answer = connection.call_within(limit, version, &request(deletions, wait)).await?;
    read(deletions, &answer)
}

fn request(deletions: &[Deletion], wait: Duration) -> DeleteRecordsRequest {
    let of_partition = |entry: &&Deletion| {
        DeleteRecordsPartition::default().with_partition_index(entry.at.partition).with_offset(entry.before)
    };
    let topics = by_topic(deletions).into_iter().map(|(topic, entries)| {
        let partitions = entries.iter().map(of_partition).collect();
        DeleteRecordsTopic::default().with_name(topic.wire_name()).with_partitions(partitions)
    });
    DeleteRecordsRequest::default().with_topics(topics.collect()).with_timeout_ms(millis(wait))
}

fn read(asked: &[Deletion], answer: &DeleteRecordsResponse) -> Result<Vec<Result<i64, Refusal>>, AskError> {
    let partitions = answer.topics.iter().flat_map(|topic| {
        let of_topic = topic.partitions.iter();
        of_topic.map(|one| (Named::Name(topic.name.0.clone()), one.partition_index, start(one)))
    });
    in_order(KEY, asked, false, partitions)
}

fn start(partition: &DeleteRecordsPartitionResult) -> Result<i64, Refusal> {
    Refusal::check(partition.error_code, None).map(|()| partition.low_watermark)
}

impl About for Deletion {
    fn at(&self) -> &TopicPartition {
        &self.at
    }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::messages::delete_records_response::DeleteRecordsTopicResult;

    use super::*;
    use crate::calls::testing::{at, travelled};

    #[test]
    fn starts_and_refusals_stand_in_their_places() {
        let asked = [0, 1].map(|partition| Deletion { at: at("t", partition), before: 500 });
        for version in OURS.iter() {
            let request = travelled(&request(&asked, Duration::from_secs(3)), version);
            assert_eq!((request.timeout_ms, request.topics[0].partitions[1].offset), (3_000, 500));
        }
        let results = vec![
            DeleteRecordsPartitionResult::default().with_partition_index(1).with_low_watermark(500),
            DeleteRecordsPartitionResult::default().with_error_code(44),
        ];
        let topic = DeleteRecordsTopicResult::default()
            .with_name(at("t", 0).topic.wire_name())
            .with_partitions(results);
        let answer = read(&asked, &DeleteRecordsResponse::default().with_topics(vec![topic])).unwrap();
        assert!(answer[0].is_err());
        assert_eq!(answer[1], Ok(500));
    }
}
