//! Markers that end transactions (WriteTxnMarkers, KIP-98), also of transactions that never were.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::record::records;

use crate::broker::{Broker, Terms};
use crate::draft::{CONTROL, Draft, TRANSACTIONAL};
use crate::partition::{Aborted, Partition};
use crate::topics::Place;

/// One marker in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Whose transaction ends.
    pub producer_id: i64,
    /// In which epoch.
    pub producer_epoch: i16,
    /// The epoch of the coordinator that says so.
    pub coordinator_epoch: i32,
    /// Whether it is committed.
    pub commit: bool,
    /// Where it is written.
    pub places: Vec<Place>,
}

/// What is answered for one place of the markers of one producer: however many there were, it is one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Whose markers.
    pub producer_id: i64,
    /// Where.
    pub place: Place,
    /// Why the last one was refused, or 0.
    pub error_code: ErrorCode,
}

impl Broker {
    /// Writes markers. `None` is no answer at all, which is what a marker that names a place twice gets; it is written
    /// nevertheless, and so are the others of the request.
    pub fn write_markers(&mut self, markers: &[Marker]) -> Option<Vec<Marked>> {
        let mut answers = BTreeMap::new();
        let mut is_answered = true;
        for marker in markers {
            let places: BTreeSet<_> = marker.places.iter().collect();
            is_answered &= places.len() == marker.places.len();
            for place in places {
                let code = self.write_marker(marker, place);
                answers.insert((marker.producer_id, place.clone()), code);
            }
        }
        let marked = |((producer_id, place), error_code)| Marked { producer_id, place, error_code };
        is_answered.then(|| answers.into_iter().map(marked).collect())
    }

    fn write_marker(&mut self, marker: &Marker, place: &Place) -> ErrorCode {
        let Some((terms, partition)) = self.partition_mut(place) else {
            return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        };
        partition.append_marker(marker, &terms).err().unwrap_or(ErrorCode::NONE)
    }
}

impl Partition {
    /// Appends a marker: one offset, whoever's it is.
    fn append_marker(&mut self, marker: &Marker, terms: &Terms<'_>) -> Result<(), ErrorCode> {
        let Marker { producer_id, producer_epoch, coordinator_epoch, commit, .. } = *marker;
        // What says "none" cannot be written; what says nonsense can.
        if producer_id == -1 || producer_epoch == -1 {
            return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
        }
        // As with batches of clients, a segment may end for what is refused then.
        self.log.roll(terms.now, terms.config.segment_ms);
        self.producers.check_marker(producer_id, producer_epoch, coordinator_epoch)?;
        let batch = control_batch(marker, terms.now);
        let last_offset = self.log.end();
        self.log.append(&batch.header, &batch.section(), terms.config.segment_ms);
        let open = self.producers.append_marker(&batch.header, coordinator_epoch);
        if let Some(first_offset) = open.filter(|_| !commit) {
            self.aborted.push(Aborted { producer_id, first_offset, last_offset });
        }
        self.replicate();
        Ok(())
    }
}

/// A control batch as brokers write it, of 78 bytes.
fn control_batch(marker: &Marker, now: i64) -> Draft {
    let mut key = BytesMut::new();
    key.put_i16(0);
    key.put_i16(i16::from(marker.commit));
    let mut value = BytesMut::new();
    value.put_i16(0);
    value.put_i32(marker.coordinator_epoch);
    Draft::holding([(Some(key.freeze()), Some(value.freeze()))], now)
        .by(marker.producer_id, marker.producer_epoch, -1)
        .saying(|header| header.attributes = TRANSACTIONAL | CONTROL)
}

/// The epoch of the coordinator that wrote this batch, if it is a marker.
pub(crate) fn coordinator_epoch(header: &BatchHeader, batch: &Bytes) -> Option<i32> {
    if !header.is_control() {
        return None;
    }
    let value = records(header, batch).ok()?.pop()?.value?;
    Some(i32::from_be_bytes(*value.get(2..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use crate::settings::{Settings, Version};
    use crate::{Produce, TopicConfig};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker() -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        (broker, Place::new("t", 0))
    }

    fn marker(place: &Place, producer_epoch: i16, coordinator_epoch: i32) -> Marker {
        Marker {
            producer_id: 9,
            producer_epoch,
            coordinator_epoch,
            commit: false,
            places: vec![place.clone()],
        }
    }

    fn written(broker: &mut Broker, marker: Marker) -> ErrorCode {
        broker.write_markers(&[marker]).unwrap()[0].error_code
    }

    #[test]
    fn a_marker_is_one_batch_of_78_bytes_and_is_never_known_again() {
        let (mut broker, place) = broker();
        for _ in 0..2 {
            assert_eq!(written(&mut broker, marker(&place, 0, 5)), ErrorCode::NONE);
        }
        let log = broker.partition(&place).unwrap().log();
        let sizes: Vec<_> = log.batches().map(|stored| stored.bytes.len()).collect();
        assert_eq!((sizes, log.end()), (vec![78, 78], 2));
        let stored = log.batches().next().unwrap();
        assert!(stored.header.is_control() && stored.header.is_transactional());
        assert_eq!(coordinator_epoch(&stored.header, &stored.bytes), Some(5));
    }

    #[test]
    fn both_epochs_fence() {
        let (mut broker, place) = broker();
        assert_eq!(written(&mut broker, marker(&place, 1, 5)), ErrorCode::NONE);
        assert_eq!(written(&mut broker, marker(&place, 1, 4)), ErrorCode::TRANSACTION_COORDINATOR_FENCED);
        assert_eq!(written(&mut broker, marker(&place, 0, 6)), ErrorCode::INVALID_PRODUCER_EPOCH);
        let nobody = Marker { producer_id: -1, ..marker(&place, 0, 0) };
        assert_eq!(written(&mut broker, nobody), ErrorCode::UNKNOWN_SERVER_ERROR);
        assert_eq!(written(&mut broker, marker(&place, -1, 5)), ErrorCode::UNKNOWN_SERVER_ERROR);
        let nowhere = marker(&Place::new("t", 1), 1, 5);
        assert_eq!(written(&mut broker, nowhere), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(broker.partition(&place).unwrap().log().end(), 1);
    }

    #[test]
    fn a_place_named_twice_in_one_marker_is_written_once_and_never_answered() {
        let (mut broker, place) = broker();
        let twice = Marker { places: vec![place.clone(), place.clone()], ..marker(&place, 0, 0) };
        assert_eq!(broker.write_markers(&[twice, marker(&place, 0, 0)]), None);
        assert_eq!(broker.partition(&place).unwrap().log().end(), 2);
    }

    #[test]
    fn markers_of_one_producer_have_one_answer_for_each_place() {
        let (mut broker, place) = broker();
        let other = Marker { producer_id: 8, ..marker(&place, 0, 0) };
        let answers = broker.write_markers(&[marker(&place, 0, 0), other, marker(&place, 0, 0)]).unwrap();
        let producers: Vec<_> = answers.iter().map(|marked| marked.producer_id).collect();
        assert_eq!(producers, [8, 9]);
        assert_eq!(broker.partition(&place).unwrap().log().end(), 3);
    }

    #[test]
    fn a_log_that_is_read_again_knows_its_markers() {
        let (mut broker, place) = broker();
        broker.produce(&place, &Produce::of(Draft::of(2, NOW).by(9, 0, 0).bytes()));
        written(&mut broker, marker(&place, 1, 5));
        let (_, partition) = broker.partition_mut(&place).unwrap();
        let before = partition.clone();
        partition.remember_from_log();
        assert_eq!(*partition, before);
    }
}
