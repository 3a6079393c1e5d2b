//! What readers are shown, and whether mirror and source show the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use tidegate_sim::{Aborted, Broker, Fetch, Place, Stored};
use tidegate_wire::batch::LOG_APPEND_TIME;
use tidegate_wire::filler::is_filler;
use tidegate_wire::record::records;

use crate::worker::PRODUCER_ID;

/// Time, key and value.
pub(crate) type Shown = (i64, Option<Bytes>, Option<Bytes>);

/// What a reader of what is committed is shown, by offset; fillers are none.
pub(crate) fn shown(broker: &Broker, place: &Place) -> BTreeMap<i64, Shown> {
    let partition = broker.partition(place).unwrap();
    let (start, end) = (partition.log().start(), partition.stable_end());
    let committed = Fetch { committed: true, ..Fetch::from(start) };
    let aborted = broker.fetch(place, &committed).aborted.unwrap_or_default();
    let mut shown = BTreeMap::new();
    for stored in partition.log().batches() {
        if !is_shown(&aborted, stored) {
            continue;
        }
        for record in records(&stored.header, &stored.bytes).unwrap() {
            if (start..end).contains(&record.offset) {
                let append_time = stored.header.attributes & LOG_APPEND_TIME != 0;
                let time = if append_time { stored.header.max_timestamp } else { record.timestamp };
                shown.insert(record.offset, (time, record.key, record.value));
            }
        }
    }
    shown
}

fn is_shown(aborted: &[Aborted], stored: &Stored) -> bool {
    let header = &stored.header;
    let is_aborted = |aborted: &Aborted| {
        aborted.producer_id == header.producer_id
            && (aborted.first_offset..aborted.last_offset).contains(&header.base_offset)
    };
    let is_given_up = header.is_transactional() && aborted.iter().any(is_aborted);
    !(header.is_control() || is_filler(&stored.bytes, &|id| id == PRODUCER_ID) || is_given_up)
}

/// The first offset before `until` where the mirror shows something else than its source ever did, or lacks what it shows.
pub(crate) fn difference(
    source: &BTreeMap<i64, Shown>,
    ever: &BTreeMap<i64, Shown>,
    mirror: &BTreeMap<i64, Shown>,
    until: i64,
) -> Option<i64> {
    let lacks = source.iter().find(|(offset, shown)| mirror.get(offset) != Some(shown));
    let invents = mirror.iter().find(|(offset, shown)| ever.get(offset) != Some(shown));
    let offsets = lacks.into_iter().chain(invents).map(|(offset, _)| *offset);
    offsets.filter(|offset| *offset < until).min()
}
