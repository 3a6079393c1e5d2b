//! What requests and batches have to be (offset-exact, section 2).

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;

use super::asking::{Asking, P, told};
use super::{Row, differs, same};
use crate::draft::{CONTROL, Draft, LOG_APPEND_TIME};
use crate::produce::Produce;
use crate::settings::{DAY_MS, HOUR_MS};

pub(super) const ROWS: &[Row] = &[
    same("2: two batches in one entry", "87, 0 to 0", |ask| {
        let batch = ask.guarded(0, 1).bytes();
        ask.produce_bytes(Bytes::from([&batch[..], &batch[..]].concat()));
        ask.range();
    }),
    same("2: the same partition twice in one request", "1 answer, ok 0, 0 to 1, the second", |ask| {
        let place = ask.place();
        let one = |value: &'static str| {
            (place.clone(), Produce::of(Draft::holding([(None, Some(value.into()))], ask.now).bytes()))
        };
        let entries = [one("the first"), one("the second")];
        let answers = ask.subject.produce(&entries);
        ask.see(format!("{} answer", answers.len()));
        answers.iter().for_each(|(_, answer)| ask.see(told(answer)));
        ask.range();
        let value = value_of_the_first(ask);
        ask.see(value);
    }),
    same("2: no records at all, half a batch", "87, 87, 0 to 0", |ask| {
        ask.produce_bytes(Bytes::new());
        let batch = ask.guarded(0, 3).bytes();
        ask.produce_bytes(batch.slice(..batch.len() - 5));
        ask.range();
    }),
    same("2: a damaged batch", "2, 0 to 0", |ask| {
        let mut bytes = ask.guarded(0, 3).bytes().to_vec();
        bytes.iter_mut().last().into_iter().for_each(|last| *last ^= 1);
        ask.produce_bytes(bytes.into());
        ask.range();
    }),
    same("2: base offset 7", "87, 0 to 0", |ask| bent(ask, |header| header.base_offset = 7)),
    same("2: control bit", "87, 0 to 0", |ask| bent(ask, |header| header.attributes |= CONTROL)),
    same("2: last offset delta is not count - 1", "87, 87, 0 to 0", |ask| {
        ask.produce(&ask.guarded(0, 3).saying(|header| header.last_offset_delta = 1));
        bent(ask, |header| header.last_offset_delta = 3);
    }),
    same("2: count 0", "87, 87, 0 to 0", |ask| {
        ask.produce(&Draft::of(0, ask.now).by(P, 0, 0));
        bent(ask, |header| header.record_count = 0);
    }),
    same("2: a million records in the header, none or one in the body", "87, 87, 87, 87, 0 to 0", |ask| {
        for count in [0, 1] {
            let lying = ask.guarded(0, count).saying(|header| {
                header.record_count = 1_000_000;
                header.last_offset_delta = 999_999;
            });
            ask.produce(&lying);
            ask.produce(&lying.zstd());
        }
        ask.range();
    }),
    same("2: fewer records in the header than in the body", "87, 0 to 0", |ask| {
        bent(ask, |header| {
            header.record_count = 2;
            header.last_offset_delta = 1;
        });
    }),
    same(
        "2: inner deltas 0, 2, 5",
        "ok 0, -1, ok 3, [0..2] count 3 codec 0, [3..3] count 1 codec 0, at 0 2 5",
        |ask| {
            let mut gaps = Draft::of(3, ask.now);
            gaps.items.iter_mut().zip([0, 2, 5]).for_each(|(item, delta)| item.offset_delta = delta);
            ask.produce(&gaps);
            ask.produce(&gaps.zstd());
            ask.produce(&Draft::of(1, ask.now));
            ask.shapes(0);
            let offsets = offsets_of_the_first(ask);
            ask.see(format!("at {}", offsets.join(" ")));
        },
    ),
    same("2: transactional bit without a transactional id", "53, 0 to 0", |ask| {
        ask.produce(&ask.guarded(0, 1).transactional());
        ask.range();
    }),
    same("2: transactional bit with a producer id of one's own", "49, 0 to 0", |ask| {
        let id = "rules-of-transactions";
        ask.subject.init_producer_id(Some(id));
        let records = ask.guarded(0, 1).transactional().bytes();
        let answer = ask.answer(Produce { transactional_id: Some(id.to_owned()), ..Produce::of(records) });
        ask.see(told(&answer));
        ask.range();
    }),
    same(
        "2: the bit of LogAppendTime on a topic with CreateTime",
        "ok 0, ok 3, bit cleared, newest is that of the header, records are the same, \
         bit cleared, newest is that of the header, records are the same",
        |ask| {
            let newest = ask.now - 1_000;
            let draft = ask.guarded(0, 3).log_append_time().saying(|header| header.max_timestamp = newest);
            let later = ask.guarded(3, 3).log_append_time().saying(|header| header.max_timestamp = newest);
            let sent = [draft, later.zstd()];
            sent.iter().for_each(|draft| ask.produce(draft));
            for ((header, batch), draft) in ask.batches(0).into_iter().zip(&sent) {
                ask.see(if header.attributes & LOG_APPEND_TIME == 0 { "bit cleared" } else { "bit kept" });
                ask.see(if header.max_timestamp == newest {
                    "newest is that of the header"
                } else {
                    "newest is another"
                });
                let same = batch.ends_with(&draft.section());
                ask.see(if same { "records are the same" } else { "records are others" });
            }
        },
    ),
    same("2: a greatest timestamp that lies is put right", "ok 0, ok 2, put right, put right", |ask| {
        let lying = |sequence| {
            Draft::of(2, ask.now - 9).by(P, 0, sequence).saying(|header| header.max_timestamp += 5)
        };
        let sent = [lying(0), lying(2).zstd()];
        sent.iter().for_each(|draft| ask.produce(draft));
        for (header, _) in ask.batches(0) {
            let is_right = header.max_timestamp == ask.now - 9;
            ask.see(if is_right { "put right" } else { "kept" });
        }
    }),
    same(
        "2: a topic with LogAppendTime says the time, also of a repeat",
        "ok 0, now, ok 0, the same, bit set",
        |ask| {
            ask.topic(&[("message.timestamp.type", "LogAppendTime")]);
            let produce = Produce::of(Draft::of(1, 0).by(P, 0, 0).bytes());
            let first = ask.answer(produce.clone());
            ask.see(told(&first));
            let age = first.log_append_time - ask.now;
            ask.see(if (0..60_000).contains(&age) { "now" } else { "another time" });
            ask.subject.wait(5);
            let again = ask.answer(produce);
            ask.see(told(&again));
            ask.see(if again.log_append_time == first.log_append_time { "the same" } else { "another time" });
            let has_bit = ask.batches(0).iter().all(|(header, _)| header.attributes & LOG_APPEND_TIME != 0);
            ask.see(if has_bit { "bit set" } else { "no bit" });
        },
    ),
    same("2: a topic with CreateTime says no time, but of a repeat", "-1, that of the records", |ask| {
        let produce = Produce::of(ask.guarded(0, 1).bytes());
        let first = ask.answer(produce.clone());
        ask.see(first.log_append_time);
        let again = ask.answer(produce);
        let is_that = again.log_append_time == ask.now;
        ask.see(if is_that { "that of the records".to_owned() } else { again.log_append_time.to_string() });
    }),
    differs("2: two hours from now", "32, 32, 0 to 0", "ok 0, ok 1, 0 to 2", |ask| {
        ask.produce(&Draft::of(1, ask.now + 2 * HOUR_MS));
        ask.produce(&Draft::of(1, ask.now + 2 * HOUR_MS).zstd());
        ask.range();
    }),
    same("2: two hours from now where the topic lets it", "ok 0", |ask| {
        ask.topic(&[("message.timestamp.after.max.ms", "9223372036854775807")]);
        ask.produce(&Draft::of(1, ask.now + 2 * HOUR_MS));
    }),
    same("2: timestamps -1, 0 and of ten years ago", "ok 0, ok 1, ok 2", |ask| {
        for timestamp in [-1, 0, ask.now - 3_650 * DAY_MS] {
            ask.produce(&Draft::of(1, timestamp));
        }
    }),
];

fn bent(ask: &mut Asking<'_>, bend: impl FnOnce(&mut BatchHeader)) {
    ask.produce(&ask.guarded(0, 3).saying(bend));
    ask.range();
}

fn value_of_the_first(ask: &mut Asking<'_>) -> String {
    let value = ask.batches(0).first().and_then(|(header, batch)| {
        tidegate_wire::record::records(header, batch).ok()?.first()?.value.clone()
    });
    String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()
}

fn offsets_of_the_first(ask: &mut Asking<'_>) -> Vec<String> {
    let batches = ask.batches(0);
    let records =
        batches.first().and_then(|(header, batch)| tidegate_wire::record::records(header, batch).ok());
    records.unwrap_or_default().iter().map(|record| record.offset.to_string()).collect()
}
