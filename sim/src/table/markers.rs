//! Markers of transactions that never were (offset-exact, section 4).

use super::asking::{Asking, P};
use super::{Row, same};
use crate::draft::Draft;
use crate::markers::Marker;

/// Another producer id that no broker gives away.
const M: i64 = 0x4000_0000_0000_9999;

pub(super) const ROWS: &[Row] = &[
    same(
        "4: unknown id, abort or commit: one offset, 78 bytes",
        "ok, ok, 0 to 2, \
         78 bytes attributes 48 sequence -1 delta 0, 78 bytes attributes 48 sequence -1 delta 0, \
         key 00000000 value 000000000000, key 00000001 value 000000000000, \
         epoch 0 last -1 coordinator 0 open -1",
        |ask| {
            let abort = ask.marker(M, 0, 0);
            let commit = Marker { commit: true, ..abort.clone() };
            ask.mark_all(&[abort]);
            ask.mark_all(&[commit]);
            ask.range();
            let batches = ask.batches(0);
            for (header, batch) in &batches {
                ask.see(format!(
                    "{} bytes attributes {} sequence {} delta {}",
                    batch.len(),
                    header.attributes,
                    header.base_sequence,
                    header.last_offset_delta
                ));
            }
            for (header, batch) in &batches {
                for record in tidegate_wire::record::records(header, batch).unwrap_or_default() {
                    let (key, value) = (hex(record.key.as_deref()), hex(record.value.as_deref()));
                    ask.see(format!("key {key} value {value}"));
                }
            }
            ask.producers();
        },
    ),
    same(
        "4: a repeat, and the same id twice in a request, are appended again",
        "ok, ok, ok, 0 to 4",
        |ask| {
            ask.mark(M, 0, 0);
            ask.mark(M, 0, 0);
            let marker = ask.marker(M, 0, 0);
            ask.mark_all(&[marker.clone(), marker]);
            ask.range();
        },
    ),
    same("4: a lower epoch of the coordinator or the producer", "ok, 52, 47, ok, ok, 0 to 3", |ask| {
        ask.mark(M, 5, 9);
        ask.mark(M, 5, 8);
        ask.mark(M, 4, 9);
        ask.mark(M, 5, 10);
        ask.mark(M, 6, 10);
        ask.range();
    }),
    same("4: of two markers of one id the answer is that of the later", "47, ok, 0 to 2", |ask| {
        let (new, old) = (ask.marker(M, 1, 0), ask.marker(M, 0, 0));
        ask.mark_all(&[new.clone(), old.clone()]);
        ask.mark_all(&[old, new]);
        ask.range();
    }),
    same("4: both epochs are lower", "ok, 47, 0 to 1", |ask| {
        ask.mark(M, 5, 9);
        ask.mark(M, 4, 8);
        ask.range();
    }),
    same(
        "4: of the producer's own id and epoch: its sequence goes on",
        "ok 0, ok, ok 0, ok 3, 45, 0 to 4",
        |ask| {
            ask.produce(&ask.guarded(100, 2));
            ask.mark(P, 0, 0);
            ask.produce(&ask.guarded(100, 2));
            ask.produce(&ask.guarded(102, 1));
            ask.produce(&ask.guarded(104, 1));
            ask.range();
        },
    ),
    same(
        "4: of the producer's own id and the next epoch: both are fenced and it begins at 0",
        "ok 0, ok, 47, 47, 45, ok 3, 0 to 4",
        |ask| {
            ask.produce(&ask.guarded(100, 2));
            ask.mark(P, 1, 0);
            ask.produce(&ask.guarded(102, 1));
            ask.mark(P, 0, 0);
            ask.produce(&Draft::of(1, ask.now).by(P, 1, 102));
            ask.produce(&Draft::of(1, ask.now).by(P, 1, 0));
            ask.range();
        },
    ),
    same("4: before the first batch of that id: it begins at 0", "ok, 45, ok 1, 0 to 2", |ask| {
        ask.mark(P, 0, 0);
        ask.produce(&ask.guarded(555, 1));
        ask.produce(&ask.guarded(0, 1));
        ask.range();
    }),
    same("4: one partition twice in one marker", "no answer, 0 to 1", |ask| {
        let marker = ask.marker(M, 0, 0);
        let twice = Marker { places: [marker.places.clone(), marker.places.clone()].concat(), ..marker };
        ask.mark_all(&[twice]);
        ask.range();
    }),
    same("4: nonsense: epoch -2, id -2, coordinator -1 and -2", "47, ok, ok, 52, 0 to 2", |ask| {
        ask.mark(M, -2, 0);
        ask.mark(-2, 0, 0);
        ask.mark(M, 0, -1);
        ask.mark(M, 0, -2);
        ask.range();
    }),
    same("4: producer id -1, or epoch -1", "-1, -1, 0 to 0", |ask| {
        ask.mark(-1, 0, 0);
        ask.mark(M, -1, 0);
        ask.range();
    }),
    same(
        "4: a thousand markers of one id in one request have one answer",
        "1 ok, 0 to 1000, epoch 0 last -1 coordinator 7 open -1",
        |ask| {
            let marker = ask.marker(M, 0, 7);
            many(ask, &vec![marker; 1_000]);
            ask.range();
            ask.producers();
        },
    ),
    same("4: a hundred different ids are a hundred producers", "100 ok, 100 known", |ask| {
        let marker = ask.marker(M, 0, 0);
        let all: Vec<_> = (0..100).map(|place| Marker { producer_id: M + place, ..marker.clone() }).collect();
        many(ask, &all);
        let known = ask.known().len();
        ask.see(format!("{known} known"));
    }),
    same("4: on a compacted topic", "ok, 0 to 1", |ask| {
        ask.topic(&[("cleanup.policy", "compact")]);
        ask.mark(M, 0, 0);
        ask.range();
    }),
];

fn many(ask: &mut Asking<'_>, markers: &[Marker]) {
    let answers = ask.subject.write_markers(markers).unwrap_or_default();
    let taken = answers.iter().filter(|marked| marked.error_code.is_none()).count();
    ask.see(format!("{taken} ok"));
}

fn hex(bytes: Option<&[u8]>) -> String {
    bytes.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}
