//! What operators did, the last thousand times: a ring of records, so that it never grows.

use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::store::{Body, Change, Image, Kind, Record, RecordKey, Sealer, Write};

/// How many are kept: what a busy team does in some weeks, a few hundred bytes each.
pub const AUDIT_SLOTS: u64 = 1_000;

/// Records that one entry names; of more it has the number.
const MAX_NAMED: usize = 20;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Grows by one with each; the slot is what remains of it by [`AUDIT_SLOTS`].
    pub number: u64,
    /// When.
    pub at: Moment,
    /// Who, as far as it is known.
    pub who: String,
    /// What they asked for.
    pub action: String,
    /// The records that were changed by it, at most the first few.
    pub changed: Vec<String>,
    /// How many were changed.
    pub count: usize,
    /// Fields of a later version.
    pub unknown: Unknown,
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct AuditBody {
    number: u64,
    at: Moment,
    who: String,
    action: String,
    changed: Vec<String>,
    count: usize,
    #[serde(flatten)]
    unknown: Unknown,
}

impl AuditRecord {
    /// All that are kept, the oldest first. One that cannot be read is passed over: it stands in nobody's way.
    #[must_use]
    pub fn all(image: &Image, sealer: &Sealer) -> Vec<Self> {
        let read = image.of(&Kind::AUDIT).filter_map(|record| Self::from_record(record, sealer).ok());
        let mut all: Vec<Self> = read.collect();
        all.sort_by_key(|entry| entry.number);
        all
    }

    /// `change`, and that `who` did it; both are written, or neither.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn tell(
        change: Change,
        image: &Image,
        sealing: &Sealing<'_>,
        now: Moment,
        who: &str,
        action: &str,
    ) -> Result<Change, RecordError> {
        let writes = change.writes().iter().filter(|write| !matches!(write, Write::Keep { .. }));
        let keys: Vec<String> = writes.map(|write| write.key().to_string()).collect();
        let last = Self::all(image, sealing.sealer).last().map(|entry| entry.number);
        let entry = Self {
            number: last.map_or(0, |last| last.saturating_add(1)),
            at: now,
            who: who.to_owned(),
            action: action.to_owned(),
            count: keys.len(),
            changed: keys.into_iter().take(MAX_NAMED).collect(),
            unknown: Unknown::default(),
        };
        let (key, body) = (entry.key()?, entry.to_body(sealing)?);
        let expect = image.get(&key).map(|record| record.revision);
        Ok(change.and(Write::Put { key, expect, body }))
    }
}

impl Recorded for AuditRecord {
    const KIND: Kind = Kind::AUDIT;

    fn id(&self) -> String {
        (self.number % AUDIT_SLOTS).to_string()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let key = RecordKey::new(Self::KIND, &self.id())?;
        let Self { number, at, who, action, changed, count, unknown } = self.clone();
        json::write(&key, &AuditBody { number, at, who, action, changed, count, unknown }, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let AuditBody { number, at, who, action, changed, count, unknown } = json::read(record, &MIGRATIONS)?;
        Ok(Self { number, at, who, action, changed, count, unknown })
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;
    use crate::store::SealingKey;

    #[test]
    fn the_newest_takes_the_place_of_the_oldest() {
        let sealer = Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap());
        let random = SystemRandom::new();
        let sealing = Sealing { sealer: &sealer, random: &random };
        let entry = |number| AuditRecord {
            number,
            at: Moment(1),
            who: "ann".to_owned(),
            action: "first".to_owned(),
            changed: Vec::new(),
            count: 0,
            unknown: Unknown::default(),
        };
        let mut image = Image::default();
        for number in [0, 1, AUDIT_SLOTS - 1] {
            let (key, body) = (entry(number).key().unwrap(), entry(number).to_body(&sealing).unwrap());
            image = image.with(&Change::new().create(key, body)).unwrap();
        }
        let setting = RecordKey::new(Kind::SETTING, "s").unwrap();
        let change = Change::new().create(setting, Body::new(1, "1"));
        let change = AuditRecord::tell(change, &image, &sealing, Moment(2), "bob", "set s").unwrap();
        let all = AuditRecord::all(&image.with(&change).unwrap(), &sealer);
        assert_eq!(all.iter().map(|e| e.number).collect::<Vec<_>>(), [1, AUDIT_SLOTS - 1, AUDIT_SLOTS]);
        let last = all.last().unwrap();
        assert_eq!((last.at, last.who.as_str(), last.action.as_str()), (Moment(2), "bob", "set s"));
        assert_eq!((last.changed.as_slice(), last.count), (&["setting/s".to_owned()][..], 1));
    }

    #[test]
    fn two_at_once_are_a_conflict_like_any() {
        let sealer = Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap());
        let random = SystemRandom::new();
        let sealing = Sealing { sealer: &sealer, random: &random };
        let image = Image::default();
        let change = |id: &str| {
            let change = Change::new().create(RecordKey::new(Kind::SETTING, id).unwrap(), Body::new(1, "1"));
            AuditRecord::tell(change, &image, &sealing, Moment(1), "ann", "set").unwrap()
        };
        let after = image.with(&change("a")).unwrap();
        assert!(after.with(&change("b")).is_err());
    }
}
