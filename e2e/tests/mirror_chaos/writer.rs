//! Who writes to the source all the time: with producer ids, in transactions side by side, with whatever codec.

use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tidegate_e2e::asked::Asked;
use tidegate_e2e::dice::Dice;
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Identity, Place, Produce, Transactional};

use crate::batches;

/// Transactions that are open at once in a partition.
const SIDE_BY_SIDE: usize = 2;

/// Between two batches: a machine of two cores has others to serve.
const PACE: Duration = Duration::from_millis(8);

pub(crate) struct Writer {
    dice: Dice,
    lanes: Vec<Lane>,
    /// How old its records are.
    age_ms: i64,
    number: usize,
}

/// One partition.
struct Lane {
    place: Place,
    producer: Identity,
    sequence: i32,
    transactions: Vec<Transaction>,
}

struct Transaction {
    who: Transactional,
    sequence: i32,
    is_open: bool,
}

impl Writer {
    pub(crate) fn new(mut dice: Dice, age_ms: i64) -> Self {
        Self { dice: dice.part(), lanes: Vec::new(), age_ms, number: 0 }
    }

    /// Writes to these, too.
    pub(crate) fn add(&mut self, source: &mut Asked, topic: &str, partitions: i32) {
        for partition in 0..partitions {
            let transactions = (0..SIDE_BY_SIDE).map(|number| {
                let id = format!("{topic}-{partition}-{number}");
                let who = Transactional { identity: source.init_producer_id(Some(&id)), id };
                Transaction { who, sequence: 0, is_open: false }
            });
            let transactions = transactions.collect();
            let producer = source.init_producer_id(None);
            self.lanes.push(Lane {
                place: Place::new(topic, partition),
                producer,
                sequence: 0,
                transactions,
            });
        }
    }

    /// Writes so many batches, or ends transactions instead.
    pub(crate) fn write(&mut self, source: &mut Asked, steps: usize) {
        for _ in 0..steps {
            self.step(source);
        }
    }

    /// Writes for as long as `goes_on` says so, at a pace, and then ends what is open.
    pub(crate) fn write_while(&mut self, source: &mut Asked, mut goes_on: impl FnMut() -> bool) {
        while goes_on() {
            self.step(source);
            thread::sleep(PACE);
        }
        self.rest(source);
    }

    /// Ends all transactions: what is committed reaches the end of the log.
    pub(crate) fn rest(&mut self, source: &mut Asked) {
        for lane in &mut self.lanes {
            for transaction in lane.transactions.iter_mut().filter(|transaction| transaction.is_open) {
                transaction.end(source, self.dice.percent(60));
            }
        }
    }

    fn step(&mut self, source: &mut Asked) {
        let Self { dice, lanes, age_ms, number } = self;
        let lane = dice.below(lanes.len());
        let Lane { place, producer, sequence, transactions } = &mut lanes[lane];
        let transaction = &mut transactions[dice.below(SIDE_BY_SIDE)];
        if transaction.is_open && dice.percent(15) {
            return transaction.end(source, dice.percent(60));
        }
        *number += 1;
        let draft = batches::any(dice, *number, source.now() - *age_ms);
        if dice.percent(20) {
            return transaction.append(source, dice, place, draft);
        }
        let next = *sequence + batches::count(&draft);
        let draft = draft.by(producer.producer_id, producer.epoch, *sequence);
        append(source, place, Produce::of(batches::written(dice, draft)));
        *sequence = next;
    }
}

impl Transaction {
    fn append(&mut self, source: &mut Asked, dice: &mut Dice, place: &Place, draft: Draft) {
        if !self.is_open {
            source.add_to_transaction(&self.who, std::slice::from_ref(place));
            self.is_open = true;
        }
        let Identity { producer_id, epoch } = self.who.identity;
        let next = self.sequence + batches::count(&draft);
        let draft = draft.transactional().by(producer_id, epoch, self.sequence);
        let records: Bytes = batches::written(dice, draft);
        append(
            source,
            place,
            Produce { transactional_id: Some(self.who.id.clone()), ..Produce::of(records) },
        );
        self.sequence = next;
    }

    fn end(&mut self, source: &mut Asked, commit: bool) {
        let (code, _) = source.end_transaction(3, &self.who, commit);
        assert!(code.is_none(), "{code}");
        self.is_open = false;
    }
}

fn append(source: &mut Asked, place: &Place, produce: Produce) {
    let answers = source.produce(&[(place.clone(), produce)]);
    assert!(answers[0].1.error_code.is_none(), "{answers:?}");
}
