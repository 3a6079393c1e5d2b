//! What one replica does for all for a while.

mod number;

use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::names::{HolderId, LeaseName};
use crate::store::{Body, Kind, Record, Sealer};

pub use number::LeaseNumber;

/// A lease: who does something for all replicas, and until when. Its record's id is its name.
///
/// Each transition takes the lease and gives what has to be committed over the record that it was read from; of two who
/// try at once the store tells one of a conflict. Clocks of machines differ, and a holder may sleep past its time without
/// noticing: so the time only keeps others from trying, and what really fences is the [number](LeaseNumber). For its sake
/// the record is never deleted as long as anybody remembers a number of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRecord {
    /// What it is about.
    pub name: LeaseName,
    /// Of the last taking. It stays when the lease is given back.
    pub number: LeaseNumber,
    /// Who has it; nobody before the first taking and after it is given back.
    pub held: Option<Holding>,
    /// Fields of a later version.
    pub unknown: Unknown,
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Who.
    pub holder: HolderId,
    /// From when on anybody may take it.
    pub until: Moment,
}

/// A lease cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseRefused {
    /// Somebody else has it; look again when their time is over.
    #[error("lease `{name}` is held by `{}` until {}", held.holder, held.until.to_rfc3339())]
    Held {
        /// What it is about.
        name: LeaseName,
        /// Who has it.
        held: Holding,
    },
    /// Its number cannot grow any more.
    #[error(
        "lease `{0}` has the number {max}, the largest that brokers take, and none may come twice; make what it is for anew, under another name",
        max = i32::MAX
    )]
    UsedUp(LeaseName),
}

/// Somebody does not hold a lease that they act upon, and must stop what they do under it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{holder}` does not hold lease `{name}` under number {} any more; take it again", number.value())]
pub struct LeaseLost {
    /// What it is about.
    pub name: LeaseName,
    /// Who thought so.
    pub holder: HolderId,
    /// The taking that they meant.
    pub number: LeaseNumber,
}

impl LeaseRecord {
    /// A lease that nobody took yet.
    #[must_use]
    pub fn new(name: LeaseName) -> Self {
        Self { name, number: LeaseNumber::NONE, held: None, unknown: Unknown::default() }
    }

    /// `holder` takes it. The number grows, also for the one who holds it already: what they did before they took it
    /// again is fenced like anybody else's.
    ///
    /// # Errors
    /// [`LeaseRefused`].
    pub fn take(self, now: Moment, holder: &HolderId, until: Moment) -> Result<Self, LeaseRefused> {
        if let Some(held) = &self.held
            && held.until > now
            && held.holder != *holder
        {
            return Err(LeaseRefused::Held { held: held.clone(), name: self.name });
        }
        match self.number.next() {
            Some(number) => {
                Ok(Self { number, held: Some(Holding { holder: holder.clone(), until }), ..self })
            }
            None => Err(LeaseRefused::UsedUp(self.name)),
        }
    }

    /// Its holder keeps it for longer, under the same number. An end that was promised does not come sooner.
    ///
    /// # Errors
    /// [`LeaseLost`]: another taking came, or the time was over. It may still be free, and can be taken again.
    pub fn renew(
        self,
        now: Moment,
        holder: &HolderId,
        number: LeaseNumber,
        until: Moment,
    ) -> Result<Self, LeaseLost> {
        match self.held_by(holder, number) {
            Some(held) if held.until > now => {
                let held = Holding { holder: holder.clone(), until: held.until.max(until) };
                Ok(Self { held: Some(held), ..self })
            }
            _ => Err(self.lost(holder, number)),
        }
    }

    /// Its holder gives it back; anybody may take it, under the next number.
    ///
    /// # Errors
    /// [`LeaseLost`]: another taking came, and that is not theirs to give.
    pub fn release(self, holder: &HolderId, number: LeaseNumber) -> Result<Self, LeaseLost> {
        match self.held_by(holder, number) {
            Some(_) => Ok(Self { held: None, ..self }),
            None => Err(self.lost(holder, number)),
        }
    }

    fn held_by(&self, holder: &HolderId, number: LeaseNumber) -> Option<&Holding> {
        self.held.as_ref().filter(|held| held.holder == *holder && self.number == number)
    }

    fn lost(self, holder: &HolderId, number: LeaseNumber) -> LeaseLost {
        LeaseLost { name: self.name, holder: holder.clone(), number }
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct LeaseBody {
    number: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<HolderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    #[serde(flatten)]
    unknown: Unknown,
}

impl Recorded for LeaseRecord {
    const KIND: Kind = Kind::LEASE;

    fn id(&self) -> String {
        self.name.to_string()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let (holder, until) = match self.held.clone() {
            Some(Holding { holder, until }) => (Some(holder), Some(until)),
            None => (None, None),
        };
        let (number, unknown) = (self.number.value(), self.unknown.clone());
        json::write(&self.key()?, &LeaseBody { number, holder, until, unknown }, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let LeaseBody { number, holder, until, unknown } = json::read(record, &MIGRATIONS)?;
        let name =
            LeaseName::parse(record.key.id()).map_err(|error| RecordError::malformed(record, error))?;
        let number = LeaseNumber::new(number);
        let number = number.ok_or_else(|| RecordError::malformed(record, "its number is below 0"))?;
        let held = match (holder, until) {
            (Some(holder), Some(until)) => Some(Holding { holder, until }),
            (None, None) => None,
            _ => {
                return Err(RecordError::malformed(record, "it has a holder without an end, or the reverse"));
            }
        };
        Ok(Self { name, number, held, unknown })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::testing::{keeps_later_fields, kept, read, saying, sealer};

    fn new() -> LeaseRecord {
        LeaseRecord::new(LeaseName::parse("marker/dc1-to-dc2").unwrap())
    }

    fn holder(name: &str) -> HolderId {
        HolderId::parse(name).unwrap()
    }

    fn number(value: i32) -> LeaseNumber {
        LeaseNumber::new(value).unwrap()
    }

    /// Taken by `a` at 1, until 10.
    fn taken() -> LeaseRecord {
        new().take(Moment(1), &holder("a"), Moment(10)).unwrap()
    }

    #[test]
    fn one_holds_it_and_others_wait() {
        let refused = taken().take(Moment(9), &holder("b"), Moment(20)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "lease `marker/dc1-to-dc2` is held by `a` until 1970-01-01T00:00:00Z"
        );
        let after = taken().take(Moment(10), &holder("b"), Moment(20)).unwrap();
        assert_eq!((after.number, after.held.unwrap().holder), (number(2), holder("b")));
    }

    #[test]
    fn every_taking_has_a_larger_number() {
        let again = taken().take(Moment(2), &holder("a"), Moment(11)).unwrap();
        assert_eq!(again.number, number(2));
        let released = again.release(&holder("a"), number(2)).unwrap();
        assert_eq!((released.number, released.held.clone()), (number(2), None), "it outlives the release");
        assert_eq!(released.take(Moment(2), &holder("b"), Moment(11)).unwrap().number, number(3));
    }

    #[test]
    fn a_number_that_cannot_grow_is_not_given_out() {
        let last = LeaseRecord { number: number(i32::MAX), ..new() };
        let error = last.take(Moment(1), &holder("a"), Moment(10)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "lease `marker/dc1-to-dc2` has the number 2147483647, the largest that brokers take, and none may come \
             twice; make what it is for anew, under another name"
        );
    }

    #[test]
    fn only_its_holder_keeps_it_and_only_in_time() {
        let renewed = taken().renew(Moment(9), &holder("a"), number(1), Moment(20)).unwrap();
        assert_eq!((renewed.number, renewed.held.clone().unwrap().until), (number(1), Moment(20)));
        let sooner = renewed.renew(Moment(9), &holder("a"), number(1), Moment(15)).unwrap();
        assert_eq!(sooner.held.unwrap().until, Moment(20), "what was promised stands");
        for (now, who, taking) in [(10, "a", 1), (9, "b", 1), (9, "a", 2), (9, "a", 0)] {
            assert!(
                taken().renew(Moment(now), &holder(who), number(taking), Moment(20)).is_err(),
                "{now} {who}"
            );
        }
        let lost = new().renew(Moment(0), &holder("a"), number(1), Moment(1)).unwrap_err().to_string();
        assert_eq!(
            lost,
            "`a` does not hold lease `marker/dc1-to-dc2` under number 1 any more; take it again"
        );
    }

    #[test]
    fn nobody_gives_back_what_another_took() {
        let other = taken().take(Moment(10), &holder("b"), Moment(20)).unwrap();
        assert!(other.clone().release(&holder("a"), number(1)).is_err());
        assert!(other.clone().release(&holder("b"), number(1)).is_err());
        assert!(other.release(&holder("b"), number(2)).is_ok());
    }

    #[test]
    fn a_lease_is_read_as_it_was_written() {
        for lease in [new(), taken(), taken().release(&holder("a"), number(1)).unwrap()] {
            assert_eq!(read::<LeaseRecord>(&kept(&lease)), lease);
        }
        let record = kept(&taken());
        for text in [r#"{"number":-1}"#, r#"{"number":1,"holder":"a"}"#, r#"{"number":1,"until":2}"#] {
            assert!(LeaseRecord::from_record(&saying(&record, text), &sealer()).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&taken(), |lease| lease.release(&holder("a"), number(1)).unwrap());
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        let leases = [new(), taken()].map(|lease| kept(&lease).body.text().to_owned());
        insta::assert_snapshot!(leases.join("\n"));
    }

    proptest! {
        #[test]
        fn whatever_is_tried_no_number_comes_twice(
            steps in prop::collection::vec((0..3_u8, 0..3_u8, 0..4_u64, 1..6_u64), 0..60)
        ) {
            let (mut lease, mut now, mut given) = (new(), Moment(0), Vec::new());
            for (what, who, passed, length) in steps {
                now = Moment(now.0 + passed);
                let (who, until, number) = (holder(&who.to_string()), Moment(now.0 + length), lease.number);
                let holds = lease.held.clone().filter(|held| held.until > now);
                let next = match what {
                    0 => lease.clone().take(now, &who, until).ok(),
                    1 => lease.clone().renew(now, &who, number, until).ok(),
                    _ => lease.clone().release(&who, number).ok(),
                };
                let Some(next) = next else { continue };
                prop_assert!(holds.is_none_or(|held| held.holder == who), "nobody is pushed out in their time");
                if what == 0 {
                    given.push(next.number);
                } else {
                    prop_assert_eq!(next.number, number);
                }
                lease = next;
            }
            prop_assert!(given.windows(2).all(|two| two[0] < two[1]), "{:?}", given);
        }
    }
}
