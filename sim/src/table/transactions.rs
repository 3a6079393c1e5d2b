//! Transactions: own ones without records (offset-exact, section 4), and those of a source.

use super::asking::{Asking, named, told};
use super::{Row, differs, same};
use crate::draft::Draft;
use crate::fetch::Fetch;
use crate::produce::Produce;
use crate::settings::Version;
use crate::transactions::Transactional;

pub(super) const ROWS: &[Row] = &[
    same("4: own transactions without records take one offset each", "ok, ok, ok, ok, 0 to 2", |ask| {
        let who = known(ask, "empty-transactions");
        for commit in [false, true] {
            add(ask, &who);
            end(ask, 3, &who, commit);
        }
        ask.range();
    }),
    same("4: EndTxn version 3 without partitions", "48, 48, 0 to 0", |ask| {
        let who = known(ask, "nothing-to-end-3");
        end(ask, 3, &who, false);
        end(ask, 3, &who, true);
        ask.range();
    }),
    differs("4: EndTxn version 5 without partitions", "ok, epoch + 1", "not served", |ask| {
        if ask.subject.version() == Version::V3_9 {
            return ask.see("not served");
        }
        let who = known(ask, "nothing-to-end-5");
        let next = end(ask, 5, &who, false);
        ask.see(format!("epoch + {}", next.identity.epoch - who.identity.epoch));
    }),
    same(
        "source: transactions that overlap",
        "ok, ok, ok 0, ok 1, ok 2, ok 3, ok 4, stable 0 of 5, ok, stable 1 of 6, aborted: one from 0, \
         ok, stable 7 of 7, aborted: one from 0, uncommitted says nothing",
        overlapping,
    ),
    same("source: a transaction that is open is not read", "ok, ok 0, ok 1, [0..0], nothing from 1", |ask| {
        let who = known(ask, "open");
        add(ask, &who);
        ask.produce(&Draft::of(1, ask.now));
        write(ask, &who, 0);
        let fetched = ask.fetch(&committed(0));
        for (header, _) in tidegate_wire::record::batches(&fetched.records) {
            ask.see(format!(
                "[{}..{}]",
                header.base_offset,
                header.base_offset + i64::from(header.last_offset_delta)
            ));
        }
        let more = ask.fetch(&committed(1));
        ask.see(if more.records.is_empty() { "nothing from 1" } else { "something from 1" });
        end_quietly(ask, &who);
    }),
    same(
        "source: who comes back aborts what was open, and the old one is fenced",
        "ok, ok 0, stable 2 of 2, aborted: old from 0, 47, 90",
        |ask| {
            let old = known(ask, "comes-back");
            add(ask, &old);
            write(ask, &old, 0);
            known(ask, "comes-back");
            stable(ask);
            aborted(ask, 0, &[("old", &old)]);
            write(ask, &old, 1);
            end(ask, 3, &old, true);
        },
    ),
    same("source: a partition that is not part of the transaction", "ok, ok 0, ok, 48", |ask| {
        let who = known(ask, "not-part");
        add(ask, &who);
        write(ask, &who, 0);
        end(ask, 3, &who, true);
        write(ask, &who, 1);
    }),
];

fn overlapping(ask: &mut Asking<'_>) {
    let (one, other) = (known(ask, "overlap-one"), known(ask, "overlap-other"));
    add(ask, &one);
    add(ask, &other);
    write(ask, &one, 0);
    write(ask, &other, 0);
    ask.produce(&Draft::of(1, ask.now));
    write(ask, &one, 1);
    write(ask, &other, 1);
    stable(ask);
    end(ask, 3, &one, false);
    stable(ask);
    aborted(ask, 0, &[("one", &one), ("other", &other)]);
    end(ask, 3, &other, true);
    stable(ask);
    aborted(ask, 0, &[("one", &one), ("other", &other)]);
    let plain = ask.fetch(&Fetch::from(0)).aborted;
    ask.see(if plain.is_none() { "uncommitted says nothing" } else { "uncommitted says it too" });
}

fn known(ask: &mut Asking<'_>, id: &str) -> Transactional {
    Transactional { id: id.to_owned(), identity: ask.subject.init_producer_id(Some(id)) }
}

fn add(ask: &mut Asking<'_>, who: &Transactional) {
    let place = ask.place();
    let code = ask.subject.add_to_transaction(who, &[place]);
    ask.see(named(code));
}

fn write(ask: &mut Asking<'_>, who: &Transactional, sequence: i32) {
    let (id, epoch) = (who.identity.producer_id, who.identity.epoch);
    let records = Draft::of(1, ask.now).by(id, epoch, sequence).transactional().bytes();
    let answer = ask.answer(Produce { transactional_id: Some(who.id.clone()), ..Produce::of(records) });
    ask.see(told(&answer));
}

fn end(ask: &mut Asking<'_>, version: i16, who: &Transactional, commit: bool) -> Transactional {
    let (code, identity) = ask.subject.end_transaction(version, who, commit);
    ask.see(named(code));
    Transactional { id: who.id.clone(), identity }
}

fn end_quietly(ask: &mut Asking<'_>, who: &Transactional) {
    ask.subject.end_transaction(3, who, false);
}

const fn committed(offset: i64) -> Fetch {
    Fetch { committed: true, ..Fetch::from(offset) }
}

fn stable(ask: &mut Asking<'_>) {
    let fetched = ask.fetch(&committed(0));
    ask.see(format!("stable {} of {}", fetched.stable_end, fetched.high_watermark));
}

fn aborted(ask: &mut Asking<'_>, offset: i64, known: &[(&str, &Transactional)]) {
    let found = ask.fetch(&committed(offset)).aborted.unwrap_or_default();
    let named =
        |id| known.iter().find(|(_, who)| who.identity.producer_id == id).map_or("?", |(name, _)| name);
    let told: Vec<_> = found
        .iter()
        .map(|aborted| format!("{} from {}", named(aborted.producer_id), aborted.first_offset))
        .collect();
    ask.see(format!("aborted: {}", told.join(" ")));
}
