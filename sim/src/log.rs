//! The batches of a partition, and where they begin and end.

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;

use crate::draft::encode;
use crate::epochs::Epochs;

/// A batch that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its header, as it is in the bytes.
    pub header: BatchHeader,
    /// All of it.
    pub bytes: Bytes,
    /// The first offset of the segment that it lies in.
    pub segment: i64,
}

impl Stored {
    /// A batch with this header and these records; length and checksum are made for it.
    pub(crate) fn new(header: &BatchHeader, records: &[u8], segment: i64) -> Self {
        let bytes = encode(header, records);
        Self { header: BatchHeader::read(&bytes).unwrap_or(*header), bytes, segment }
    }

    /// The last offset that it stands for.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.header.base_offset.saturating_add(i64::from(self.header.last_offset_delta))
    }
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Log {
    /// In order. The first ones may lie before the start: they are still on the disk.
    batches: Vec<Stored>,
    start: i64,
    /// Where it would begin after a kill.
    durable_start: i64,
    end: i64,
    high_watermark: i64,
    active: Option<Active>,
    pub(crate) epochs: Epochs,
}

/// The segment that is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Active {
    base_offset: i64,
    /// The greatest timestamp of its first batch, if there is one.
    first: Option<i64>,
}

impl Log {
    /// The first offset.
    #[must_use]
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The offset of the next record.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The end of what is on all replicas.
    #[must_use]
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// The epoch of the leader.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        self.epochs.current()
    }

    /// The batches that hold something at the start or after it.
    pub fn batches(&self) -> impl Iterator<Item = &Stored> {
        self.from(self.start)
    }

    /// The batches that hold something at an offset or after it.
    pub(crate) fn from(&self, offset: i64) -> impl Iterator<Item = &Stored> {
        let before = self.batches.partition_point(|stored| stored.last_offset() < offset);
        self.batches.iter().skip(before)
    }

    /// Those before the start too.
    pub(crate) fn physical(&self) -> &[Stored] {
        &self.batches
    }

    /// Begins a segment if the one that is written to may not take a batch of this time, being too much younger than its first.
    pub(crate) fn roll(&mut self, timestamp: i64, segment_ms: i64) {
        let is_over = |active: &Active| {
            active.first.is_some_and(|first| first >= 0 && timestamp.saturating_sub(first) > segment_ms)
        };
        if self.active.as_ref().is_none_or(is_over) {
            self.active = Some(Active { base_offset: self.end, first: None });
        }
    }

    /// Puts a batch at the end; only the header's place and leader are changed.
    pub(crate) fn append(&mut self, header: &BatchHeader, records: &[u8], segment_ms: i64) {
        self.roll(header.max_timestamp, segment_ms);
        let header = BatchHeader { base_offset: self.end, leader_epoch: self.epochs.current(), ..*header };
        let active = self.active.get_or_insert(Active { base_offset: self.end, first: None });
        active.first.get_or_insert(header.max_timestamp);
        let stored = Stored::new(&header, records, active.base_offset);
        self.end = stored.last_offset().saturating_add(1);
        self.batches.push(stored);
    }

    pub(crate) fn raise_high_watermark(&mut self) {
        self.high_watermark = self.end;
    }

    /// Begins at `start` from now on, until a kill; never goes back.
    pub(crate) fn begin_at(&mut self, start: i64) {
        self.start = self.start.max(start);
    }

    /// Makes the start durable, and gives up what lies before it.
    pub(crate) fn checkpoint(&mut self) {
        self.durable_start = self.start;
        let start = self.start;
        self.batches.retain(|stored| stored.last_offset() >= start);
    }

    /// Forgets where it begins, if that is not durable.
    pub(crate) fn forget_start(&mut self) {
        self.start = self.durable_start;
    }

    /// Replaces its batches by what is left of them.
    pub(crate) fn replace(&mut self, batches: Vec<Stored>) {
        self.batches = batches;
    }

    /// Drops the batches that hold `end` or anything after it.
    pub(crate) fn cut(&mut self, end: i64) {
        let kept = self.batches.iter().take_while(|stored| stored.last_offset() < end).count();
        let base = self.batches.get(kept).map_or(self.end, |stored| stored.header.base_offset);
        self.batches.truncate(kept);
        self.end = self.end.min(base.min(end)).max(0);
        self.high_watermark = self.high_watermark.min(self.end);
        self.start = self.start.min(self.end);
        self.durable_start = self.durable_start.min(self.end);
        self.epochs.cut(self.end);
        self.active = self.batches.last().map(|last| self.first_of(last.segment));
    }

    fn first_of(&self, segment: i64) -> Active {
        let first = self.batches.iter().find(|stored| stored.segment == segment);
        Active { base_offset: segment, first: first.map(|first| first.header.max_timestamp) }
    }
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;

    use super::*;

    fn log(counts: &[usize]) -> Log {
        let mut log = Log::default();
        for count in counts {
            let draft = Draft::of(*count, 0);
            log.append(&draft.header, &draft.section(), 100);
        }
        log
    }

    #[test]
    fn a_batch_takes_as_many_offsets_as_it_says() {
        let log = log(&[3, 1, 2]);
        let bases: Vec<_> = log.batches().map(|stored| stored.header.base_offset).collect();
        assert_eq!((bases, log.end(), log.high_watermark()), (vec![0, 3, 4], 6, 0));
    }

    #[test]
    fn a_start_is_forgotten_until_it_is_durable() {
        let mut log = log(&[3, 1, 2]);
        log.begin_at(4);
        log.begin_at(3);
        assert_eq!((log.start(), log.batches().count()), (4, 1));
        log.forget_start();
        assert_eq!((log.start(), log.batches().count()), (0, 3));
        log.begin_at(4);
        log.checkpoint();
        log.forget_start();
        assert_eq!((log.start(), log.physical().len()), (4, 1));
    }

    #[test]
    fn a_batch_that_is_much_younger_begins_a_segment() {
        let mut log = Log::default();
        let mut append = |timestamp| {
            let draft = Draft::of(1, timestamp);
            log.append(&draft.header, &draft.section(), 100);
        };
        [50, 20, 150, 151, 5].into_iter().for_each(&mut append);
        let segments = |log: &Log| log.batches().map(|stored| stored.segment).collect::<Vec<_>>();
        assert_eq!(segments(&log), [0, 0, 0, 3, 3]);
        log.cut(3);
        let draft = Draft::of(1, 150);
        log.append(&draft.header, &draft.section(), 100);
        assert_eq!(segments(&log), [0, 0, 0, 0]);
    }

    #[test]
    fn a_cut_takes_whole_batches() {
        let mut log = log(&[3, 1, 2]);
        log.raise_high_watermark();
        log.begin_at(5);
        log.cut(5);
        assert_eq!((log.start(), log.end(), log.high_watermark()), (4, 4, 4));
        log.cut(100);
        assert_eq!(log.end(), 4);
    }
}
