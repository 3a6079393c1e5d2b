//! WriteTxnMarkers (KIP-98): offsets that are taken by control batches, which no reader is shown.
//!
//! A marker needs no transaction: a broker writes one for any producer id, and each takes one offset. It is fenced by the
//! producer's epoch and by the coordinator epoch, and it is not deduplicated.

use std::num::NonZeroUsize;

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use tidegate_wire::messages::{ProducerId, WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use super::{TopicPartition, version};

const KEY: ApiKey = ApiKey::WriteTxnMarkers;

/// Version 0 says the same and went with 4.0; above is a field of transactions that are told apart.
const OURS: Versions = Versions::new(1, 1);

/// Abort markers of one producer on one partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AbortMarkers {
    /// The partition.
    pub at: TopicPartition,
    /// The producer id; one of the mirror's own, 0 or more.
    pub producer_id: i64,
    /// Its epoch: a lower one than before is fenced (INVALID_PRODUCER_EPOCH).
    pub producer_epoch: i16,
    /// A lower one than in the producer's last marker is fenced (TRANSACTION_COORDINATOR_FENCED).
    pub coordinator_epoch: i32,
    /// How many. A broker writes some ten thousand a second.
    pub count: NonZeroUsize,
}

/// Writes markers at the leader of a partition, all with one request. Needs ALTER or CLUSTER_ACTION on the cluster.
///
/// A broker answers once for each producer id: with the outcome of the last marker. After a failure nobody knows how many were
/// written, and after a success nobody else must have written meanwhile: look at the end of the log.
///
/// # Errors
/// [`AskError`], also for a marker that the broker refuses.
pub async fn write_abort_markers(
    connection: &mut Connection,
    markers: &AbortMarkers,
) -> Result<(), AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let answer = connection.call(version, &request(markers)).await?;
    read(markers, &answer)
}

/// Many markers with the partition once in each: a broker never answers a marker that names one twice.
fn request(markers: &AbortMarkers) -> WriteTxnMarkersRequest {
    let topic = WritableTxnMarkerTopic::default()
        .with_name(markers.at.topic.wire_name())
        .with_partition_indexes(vec![markers.at.partition]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(ProducerId(markers.producer_id))
        .with_producer_epoch(markers.producer_epoch)
        .with_coordinator_epoch(markers.coordinator_epoch)
        .with_transaction_result(false)
        .with_topics(vec![topic]);
    WriteTxnMarkersRequest::default().with_markers(vec![marker; markers.count.get()])
}

fn read(markers: &AbortMarkers, answer: &WriteTxnMarkersResponse) -> Result<(), AskError> {
    let topics = answer.markers.iter().filter(|marker| marker.producer_id.0 == markers.producer_id);
    let topics = topics.flat_map(|marker| &marker.topics);
    let topics = topics.filter(|topic| topic.name.as_str() == markers.at.topic.name());
    let partitions = topics.flat_map(|topic| &topic.partitions);
    match partitions.filter(|one| one.partition_index == markers.at.partition).last() {
        Some(partition) if partition.error_code == 0 => Ok(()),
        Some(partition) => Err(AskError::Refused { api: KEY, code: ErrorCode(partition.error_code) }),
        None => Err(AskError::Malformed { api: KEY, what: "no marker of ours is answered" }),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::messages::write_txn_markers_response::{
        WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
    };

    use super::*;
    use crate::calls::testing::{at, travelled};

    fn markers() -> AbortMarkers {
        AbortMarkers {
            at: at("t", 4),
            producer_id: 1 << 62,
            producer_epoch: 2,
            coordinator_epoch: 7,
            count: NonZeroUsize::new(3).unwrap(),
        }
    }

    fn answer(producer_id: i64, error_code: i16) -> WriteTxnMarkersResponse {
        let partition =
            WritableTxnMarkerPartitionResult::default().with_partition_index(4).with_error_code(error_code);
        let topic = WritableTxnMarkerTopicResult::default()
            .with_name(at("t", 4).topic.wire_name())
            .with_partitions(vec![partition]);
        let marker =
            WritableTxnMarkerResult::default().with_producer_id(producer_id.into()).with_topics(vec![topic]);
        travelled(&WriteTxnMarkersResponse::default().with_markers(vec![marker]), 1)
    }

    #[test]
    fn every_marker_names_the_partition_once() {
        let request = travelled(&request(&markers()), 1);
        assert_eq!(request.markers.len(), 3);
        for marker in &request.markers {
            assert_eq!((marker.producer_id.0, marker.producer_epoch), (1 << 62, 2));
            assert_eq!((marker.coordinator_epoch, marker.transaction_result), (7, false));
            assert_eq!(marker.topics[0].partition_indexes, [4]);
        }
    }

    #[test]
    fn the_answer_of_our_producer_counts() {
        assert!(read(&markers(), &answer(1 << 62, 0)).is_ok());
        let fenced = read(&markers(), &answer(1 << 62, 52)).unwrap_err();
        assert!(matches!(fenced, AskError::Refused { code: ErrorCode(52), .. }));
        assert!(matches!(read(&markers(), &answer(5, 0)), Err(AskError::Malformed { .. })));
    }
}
