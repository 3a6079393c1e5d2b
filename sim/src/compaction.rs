//! What a cleaner leaves of a log: batches with gaps, batches without records, and nothing at all.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use tidegate_wire::batch::BatchHeader;

use crate::broker::Broker;
use crate::draft::{ZSTD, zstd_of};
use crate::log::Stored;
use crate::partition::Partition;
use crate::producers::Producers;
use crate::records::{Contents, Raw, contents};
use crate::topics::Place;

impl Broker {
    /// Removes the records at the offsets that `removes` says. The range of a batch stays in its header.
    pub fn compact(&mut self, place: &Place, removes: impl Fn(i64) -> bool) {
        if let Some((_, partition)) = self.partition_mut(place) {
            partition.compact(&removes);
        }
    }

    /// Removes every record with a key that a later record before `end` has, as a cleaner does that has come so far.
    pub fn compact_keys(&mut self, place: &Place, end: i64) {
        let Some(partition) = self.partition(place) else { return };
        let mut last = BTreeMap::new();
        let mut keyed = Vec::new();
        for (key, offset) in
            partition.log.physical().iter().flat_map(keys).filter(|(_, offset)| *offset < end)
        {
            keyed.push((key.clone(), offset));
            last.insert(key, offset);
        }
        let old: Vec<_> = keyed
            .into_iter()
            .filter(|(key, offset)| last.get(key) != Some(offset))
            .map(|(_, at)| at)
            .collect();
        self.compact(place, |offset| old.binary_search(&offset).is_ok());
    }
}

impl Partition {
    fn compact(&mut self, removes: &dyn Fn(i64) -> bool) {
        let left = self.log.physical().iter().filter_map(|stored| left_of(stored, &self.producers, removes));
        let left = left.collect();
        self.log.replace(left);
    }
}

/// Each key with its offset.
fn keys(stored: &Stored) -> Vec<(Bytes, i64)> {
    let records = match contents(&stored.header, &stored.bytes) {
        Ok(Contents::Records(records)) if !stored.header.is_control() => records,
        _ => return Vec::new(),
    };
    let base = stored.header.base_offset;
    records.into_iter().filter_map(|raw| Some((raw.key?, base + i64::from(raw.offset_delta)))).collect()
}

fn left_of(stored: &Stored, producers: &Producers, removes: &dyn Fn(i64) -> bool) -> Option<Stored> {
    let Ok(Contents::Records(records)) = contents(&stored.header, &stored.bytes) else {
        return Some(stored.clone());
    };
    let stays = |raw: &&Raw| !removes(stored.header.base_offset + i64::from(raw.offset_delta));
    let kept: Vec<_> = records.iter().filter(stays).collect();
    if kept.len() == records.len() {
        return Some(stored.clone());
    }
    if kept.is_empty() {
        return is_needed(&stored.header, producers).then(|| emptied(stored));
    }
    Some(with(stored, &kept))
}

/// The last word of a producer stays, since its sequence is read from there.
fn is_needed(header: &BatchHeader, producers: &Producers) -> bool {
    let Some(known) = producers.of(header.producer_id) else { return false };
    match known.last_batch() {
        Some(last) => last.base_offset == header.base_offset,
        None => header.is_control() && header.producer_epoch == known.epoch,
    }
}

fn emptied(stored: &Stored) -> Stored {
    let header = &stored.header;
    // The codec is that of nothing.
    let attributes = header.attributes & !0b111;
    Stored::new(
        &BatchHeader { record_count: 0, base_timestamp: -1, attributes, ..*header },
        &[],
        stored.segment,
    )
}

fn with(stored: &Stored, kept: &[&Raw]) -> Stored {
    let header = &stored.header;
    let mut section = BytesMut::new();
    kept.iter().for_each(|raw| section.extend_from_slice(&raw.bytes));
    let section = if i16::from(header.codec()) == ZSTD { zstd_of(&section) } else { section.freeze() };
    let record_count = i32::try_from(kept.len()).unwrap_or(i32::MAX);
    let max_timestamp = kept.iter().map(|raw| raw.timestamp).max().unwrap_or(header.max_timestamp);
    Stored::new(&BatchHeader { record_count, max_timestamp, ..*header }, &section, stored.segment)
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;
    use crate::settings::{Settings, Version};
    use crate::{Fetch, Produce, TopicConfig};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker(drafts: &[Draft]) -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        let place = Place::new("t", 0);
        for draft in drafts {
            broker.produce(&place, &Produce::of(draft.bytes()));
        }
        (broker, place)
    }

    /// Base, last offset delta, count and codec of each batch from an offset on.
    fn read(broker: &Broker, place: &Place, offset: i64) -> Vec<(i64, i32, i32, u8)> {
        let records = broker.fetch(place, &Fetch::from(offset)).records;
        let shape = |header: BatchHeader| {
            (header.base_offset, header.last_offset_delta, header.record_count, header.codec())
        };
        tidegate_wire::record::batches(&records).map(|(header, _)| shape(header)).collect()
    }

    #[test]
    fn gaps_are_left_as_real_cleaners_leave_them() {
        let drafts = [
            Draft::of(5, NOW),
            Draft::of(3, NOW),
            Draft::of(4, NOW).zstd(),
            Draft::of(2, NOW).by(7, 0, 0),
            Draft::of(1, NOW),
        ];
        let (mut broker, place) = broker(&drafts);
        broker.compact(&place, |offset| ![2, 9, 11, 14].contains(&offset));
        let (gaps, zstd, empty, last) = ((0, 4, 1, 0), (8, 3, 2, 4), (12, 1, 0, 0), (14, 0, 1, 0));
        assert_eq!(read(&broker, &place, 0), [gaps, zstd, empty, last]);
        assert_eq!(read(&broker, &place, 5), [zstd, empty, last]);
        assert_eq!(read(&broker, &place, 1), [gaps, zstd, empty, last]);
        let log = broker.partition(&place).unwrap().log();
        assert_eq!(log.batches().nth(2).unwrap().bytes.len(), 61);
        assert_eq!(log.end(), 15);
    }

    #[test]
    fn the_last_record_of_each_key_stays() {
        let (mut broker, place) =
            broker(&[Draft::of(3, NOW).keyed().zstd(), Draft::of(2, NOW).keyed(), Draft::of(1, NOW).keyed()]);
        broker.compact_keys(&place, 5);
        assert_eq!(read(&broker, &place, 0), [(0, 2, 1, 4), (3, 1, 2, 0), (5, 0, 1, 0)]);
    }
}
