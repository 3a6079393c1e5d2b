//! Where logs begin and end.

use anyhow::{Result, bail};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Place;
use crate::load::session::Session;

/// An end of a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    First,
    Last,
}

/// That offset of each partition, in order; none where there is no such topic yet.
pub(crate) fn ends(session: &mut Session, place: &Place, end: End) -> Result<Option<Vec<i64>>> {
    let timestamp = if end == End::First { EARLIEST } else { LATEST };
    let partition =
        |index| ListOffsetsPartition::default().with_partition_index(index).with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(TopicName(StrBytes::from_string(place.topic.clone())))
        .with_partitions((0..place.partitions).map(partition).collect());
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let answer = session.ask(VERSION, &request)?;
    let mut partitions: Vec<_> = answer.topics.iter().flat_map(|topic| &topic.partitions).collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    match partitions.iter().map(|partition| partition.error_code).find(|error| *error != 0) {
        None => Ok(Some(partitions.iter().map(|partition| partition.offset).collect())),
        Some(error) if NOT_YET.contains(&error) => Ok(None),
        Some(error) => bail!("ListOffsets of {}: error {error}", place.topic),
    }
}

/// Non-flexible, and served by every broker.
const VERSION: i16 = 5;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
/// UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER.
const NOT_YET: [i16; 3] = [3, 5, 6];
