//! Fillers, and the start of a log (offset-exact, section 3).

use bytes::Bytes;

use super::asking::{Asking, P};
use super::{Row, same};
use crate::draft::{Draft, encode};

pub(super) const ROWS: &[Row] = &[
    same(
        "3: fillers up to a start, deleted at once",
        "starts at 5000, 5000 to 5000, ok 5000, 5000 to 5001",
        |ask| {
            ask.topic(&[("retention.ms", "-1")]);
            (0..5).for_each(|batch| ask.write(&filler(ask, 1_000 * batch, 1_000)));
            ask.delete(5_000);
            ask.range();
            ask.produce(&ask.guarded(5_000, 1));
            ask.range();
        },
    ),
    same(
        "3: the producer is known after everything is deleted",
        "starts at 1000, epoch 0 last 999 coordinator -1 open -1, ok 0, 45, ok 1000",
        |ask| {
            ask.write(&filler(ask, 0, 1_000));
            ask.delete(1_000);
            ask.producers();
            ask.produce(&filler(ask, 0, 1_000));
            ask.produce(&ask.guarded(1_001, 1));
            ask.produce(&ask.guarded(1_000, 1));
        },
    ),
    same(
        "3: answers tell the start, some refusals too",
        "ok 4 start 2, ok 4 start 2, 45 start 2, 87 start -1, 87 start 2, 10 start -1, 2 start -1",
        |ask| {
            ask.topic(&[("max.message.bytes", "1000")]);
            ask.write(&ask.guarded(0, 4));
            let place = ask.place();
            ask.subject.delete_records(&place, 2);
            let mut damaged = ask.guarded(5, 1).bytes().to_vec();
            damaged.iter_mut().last().into_iter().for_each(|last| *last ^= 1);
            for records in [
                ask.guarded(4, 1).bytes(),
                ask.guarded(4, 1).bytes(),
                ask.guarded(9, 1).bytes(),
                Bytes::new(),
                ask.guarded(5, 0).bytes(),
                ask.guarded(5, 500).bytes(),
                damaged.into(),
            ] {
                let answer = ask.answer(crate::produce::Produce::of(records));
                ask.see(format!("{} start {}", super::asking::told(&answer), answer.log_start_offset));
            }
        },
    ),
    same("3: the start may lie inside a batch", "starts at 2, 2 to 4, [0..3] count 4 codec 0, 1", |ask| {
        ask.write(&ask.guarded(0, 4));
        ask.delete(2);
        ask.range();
        ask.shapes(2);
        let before = ask.fetch(&crate::fetch::Fetch::from(1)).error_code;
        ask.see(before.0);
    }),
    same("3: from delete to compact, then the first record", "starts at 3, 87, ok 3, 3 to 4", |ask| {
        ask.write(&filler(ask, 0, 3));
        ask.delete(-1);
        let place = ask.place();
        ask.subject.set_config(&place, "cleanup.policy", "compact");
        ask.produce(&ask.guarded(3, 1));
        ask.produce(&ask.guarded(3, 1).keyed());
        ask.range();
    }),
    same("3: a filler on a compacted topic needs a key", "87, 87, ok 0, ok 2, 0 to 4", |ask| {
        ask.topic(&[("cleanup.policy", "compact")]);
        ask.produce(&filler(ask, 0, 2));
        let plain = Draft::holding([(None, None), (None, None)], ask.now).by(P, 0, 0);
        ask.produce(&plain);
        let keyed =
            |sequence| Draft::holding([(None, None), (None, None)], ask.now).by(P, 0, sequence).keyed();
        let (first, second) = (keyed(0), keyed(2).zstd());
        ask.produce(&first);
        ask.produce(&second);
        ask.range();
    }),
    same("3: one record without a key among others on a compacted topic", "87, 0 to 0", |ask| {
        ask.topic(&[("cleanup.policy", "compact,delete")]);
        let mut draft = ask.guarded(0, 3).keyed();
        draft.items.iter_mut().skip(1).take(1).for_each(|item| item.key = None);
        ask.produce(&draft);
        ask.range();
    }),
    same("3: DeleteRecords by policy", "44, starts at 2, starts at 3", |ask| {
        let place = ask.topic(&[("cleanup.policy", "compact")]);
        ask.write(&ask.guarded(0, 3).keyed());
        ask.delete(2);
        ask.subject.set_config(&place, "cleanup.policy", "compact,delete");
        ask.delete(2);
        ask.subject.set_config(&place, "cleanup.policy", "delete");
        ask.delete(-1);
    }),
    same(
        "3: DeleteRecords beyond the end, backwards, below nothing",
        "1, starts at 3, starts at 3, 1, 3 to 5",
        |ask| {
            ask.write(&ask.guarded(0, 5));
            ask.delete(6);
            ask.delete(3);
            ask.delete(1);
            ask.delete(-2);
            ask.range();
        },
    ),
    same("3: the limit of a batch is on its compressed bytes", "10, ok 0, ok 1", |ask| {
        ask.topic(&[("max.message.bytes", "1000")]);
        let large = |sequence, count: usize| {
            Draft::holding([(None, Some(Bytes::from(vec![b'x'; count])))], ask.now).by(P, 0, sequence)
        };
        let (plain, zstd, small) = (large(0, 2_000), large(0, 2_000).zstd(), large(1, 900));
        ask.produce(&plain);
        ask.produce(&zstd);
        ask.produce(&small);
    }),
    same("3: the default limit of a batch is 1,048,588 bytes", "10, ok 0", |ask| {
        for size in [1_048_589, 1_048_588] {
            ask.produce_bytes(of_size(ask, size));
        }
    }),
];

/// Empty records, as few bytes as they can be.
fn filler(ask: &Asking<'_>, sequence: i32, count: usize) -> Draft {
    Draft::holding((0..count).map(|_| (None, None)), ask.now).by(P, 0, sequence).zstd()
}

/// A batch of one record that takes exactly so many bytes.
fn of_size(ask: &Asking<'_>, size: usize) -> Bytes {
    let with = |value: usize| Draft::holding([(None, Some(Bytes::from(vec![0; value])))], ask.now);
    let overhead = with(size - 100).bytes().len() - (size - 100);
    let draft = with(size - overhead);
    encode(&draft.header, &draft.section())
}
