//! The request.

use tidegate_wire::messages::fetch_request::{FetchPartition as Partition, FetchTopic};
use tidegate_wire::messages::{BrokerId, FetchRequest};

use super::{Fetch, FetchPartition, is_by_id};
use crate::calls::order::by_topic;
use crate::calls::{NO_EPOCH, Topic, millis};

/// The first version that looks for diverging epochs (KIP-595).
const DIVERGING_SINCE: i16 = 12;

/// Not a replica.
const CONSUMER: BrokerId = BrokerId(-1);

/// No session is there and none is wanted (KIP-227).
const SESSIONLESS: i32 = -1;

pub(super) fn request(version: i16, fetch: &Fetch) -> FetchRequest {
    let topics = by_topic(&fetch.partitions);
    let topics = topics.into_iter().map(|(topic, entries)| of_topic(version, topic, &entries)).collect();
    FetchRequest::default()
        .with_replica_id(CONSUMER)
        .with_max_wait_ms(millis(fetch.max_wait))
        .with_min_bytes(fetch.min_bytes)
        .with_max_bytes(fetch.max_bytes)
        .with_isolation_level(fetch.isolation.code())
        .with_session_epoch(SESSIONLESS)
        .with_topics(topics)
}

fn of_topic(version: i16, topic: &Topic, entries: &[&FetchPartition]) -> FetchTopic {
    let partitions = entries.iter().map(|entry| of_partition(version, entry)).collect();
    let request = FetchTopic::default().with_partitions(partitions);
    match topic.id().filter(|_| is_by_id(version)) {
        Some(id) => request.with_topic_id(id),
        None => request.with_topic(topic.wire_name()),
    }
}

fn of_partition(version: i16, entry: &FetchPartition) -> Partition {
    let last_epoch = entry.last_fetched_epoch.filter(|_| version >= DIVERGING_SINCE);
    Partition::default()
        .with_partition(entry.at.partition)
        .with_current_leader_epoch(entry.leader_epoch.unwrap_or(NO_EPOCH))
        .with_fetch_offset(entry.offset)
        .with_last_fetched_epoch(last_epoch.unwrap_or(NO_EPOCH))
        .with_partition_max_bytes(entry.max_bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::calls::testing::{at, travelled};
    use crate::calls::{Isolation, TopicPartition};

    fn wanted(at: TopicPartition, offset: i64) -> FetchPartition {
        FetchPartition { at, offset, max_bytes: 1_000, leader_epoch: Some(5), last_fetched_epoch: Some(4) }
    }

    #[test]
    fn every_version_says_what_it_can() {
        let (first, second, third) = (at("a", 0), at("b", 3), at("a", 1));
        let id = first.topic.id().unwrap();
        let fetch = Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: Duration::from_millis(500),
            min_bytes: 1,
            max_bytes: 1 << 20,
            partitions: vec![wanted(first, 10), wanted(second, 20), wanted(third, 30)],
        };
        for version in 4..=17 {
            let request = travelled(&request(version, &fetch), version);
            assert_eq!((request.replica_id.0, request.session_id, request.session_epoch), (-1, 0, -1));
            assert_eq!((request.max_wait_ms, request.min_bytes, request.max_bytes), (500, 1, 1 << 20));
            assert!(request.isolation_level == 1 && request.rack_id.is_empty());
            assert_eq!(request.topics.len(), 2);
            let topic = &request.topics[0];
            assert_eq!(topic.topic.as_str(), if version < 13 { "a" } else { "" });
            assert_eq!(topic.topic_id.is_nil(), version < 13, "version {version}");
            assert!(version < 13 || topic.topic_id == id);
            let offsets: Vec<_> =
                topic.partitions.iter().map(|one| (one.partition, one.fetch_offset)).collect();
            assert_eq!(offsets, [(0, 10), (1, 30)]);
            let partition = &topic.partitions[0];
            assert_eq!(partition.current_leader_epoch, if version < 9 { -1 } else { 5 });
            assert_eq!(partition.last_fetched_epoch, if version < 12 { -1 } else { 4 });
            assert_eq!((partition.log_start_offset, partition.partition_max_bytes), (-1, 1_000));
        }
    }
}
