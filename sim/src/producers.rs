//! What a leader knows of those who wrote to a partition (KIP-98): their epoch, and the last five batches of each.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;

use crate::markers::coordinator_epoch;

/// So many batches of a producer are known again.
const REMEMBERED: usize = 5;
const NONE: i32 = -1;
/// Of a producer of whom nothing is known.
const NO_EPOCH: i16 = -1;

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Producers {
    known: BTreeMap<i64, Known>,
}

/// A producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its epoch; -1 where nobody said one.
    pub epoch: i16,
    /// The epoch of the coordinator whose marker was the last; -1 if there was none.
    pub coordinator_epoch: i32,
    /// The greatest timestamp of its last batch, or the time of its last marker.
    pub last_timestamp: i64,
    /// The first offset of its transaction, if one is open.
    pub open: Option<i64>,
    /// Its last batches in this epoch.
    batches: VecDeque<Appended>,
}

/// A batch that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The sequence of its first record.
    pub first_sequence: i32,
    /// That of its last one.
    pub last_sequence: i32,
    /// Its first offset.
    pub base_offset: i64,
    /// Its greatest timestamp.
    pub timestamp: i64,
}

impl Known {
    fn new(epoch: i16) -> Self {
        Self { epoch, coordinator_epoch: NONE, last_timestamp: -1, open: None, batches: VecDeque::new() }
    }

    /// The sequence of its last record; -1 if there was none in this epoch.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NONE, |batch| batch.last_sequence)
    }

    /// Its last batch in this epoch.
    #[must_use]
    pub fn last_batch(&self) -> Option<Appended> {
        self.batches.back().copied()
    }

    /// A new epoch begins without batches.
    fn enter(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.batches.clear();
            self.epoch = epoch;
        }
    }

    fn remember(&mut self, batch: Appended) {
        if self.batches.len() == REMEMBERED {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    fn takes(&self, header: &BatchHeader) -> Result<(), ErrorCode> {
        if header.producer_epoch < self.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        let in_sequence = match self.epoch {
            -1 => true,
            epoch if epoch == header.producer_epoch => follows(self.last_sequence(), header.base_sequence),
            _ => header.base_sequence == 0,
        };
        if !in_sequence {
            return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
        }
        if self.open.is_some() && !header.is_transactional() {
            return Err(ErrorCode::INVALID_TXN_STATE);
        }
        Ok(())
    }
}

impl Producers {
    /// Everyone who is known, by id.
    pub fn known(&self) -> impl Iterator<Item = (i64, &Known)> {
        self.known.iter().map(|(id, known)| (*id, known))
    }

    /// Whoever has this id.
    #[must_use]
    pub fn of(&self, producer_id: i64) -> Option<&Known> {
        self.known.get(&producer_id)
    }

    /// Where a batch of this range lies, if it is one of the last; its content is not compared.
    pub(crate) fn duplicate(&self, header: &BatchHeader) -> Option<Appended> {
        let known = self.known.get(&header.producer_id)?;
        let last = last_sequence(header);
        let same =
            |batch: &&Appended| batch.first_sequence == header.base_sequence && batch.last_sequence == last;
        known.batches.iter().find(same).filter(|_| known.epoch == header.producer_epoch).copied()
    }

    /// Whether a batch may be appended.
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<(), ErrorCode> {
        match self.known.get(&header.producer_id) {
            _ if header.producer_id < 0 => Ok(()),
            Some(known) => known.takes(header),
            None => Known::new(NO_EPOCH).takes(header),
        }
    }

    /// A batch was appended.
    pub(crate) fn append(&mut self, header: &BatchHeader) {
        if header.producer_id < 0 {
            return;
        }
        let known = self.known.entry(header.producer_id).or_insert_with(|| Known::new(header.producer_epoch));
        known.enter(header.producer_epoch);
        known.last_timestamp = header.max_timestamp;
        known.remember(Appended {
            first_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset: header.base_offset,
            timestamp: header.max_timestamp,
        });
        if header.is_transactional() && known.open.is_none() {
            known.open = Some(header.base_offset);
        }
    }

    /// Whether the end of a transaction may be written, even of one that never was.
    pub(crate) fn check_marker(
        &self,
        producer_id: i64,
        producer_epoch: i16,
        coordinator_epoch: i32,
    ) -> Result<(), ErrorCode> {
        if producer_id < 0 {
            return Ok(());
        }
        let known = self.known.get(&producer_id);
        let (epoch, of_coordinator) =
            known.map_or((NO_EPOCH, NONE), |known| (known.epoch, known.coordinator_epoch));
        if producer_epoch < epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if coordinator_epoch < of_coordinator {
            return Err(ErrorCode::TRANSACTION_COORDINATOR_FENCED);
        }
        Ok(())
    }

    /// A marker was appended; the first offset of the transaction that it ends, if there was one.
    pub(crate) fn append_marker(&mut self, header: &BatchHeader, coordinator_epoch: i32) -> Option<i64> {
        if header.producer_id < 0 {
            return None;
        }
        let known = self.known.entry(header.producer_id).or_insert_with(|| Known::new(header.producer_epoch));
        known.enter(header.producer_epoch);
        known.coordinator_epoch = coordinator_epoch;
        known.last_timestamp = header.max_timestamp;
        known.open.take()
    }

    /// The first offset that belongs to a transaction that is open.
    pub(crate) fn first_open(&self) -> Option<i64> {
        self.known.values().filter_map(|known| known.open).min()
    }

    /// Forgets who wrote nothing of late; what counts is the time of the records, not that of the writing.
    pub(crate) fn forget(&mut self, now: i64, limit: i64) {
        self.known
            .retain(|_, known| known.open.is_some() || now.saturating_sub(known.last_timestamp) < limit);
    }

    /// Learns from a batch of the log.
    pub(crate) fn replay(&mut self, header: &BatchHeader, batch: &Bytes) {
        match coordinator_epoch(header, batch) {
            Some(epoch) => {
                self.append_marker(header, epoch);
            }
            None if header.base_sequence >= 0 && !header.is_control() => self.append(header),
            None => {}
        }
    }
}

/// The sequence after `sequence` is 0 where numbers end.
pub(crate) fn last_sequence(header: &BatchHeader) -> i32 {
    let last = i64::from(header.base_sequence) + i64::from(header.last_offset_delta);
    i32::try_from(last % (1 << 31)).unwrap_or(NONE)
}

fn follows(last: i32, next: i32) -> bool {
    i64::from(next) == i64::from(last) + 1 || (next == 0 && last == i32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;

    use super::*;

    const NOW: i64 = 1_000_000;
    const OUT_OF_ORDER: Result<(), ErrorCode> = Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    const FENCED: Result<(), ErrorCode> = Err(ErrorCode::INVALID_PRODUCER_EPOCH);

    fn header(epoch: i16, sequence: i32, count: usize) -> BatchHeader {
        Draft::of(count, NOW).by(7, epoch, sequence).header
    }

    fn marker(epoch: i16) -> BatchHeader {
        BatchHeader { max_timestamp: NOW + 1, ..header(epoch, -1, 1) }
    }

    #[test]
    fn sequences_go_on_and_the_last_five_are_known_again() {
        let mut producers = Producers::default();
        for batch in 0..6 {
            let header = BatchHeader { base_offset: 100 + i64::from(batch), ..header(0, 50 + 2 * batch, 2) };
            assert_eq!(producers.check(&header), Ok(()));
            producers.append(&header);
        }
        let known =
            |sequence, count| producers.duplicate(&header(0, sequence, count)).map(|batch| batch.base_offset);
        assert_eq!((known(50, 2), known(52, 2), known(60, 2)), (None, Some(101), Some(105)));
        assert_eq!((known(60, 1), known(61, 1)), (None, None), "pieces are other batches");
        assert_eq!(producers.check(&header(0, 60, 1)), OUT_OF_ORDER);
        assert_eq!(producers.check(&header(0, 63, 1)), OUT_OF_ORDER);
        assert_eq!(producers.check(&header(0, 62, 1)), Ok(()));
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_fences_the_old() {
        let mut producers = Producers::default();
        producers.append(&header(0, 9, 1));
        assert_eq!(producers.check(&header(1, 10, 1)), OUT_OF_ORDER);
        assert_eq!(producers.check(&header(1, 0, 1)), Ok(()));
        producers.append(&header(1, 0, 1));
        assert_eq!(producers.check(&header(0, 10, 1)), FENCED);
        assert_eq!(producers.duplicate(&header(0, 9, 1)), None);
    }

    #[test]
    fn numbers_end_and_begin_anew() {
        let mut producers = Producers::default();
        let wrapping = header(0, i32::MAX - 2, 6);
        assert_eq!(last_sequence(&wrapping), 2);
        producers.append(&wrapping);
        assert!(producers.duplicate(&wrapping).is_some());
        assert_eq!(producers.check(&header(0, 3, 1)), Ok(()));
        assert_eq!(producers.check(&header(0, 4, 1)), OUT_OF_ORDER);
        producers.append(&header(0, i32::MAX, 1));
        assert_eq!(producers.check(&header(0, 0, 1)), Ok(()));
    }

    #[test]
    fn no_epoch_is_no_guard() {
        let mut producers = Producers::default();
        producers.append(&header(-1, 5, 1));
        assert_eq!(producers.check(&header(-1, 99, 1)), Ok(()));
        assert!(producers.duplicate(&header(-1, 5, 1)).is_some());
    }

    #[test]
    fn markers_leave_sequences_alone_unless_their_epoch_is_new() {
        let mut producers = Producers::default();
        assert_eq!(producers.append_marker(&marker(0), 3), None);
        assert_eq!(producers.check(&header(0, 555, 1)), OUT_OF_ORDER, "a known producer begins at 0");
        producers.append(&header(0, 0, 2));
        producers.append_marker(&marker(0), 3);
        assert_eq!(producers.check(&header(0, 2, 1)), Ok(()));
        assert!(producers.duplicate(&header(0, 0, 2)).is_some());
        assert_eq!(producers.check_marker(7, 0, 2), Err(ErrorCode::TRANSACTION_COORDINATOR_FENCED));
        producers.append_marker(&marker(1), 3);
        assert_eq!(producers.check(&header(0, 2, 1)), FENCED);
        assert_eq!(producers.check_marker(7, 0, 3), FENCED);
        assert_eq!(producers.check(&header(1, 2, 1)), OUT_OF_ORDER);
        assert_eq!(producers.check(&header(1, 0, 1)), Ok(()));
    }

    #[test]
    fn the_time_of_the_last_batch_is_what_is_remembered_by() {
        let mut producers = Producers::default();
        producers.append(&header(0, 0, 1));
        producers.append(&BatchHeader { max_timestamp: 5, ..header(0, 1, 1) });
        producers.forget(105, 101);
        assert_eq!(producers.known().count(), 1);
        producers.append_marker(&marker(0), 0);
        producers.forget(105, 100);
        assert_eq!(producers.of(7).map(|known| known.last_timestamp), Some(NOW + 1));
        producers.append(&BatchHeader { max_timestamp: 5, ..header(0, 2, 1) });
        producers.forget(105, 100);
        assert_eq!(producers.known().count(), 0);
    }

    #[test]
    fn who_has_a_transaction_open_is_not_forgotten() {
        let mut producers = Producers::default();
        let open = Draft::of(1, 0).by(7, 0, 0).transactional().saying(|header| header.base_offset = 40);
        producers.append(&open.header);
        producers.forget(i64::MAX, 1);
        assert_eq!(producers.first_open(), Some(40));
        assert_eq!(producers.check(&header(0, 1, 1)), Err(ErrorCode::INVALID_TXN_STATE));
        assert_eq!(producers.append_marker(&marker(0), 0), Some(40));
        assert_eq!(producers.first_open(), None);
    }
}
