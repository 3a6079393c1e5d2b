//! What happens to a source: producers, transactions, cleaners, retention, restarts.

use bytes::Bytes;
use tidegate_sim::{Broker, Draft, Identity, Place, Produce, Restart, Transactional};

use crate::Class;
use crate::dice::Dice;

pub(crate) struct Life {
    place: Place,
    class: Class,
    values: u64,
    transaction: Option<Open>,
    transactions: u64,
}

struct Open {
    who: Transactional,
    sequence: i32,
}

const DAY_MS: i64 = 86_400_000;

impl Life {
    pub(crate) fn new(place: Place, class: Class) -> Self {
        Self { place, class, values: 0, transaction: None, transactions: 0 }
    }

    pub(crate) fn step(&mut self, broker: &mut Broker, dice: &mut Dice) {
        match dice.below(20) {
            0..9 => self.write(broker, dice),
            9..13 => self.write_in_transaction(broker, dice),
            13..15 => self.end_transaction(broker, dice.once_in(2)),
            15 if self.class.compacted => self.compact(broker, dice),
            16 if self.class.starts => self.raise_start(broker, dice),
            17 => broker.restart(if dice.once_in(2) { Restart::Clean } else { Restart::Killed }),
            18 if self.class.loses => self.lose(broker, dice),
            _ => self.write(broker, dice),
        }
    }

    /// Whatever is open ends, and there is something new behind it.
    pub(crate) fn finish(&mut self, broker: &mut Broker, dice: &mut Dice) {
        self.end_transaction(broker, true);
        self.write(broker, dice);
    }

    fn write(&mut self, broker: &mut Broker, dice: &mut Dice) {
        let draft = self.draft(broker, dice);
        broker.produce(&self.place, &Produce::of(draft.bytes()));
    }

    fn write_in_transaction(&mut self, broker: &mut Broker, dice: &mut Dice) {
        let draft = self.draft(broker, dice).transactional();
        let open = match self.transaction.take() {
            Some(open) => open,
            None => self.begin(broker),
        };
        let Identity { producer_id, epoch } = open.who.identity;
        let count = i32::try_from(draft.items.len()).unwrap();
        let records = draft.by(producer_id, epoch, open.sequence).bytes();
        let produce = Produce { transactional_id: Some(open.who.id.clone()), ..Produce::of(records) };
        broker.produce(&self.place, &produce);
        self.transaction = Some(Open { sequence: open.sequence + count, ..open });
    }

    fn begin(&mut self, broker: &mut Broker) -> Open {
        // Each has an id of its own, so that their producers are many.
        self.transactions += 1;
        let id = format!("transaction {}", self.transactions);
        let who = Transactional { identity: broker.init_producer_id(Some(&id)), id };
        broker.add_to_transaction(&who, std::slice::from_ref(&self.place));
        Open { who, sequence: 0 }
    }

    fn end_transaction(&mut self, broker: &mut Broker, commit: bool) {
        if let Some(open) = self.transaction.take() {
            broker.end_transaction(3, &open.who, commit);
        }
    }

    /// No two values are the same, so no two records are.
    fn draft(&mut self, broker: &Broker, dice: &mut Dice) -> Draft {
        let age = if self.class.old && !dice.once_in(3) { 30 * DAY_MS } else { 0 };
        let count = 1 + dice.below(4);
        let records: Vec<_> = (0..count)
            .map(|_| {
                self.values += 1;
                let key = Bytes::from(format!("key {}", dice.below(3)));
                let value = Bytes::from(format!("value {}", self.values));
                (Some(key), Some(value))
            })
            .collect();
        Draft::holding(records, broker.now() - age - dice.between(0, 500))
    }

    fn compact(&self, broker: &mut Broker, dice: &mut Dice) {
        let log = broker.partition(&self.place).unwrap().log();
        let end = dice.between(log.start(), log.end() + 1);
        broker.compact_keys(&self.place, end);
    }

    fn raise_start(&self, broker: &mut Broker, dice: &mut Dice) {
        let partition = broker.partition(&self.place).unwrap();
        let (start, end) = (partition.log().start(), partition.stable_end());
        // For good: what a source shows again after a kill, its mirror lacks, and says so.
        broker.retain_from(&self.place, dice.between(start, end + 1));
    }

    fn lose(&mut self, broker: &mut Broker, dice: &mut Dice) {
        let log = broker.partition(&self.place).unwrap().log();
        let end = (log.end() - dice.between(1, 6)).max(log.start());
        broker.lose_tail(&self.place, end);
        // Its coordinator would abort it; here it is simply never heard of again.
        self.end_transaction(broker, false);
    }
}
