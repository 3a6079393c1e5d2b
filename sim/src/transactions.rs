//! Transactions as their coordinator sees them, as far as the source of a mirror needs them.
//!
//! Everything is done at once: nobody ever meets CONCURRENT_TRANSACTIONS here.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;

use crate::broker::Broker;
use crate::markers::Marker;
use crate::topics::Place;

/// From this version of EndTxn on, each transaction has an epoch of its own (KIP-890).
const EPOCH_PER_TRANSACTION: i16 = 5;

/// A producer id with its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The id.
    pub producer_id: i64,
    /// The epoch.
    pub epoch: i16,
}

/// Who writes in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactional {
    /// The transactional id.
    pub id: String,
    /// What it was given.
    pub identity: Identity,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Coordinator {
    transactions: BTreeMap<String, Transaction>,
    producers: i64,
    /// Its own, in markers.
    pub(crate) epoch: i32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Transaction {
    identity: Identity,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Empty,
    Ongoing(BTreeSet<Place>),
    Ended { committed: bool },
}

impl Broker {
    /// Gives a producer id; with a transactional id always the same one, with a new epoch that fences the old.
    pub fn init_producer_id(&mut self, transactional_id: Option<&str>) -> Identity {
        let Some(id) = transactional_id else { return self.coordinator.new_identity() };
        let Some(transaction) = self.coordinator.transactions.get_mut(id) else {
            let identity = self.coordinator.new_identity();
            let transaction = Transaction { identity, state: State::Empty };
            self.coordinator.transactions.insert(id.to_owned(), transaction);
            return identity;
        };
        transaction.identity.epoch = transaction.identity.epoch.saturating_add(1);
        let fencing = transaction.identity;
        if let State::Ongoing(places) = std::mem::replace(&mut transaction.state, State::Empty) {
            // The epoch of the abort is already one that the old producer does not have.
            transaction.identity.epoch = fencing.epoch.saturating_add(1);
            let next = transaction.identity;
            self.write_ends(fencing, places, false);
            return next;
        }
        fencing
    }

    /// Adds partitions to a transaction, the first of which begins it.
    pub fn add_to_transaction(&mut self, who: &Transactional, places: &[Place]) -> ErrorCode {
        if places.iter().any(|place| self.partition(place).is_none()) {
            return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        }
        let transaction = match self.coordinator.of(who) {
            Ok(transaction) => transaction,
            Err(code) => return code,
        };
        match &mut transaction.state {
            State::Ongoing(known) => known.extend(places.iter().cloned()),
            state => *state = State::Ongoing(places.iter().cloned().collect()),
        }
        ErrorCode::NONE
    }

    /// Ends a transaction, asked with a version of EndTxn; the identity for the next one.
    pub fn end_transaction(
        &mut self,
        version: i16,
        who: &Transactional,
        commit: bool,
    ) -> (ErrorCode, Identity) {
        let transaction = match self.coordinator.of(who) {
            Ok(transaction) => transaction,
            Err(code) => return (code, who.identity),
        };
        let has_own_epoch = version >= EPOCH_PER_TRANSACTION;
        let places = match &transaction.state {
            State::Ongoing(places) => places.clone(),
            State::Ended { committed } if *committed == commit && !has_own_epoch => {
                return (ErrorCode::NONE, who.identity);
            }
            _ if has_own_epoch && !commit => BTreeSet::new(),
            _ => return (ErrorCode::INVALID_TXN_STATE, who.identity),
        };
        transaction.state = State::Ended { committed: commit };
        if has_own_epoch {
            transaction.identity.epoch = transaction.identity.epoch.saturating_add(1);
        }
        let identity = transaction.identity;
        self.write_ends(identity, places, commit);
        (ErrorCode::NONE, identity)
    }

    fn write_ends(&mut self, identity: Identity, places: BTreeSet<Place>, commit: bool) {
        let Identity { producer_id, epoch: producer_epoch } = identity;
        let coordinator_epoch = self.coordinator.epoch;
        let places = places.into_iter().collect();
        self.write_markers(&[Marker { producer_id, producer_epoch, coordinator_epoch, commit, places }]);
    }
}

impl Coordinator {
    /// Whether a batch may be part of a transaction at a place.
    pub(crate) fn check(
        &self,
        place: &Place,
        header: &BatchHeader,
        transactional_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if !header.is_transactional() {
            return Ok(());
        }
        let id = transactional_id.ok_or(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)?;
        let transaction = self.transactions.get(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if transaction.identity.producer_id != header.producer_id {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if transaction.identity.epoch != header.producer_epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        match &transaction.state {
            State::Ongoing(places) if places.contains(place) => Ok(()),
            _ => Err(ErrorCode::INVALID_TXN_STATE),
        }
    }

    fn of(&mut self, who: &Transactional) -> Result<&mut Transaction, ErrorCode> {
        let transaction = self.transactions.get_mut(&who.id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if transaction.identity.producer_id != who.identity.producer_id {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if transaction.identity.epoch != who.identity.epoch {
            return Err(ErrorCode::PRODUCER_FENCED);
        }
        Ok(transaction)
    }

    fn new_identity(&mut self) -> Identity {
        self.producers += 1;
        Identity { producer_id: self.producers, epoch: 0 }
    }
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;
    use crate::settings::{Settings, Version};
    use crate::{Aborted, Fetch, Produce, TopicConfig};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker() -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        (broker, Place::new("t", 0))
    }

    fn begin(broker: &mut Broker, id: &str, place: &Place) -> Transactional {
        let who = Transactional { id: id.to_owned(), identity: broker.init_producer_id(Some(id)) };
        assert_eq!(broker.add_to_transaction(&who, std::slice::from_ref(place)), ErrorCode::NONE);
        who
    }

    fn write(broker: &mut Broker, who: &Transactional, place: &Place, sequence: i32) -> ErrorCode {
        let Identity { producer_id, epoch } = who.identity;
        let records = Draft::of(1, NOW).by(producer_id, epoch, sequence).transactional().bytes();
        let produce = Produce { transactional_id: Some(who.id.clone()), ..Produce::of(records) };
        broker.produce(place, &produce).error_code
    }

    #[test]
    fn transactions_that_overlap_end_apart() {
        let (mut broker, place) = broker();
        let (one, other) = (begin(&mut broker, "one", &place), begin(&mut broker, "other", &place));
        for (who, sequence) in [(&one, 0), (&other, 0), (&one, 1)] {
            assert_eq!(write(&mut broker, who, &place, sequence), ErrorCode::NONE);
        }
        let committed = Fetch { committed: true, ..Fetch::from(0) };
        assert_eq!(broker.fetch(&place, &committed).stable_end, 0);
        assert_eq!(broker.end_transaction(3, &one, false).0, ErrorCode::NONE);
        assert_eq!(broker.fetch(&place, &committed).stable_end, 1);
        assert_eq!(broker.end_transaction(3, &other, true).0, ErrorCode::NONE);
        let fetched = broker.fetch(&place, &committed);
        let aborted = Aborted { producer_id: one.identity.producer_id, first_offset: 0, last_offset: 3 };
        assert_eq!((fetched.stable_end, fetched.aborted), (5, Some(vec![aborted])));
        assert_eq!(broker.fetch(&place, &Fetch::from(0)).aborted, None);
    }

    #[test]
    fn only_who_was_given_an_id_may_use_it() {
        let (mut broker, place) = broker();
        let code = |broker: &mut Broker, id: Option<&str>| {
            let records = Draft::of(1, NOW).by(77, 0, 0).transactional().bytes();
            let transactional_id = id.map(str::to_owned);
            broker.produce(&place, &Produce { transactional_id, ..Produce::of(records) }).error_code
        };
        assert_eq!(code(&mut broker, None), ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        assert_eq!(code(&mut broker, Some("x")), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        begin(&mut broker, "x", &place);
        assert_eq!(code(&mut broker, Some("x")), ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }

    #[test]
    fn who_comes_back_aborts_what_was_open_and_fences() {
        let (mut broker, place) = broker();
        let old = begin(&mut broker, "x", &place);
        write(&mut broker, &old, &place, 0);
        let new = begin(&mut broker, "x", &place);
        assert_eq!((old.identity.epoch, new.identity.epoch), (0, 2));
        assert_eq!(write(&mut broker, &old, &place, 1), ErrorCode::INVALID_PRODUCER_EPOCH);
        assert_eq!(broker.end_transaction(3, &old, true).0, ErrorCode::PRODUCER_FENCED);
        assert_eq!(broker.partition(&place).unwrap().stable_end(), 2);
        assert_eq!(write(&mut broker, &new, &place, 0), ErrorCode::NONE);
    }

    #[test]
    fn nothing_cannot_be_ended_before_version_5() {
        let (mut broker, _) = broker();
        let who = Transactional { id: "x".to_owned(), identity: broker.init_producer_id(Some("x")) };
        assert_eq!(broker.end_transaction(3, &who, false).0, ErrorCode::INVALID_TXN_STATE);
        let (code, next) = broker.end_transaction(5, &who, false);
        assert_eq!((code, next.epoch), (ErrorCode::NONE, 1));
    }
}
