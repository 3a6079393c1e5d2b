//! Fetch: bytes as they lie in the log, and whether it is still the log that the reader knew (KIP-595).

use bytes::{Bytes, BytesMut};
use tidegate_wire::error_code::ErrorCode;

use crate::broker::Broker;
use crate::epochs::EpochEnd;
use crate::partition::{Aborted, Partition};
use crate::topics::Place;

/// What is asked of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// From this offset on.
    pub offset: i64,
    /// At most so many bytes, but never less than the first batch.
    pub max_bytes: usize,
    /// Nothing of transactions that are open (read_committed).
    pub committed: bool,
    /// The epoch of the record before, if the reader knows it.
    pub last_epoch: Option<i32>,
    /// The epoch of the leader, if the reader knows it.
    pub leader_epoch: Option<i32>,
}

impl Fetch {
    /// A mebibyte of whatever there is from an offset on.
    #[must_use]
    pub const fn from(offset: i64) -> Self {
        Self { offset, max_bytes: 1 << 20, committed: false, last_epoch: None, leader_epoch: None }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Why there is nothing, or 0.
    pub error_code: ErrorCode,
    /// The end of what is on all replicas, or -1.
    pub high_watermark: i64,
    /// The end of what is committed, or -1.
    pub stable_end: i64,
    /// The first offset, or -1.
    pub log_start_offset: i64,
    /// What was aborted of what is answered, and maybe more; for `committed` alone.
    pub aborted: Option<Vec<Aborted>>,
    /// Where the log is no longer the one that the reader knew.
    pub diverging: Option<EpochEnd>,
    /// Batches of one segment, from the one on that holds the offset, or the first one after it; the last one may be cut.
    pub records: Bytes,
}

impl Broker {
    /// Reads a partition.
    #[must_use]
    pub fn fetch(&self, place: &Place, fetch: &Fetch) -> Fetched {
        let partition = self.partition(place).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        partition.and_then(|partition| partition.read(fetch)).unwrap_or_else(|error_code| Fetched {
            error_code,
            high_watermark: -1,
            stable_end: -1,
            log_start_offset: -1,
            aborted: None,
            diverging: None,
            records: Bytes::new(),
        })
    }
}

impl Partition {
    /// Whether the reader means the leader that this is.
    pub(crate) fn led_by(&self, epoch: Option<i32>) -> Result<(), ErrorCode> {
        match epoch {
            Some(epoch) if epoch > self.log.leader_epoch() => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
            Some(epoch) if epoch >= 0 && epoch < self.log.leader_epoch() => {
                Err(ErrorCode::FENCED_LEADER_EPOCH)
            }
            _ => Ok(()),
        }
    }

    fn read(&self, fetch: &Fetch) -> Result<Fetched, ErrorCode> {
        self.led_by(fetch.leader_epoch)?;
        let diverging = self.divergence(fetch)?;
        if diverging.is_none() && !(self.log.start()..=self.log.end()).contains(&fetch.offset) {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        let end = if fetch.committed { self.stable_end() } else { self.log.high_watermark() };
        let records = if diverging.is_some() { Bytes::new() } else { self.bytes(fetch, end) };
        Ok(Fetched {
            error_code: ErrorCode::NONE,
            high_watermark: self.log.high_watermark(),
            stable_end: self.stable_end(),
            log_start_offset: self.log.start(),
            aborted: (fetch.committed && diverging.is_none()).then(|| self.aborted_from(fetch.offset, end)),
            diverging,
            records,
        })
    }

    fn divergence(&self, fetch: &Fetch) -> Result<Option<EpochEnd>, ErrorCode> {
        let Some(epoch) = fetch.last_epoch.filter(|epoch| *epoch >= 0) else { return Ok(None) };
        let end = self.log.epochs.end_of(epoch, self.log.start(), self.log.end());
        if end == EpochEnd::UNKNOWN || fetch.offset < self.log.start() {
            return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
        }
        Ok((end.epoch < epoch || end.end_offset < fetch.offset).then_some(end))
    }

    fn bytes(&self, fetch: &Fetch, end: i64) -> Bytes {
        if fetch.offset >= end {
            return Bytes::new();
        }
        let mut batches = self.log.from(fetch.offset).take_while(|stored| stored.header.base_offset < end);
        let mut bytes = BytesMut::new();
        let Some(first) = batches.next() else { return Bytes::new() };
        bytes.extend_from_slice(&first.bytes);
        for next in batches {
            // An answer is a piece of one file.
            if bytes.len() >= fetch.max_bytes || next.segment != first.segment {
                break;
            }
            let room = fetch.max_bytes - bytes.len();
            bytes.extend_from_slice(next.bytes.get(..room).unwrap_or(&next.bytes));
        }
        bytes.freeze()
    }

    /// A small log has no index that would tell which of them lie behind what is answered: all are named.
    fn aborted_from(&self, offset: i64, end: i64) -> Vec<Aborted> {
        let touches = |aborted: &&Aborted| aborted.last_offset >= offset && aborted.first_offset < end;
        self.aborted.iter().filter(touches).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;
    use crate::settings::{Settings, Version};
    use crate::{Produce, Restart, TopicConfig};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    /// [0..2], [3], [4..5]; with a new leader from 3 on.
    fn broker() -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        let place = Place::new("t", 0);
        let append = |broker: &mut Broker, count| {
            broker.produce(&place, &Produce::of(Draft::of(count, NOW).bytes()));
        };
        append(&mut broker, 3);
        broker.restart(Restart::Killed);
        append(&mut broker, 1);
        append(&mut broker, 2);
        (broker, place)
    }

    fn bases(fetched: &Fetched) -> Vec<i64> {
        tidegate_wire::record::batches(&fetched.records).map(|(header, _)| header.base_offset).collect()
    }

    #[test]
    fn batches_come_from_the_one_on_that_holds_the_offset() {
        let (broker, place) = broker();
        for (offset, expected) in [(0, vec![0, 3, 4]), (2, vec![0, 3, 4]), (3, vec![3, 4]), (6, vec![])] {
            assert_eq!(bases(&broker.fetch(&place, &Fetch::from(offset))), expected);
        }
        for offset in [-1, 7] {
            let fetched = broker.fetch(&place, &Fetch::from(offset));
            assert_eq!(fetched.error_code, ErrorCode::OFFSET_OUT_OF_RANGE);
        }
    }

    #[test]
    fn the_first_batch_is_whole_and_the_last_may_be_cut() {
        let (broker, place) = broker();
        let all = broker.fetch(&place, &Fetch::from(0)).records;
        let first = broker.fetch(&place, &Fetch { max_bytes: 1, ..Fetch::from(0) });
        assert_eq!(bases(&first), [0]);
        assert!(first.records.len() < all.len());
        let cut = broker.fetch(&place, &Fetch { max_bytes: all.len() - 1, ..Fetch::from(0) });
        assert_eq!((bases(&cut), cut.records.len()), (vec![0, 3], all.len() - 1));
    }

    #[test]
    fn a_reader_of_another_log_is_told_where_it_ends() {
        let (broker, place) = broker();
        let ask = |offset, epoch| {
            let fetched = broker.fetch(&place, &Fetch { last_epoch: Some(epoch), ..Fetch::from(offset) });
            (fetched.error_code, fetched.diverging, fetched.records.is_empty())
        };
        let end = |epoch, end_offset| Some(EpochEnd { epoch, end_offset });
        assert_eq!(ask(3, 0), (ErrorCode::NONE, None, false));
        assert_eq!(ask(5, 0), (ErrorCode::NONE, end(0, 3), true));
        assert_eq!(ask(9, 2), (ErrorCode::NONE, end(2, 6), true));
        assert_eq!(ask(5, 3).0, ErrorCode::OFFSET_OUT_OF_RANGE);
        let led =
            |epoch| broker.fetch(&place, &Fetch { leader_epoch: Some(epoch), ..Fetch::from(0) }).error_code;
        assert_eq!(led(3), ErrorCode::UNKNOWN_LEADER_EPOCH);
        assert_eq!((led(2), led(0)), (ErrorCode::NONE, ErrorCode::FENCED_LEADER_EPOCH));
    }

    #[test]
    fn what_is_not_on_all_replicas_is_not_read() {
        let (mut broker, place) = broker();
        broker.stop_follower(&place, true);
        broker.produce(&place, &Produce::of(Draft::of(2, NOW).bytes()));
        let fetched = broker.fetch(&place, &Fetch::from(6));
        assert_eq!((fetched.error_code, fetched.high_watermark), (ErrorCode::NONE, 6));
        assert!(fetched.records.is_empty());
        assert_eq!(broker.fetch(&place, &Fetch::from(8)).error_code, ErrorCode::NONE);
    }
}
