//! A source that was compacted (offset-exact, section 5).

use super::asking::{Asking, P};
use super::{Row, same};
use crate::draft::Draft;
use crate::fetch::Fetch;

pub(super) const ROWS: &[Row] = &[same(
    "5: what a cleaner leaves",
    "[0..4] count 1 codec 0, [8..11] count 2 codec 4, [12..13] count 0 codec 0 61 bytes, \
     [14..17] count 4 codec 0, [18..18] count 1 codec 0, \
     from 1: 0, from 6: 8, from 9: 8, from 13: 12, 0 to 19, offsets 4, empty at sequence 77, time of the first -1, newest as it was, ok 12, ok 19",
    cleaned,
)];

fn cleaned(ask: &mut Asking<'_>) {
    // A batch that is five seconds younger than the first begins a new segment: cleaners leave it alone.
    let place = ask.topic(&[
        ("cleanup.policy", "compact"),
        ("segment.ms", "5000"),
        ("min.cleanable.dirty.ratio", "0.001"),
    ]);
    let old = ask.now - 10_000;
    let guarded = keyed(old, "fg").by(P, 0, 77);
    ask.write(&keyed(old, "abcde"));
    ask.write(&keyed(old, "abc"));
    ask.write(&keyed(old, "abcd").zstd());
    ask.write(&guarded);
    ask.write(&keyed(old, "fgab"));
    ask.write(&keyed(ask.now, "z"));
    ask.subject.clean(&place, 18);
    ask.shapes(0);
    for offset in [1, 6, 9, 13] {
        let records = ask.fetch(&Fetch::from(offset)).records;
        let first = tidegate_wire::record::batches(&records).next();
        ask.see(format!("from {offset}: {}", first.map_or(-1, |(header, _)| header.base_offset)));
    }
    ask.range();
    let batches = ask.batches(0);
    if let Some((header, batch)) = batches.first() {
        let records = tidegate_wire::record::records(header, batch).unwrap_or_default();
        let offsets: Vec<_> = records.iter().map(|record| record.offset.to_string()).collect();
        ask.see(format!("offsets {}", offsets.join(" ")));
    }
    if let Some((header, _)) = batches.iter().find(|(header, _)| header.producer_id == P) {
        ask.see(format!("empty at sequence {}", header.base_sequence));
        ask.see(format!("time of the first {}", header.base_timestamp));
        ask.see(if header.max_timestamp == old { "newest as it was" } else { "newest is another" });
    }
    ask.produce(&guarded);
    ask.produce(&keyed(ask.now, "h").by(P, 0, 79));
}

/// A record for each letter.
fn keyed(timestamp: i64, keys: &str) -> Draft {
    let records = keys.chars().map(|key| (Some(key.to_string().into()), Some("a value".into())));
    Draft::holding(records, timestamp)
}
