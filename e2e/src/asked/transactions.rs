//! Markers, and requests to the coordinator of transactions.

use crate::requests::topic_name;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest, FindCoordinatorRequest,
    InitProducerIdRequest, ProducerId, TransactionalId, WriteTxnMarkersRequest,
};
use tidegate_sim::{Identity, Marked, Marker, Place, Transactional};
use tidegate_wire::error_code::ErrorCode;

use super::operator::text;
use super::{Asked, until};

/// A kind of coordinator, of transactions.
const TRANSACTION: i8 = 1;

/// Codes of a coordinator that needs a while.
const LATER: [ErrorCode; 4] = [
    ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode::COORDINATOR_NOT_AVAILABLE,
    ErrorCode::NOT_COORDINATOR,
    ErrorCode::CONCURRENT_TRANSACTIONS,
];

impl Asked {
    /// A request without an answer spoils its connection: each has one of its own.
    pub(crate) fn mark(&mut self, markers: &[Marker]) -> Option<Vec<Marked>> {
        let request = WriteTxnMarkersRequest::default().with_markers(markers.iter().map(written).collect());
        let answer = self.impatient().call(1, &request).ok()?;
        let mut all = Vec::new();
        for marker in &answer.markers {
            for topic in &marker.topics {
                all.extend(topic.partitions.iter().map(|partition| Marked {
                    producer_id: marker.producer_id.0,
                    place: Place::new(&topic.name, partition.partition_index),
                    error_code: ErrorCode(partition.error_code),
                }));
            }
        }
        all.sort_by(|one, other| (one.producer_id, &one.place).cmp(&(other.producer_id, &other.place)));
        Some(all)
    }

    pub(crate) fn identity(&mut self, transactional_id: Option<&str>) -> Identity {
        if let Some(id) = transactional_id {
            self.load_coordinator(id);
        }
        let request = InitProducerIdRequest::default()
            .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let answer = until("a producer id is given", || {
            let answer = self.call(3, &request);
            (!is_for_later(answer.error_code)).then_some(answer)
        });
        assert_eq!(answer.error_code, 0, "{answer:?}");
        Identity { producer_id: answer.producer_id.0, epoch: answer.producer_epoch }
    }

    pub(crate) fn add(&mut self, who: &Transactional, places: &[Place]) -> ErrorCode {
        let topic = |place: &Place| {
            AddPartitionsToTxnTopic::default()
                .with_name(topic_name(&place.topic))
                .with_partitions(vec![place.partition])
        };
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(text(&who.id)))
            .with_v3_and_below_producer_id(ProducerId(who.identity.producer_id))
            .with_v3_and_below_producer_epoch(who.identity.epoch)
            .with_v3_and_below_topics(places.iter().map(topic).collect());
        until("partitions are added", || {
            let answer = self.call(3, &request);
            let code = answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
            (!is_for_later(code)).then_some(ErrorCode(code))
        })
    }

    pub(crate) fn end(&mut self, version: i16, who: &Transactional, commit: bool) -> (ErrorCode, Identity) {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text(&who.id)))
            .with_producer_id(ProducerId(who.identity.producer_id))
            .with_producer_epoch(who.identity.epoch)
            .with_committed(commit);
        let answer = until("it ends", || {
            let answer = self.call(version, &request);
            (!is_for_later(answer.error_code)).then_some(answer)
        });
        self.wait_for_markers(who);
        let has_new = version >= 5 && answer.error_code == 0;
        let new = Identity { producer_id: answer.producer_id.0, epoch: answer.producer_epoch };
        (ErrorCode(answer.error_code), if has_new { new } else { who.identity })
    }

    fn load_coordinator(&mut self, id: &str) {
        let request = FindCoordinatorRequest::default()
            .with_key_type(TRANSACTION)
            .with_coordinator_keys(vec![text(id)]);
        until("there is a coordinator", || {
            (self.call(4, &request).coordinators[0].error_code == 0).then_some(())
        });
    }

    /// The coordinator answers before the markers are written.
    fn wait_for_markers(&mut self, who: &Transactional) {
        let id = TransactionalId(text(&who.id));
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id]);
        until("the markers are written", || {
            let state = self.call(0, &request).transaction_states[0].transaction_state.clone();
            (!state.starts_with("Prepare")).then_some(())
        });
    }
}

fn written(marker: &Marker) -> WritableTxnMarker {
    let mut topics: Vec<WritableTxnMarkerTopic> = Vec::new();
    for place in &marker.places {
        let name = topic_name(&place.topic);
        match topics.iter_mut().find(|topic| topic.name == name) {
            Some(topic) => topic.partition_indexes.push(place.partition),
            None => topics.push(
                WritableTxnMarkerTopic::default()
                    .with_name(name)
                    .with_partition_indexes(vec![place.partition]),
            ),
        }
    }
    WritableTxnMarker::default()
        .with_producer_id(ProducerId(marker.producer_id))
        .with_producer_epoch(marker.producer_epoch)
        .with_coordinator_epoch(marker.coordinator_epoch)
        .with_transaction_result(marker.commit)
        .with_topics(topics)
}

fn is_for_later(code: i16) -> bool {
    LATER.contains(&ErrorCode(code))
}
