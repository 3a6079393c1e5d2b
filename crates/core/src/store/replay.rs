//! From signed records, in the order in which they lie in a log, to the image of them.
//!
//! Each change is its records and then a [`Head`]. Records are held back until the head of their change comes. What does
//! not fit is rejected and told to the operator; it never gets into the image.
//!
//! A log may have been compacted: at first, while [`Loading`](Phase::Loading), earlier records of a key and earlier heads
//! are missing, so only the last head can be compared with what is there. From [`Replay::loaded`] on every one is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::signed::ChangeId;
use super::{
    Body, Change, ChangeError, Head, Image, Kind, RecordKey, Revision, Signature, Signed, StoreKeys, Write,
};

/// Most alarms that are remembered; who can write garbage can write any amount of it.
const MAX_ALARMS: usize = 100;

/// Makes images of signed records.
#[derive(Debug, Clone)]
pub struct Replay {
    keys: StoreKeys,
    phase: Phase,
    image: Arc<Image>,
    signatures: HashMap<RecordKey, Signature>,
    sum: Signature,
    head: Option<Head>,
    pending: Vec<Signed>,
    /// What was rejected, by its key, until something good comes under the same key.
    alarms: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Live,
}

/// What became of a record that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It waits for the head of its change.
    Pending,
    /// It was a head: this is the image now.
    Changed(Arc<Image>),
}

/// Why a record is not taken. It changes nothing, and somebody meddles with the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// Nobody who has the root key wrote it.
    #[error(
        "{0} is not signed by this installation: somebody else writes into the store, or the root key is another one"
    )]
    Forged(RecordKey),
    /// It was true once.
    #[error("{key} comes as of revision {revision}, which is past: somebody shows old records again")]
    Replayed {
        /// The record.
        key: RecordKey,
        /// Its revision.
        revision: Revision,
    },
}

/// The records are not all there, or of a later version: the image must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// Something is missing or too much.
    #[error(
        "records are missing from the store or changed: revision {revision} has {wanted} records, and {found} were found{}; restore a backup",
        if wanted == found { " that are not the same" } else { "" }
    )]
    Missing {
        /// The last change.
        revision: Revision,
        /// How many records there should be.
        wanted: u64,
        /// How many there are.
        found: u64,
    },
    /// There are records and no head.
    #[error("the store has records and no word of its last change; restore a backup")]
    NoHead,
    /// A change was passed over.
    #[error(
        "after revision {before} comes revision {after}: changes between are missing, so read the store again from its start"
    )]
    Gap {
        /// The last that was seen.
        before: Revision,
        /// The next that came.
        after: Revision,
    },
    /// A later version of Tidegate changed the format.
    #[error(
        "a later version of Tidegate wrote revision {0}, and this one cannot read its format; upgrade this one"
    )]
    TooNew(Revision),
}

impl Replay {
    /// A replay of no records yet, loading.
    #[must_use]
    pub fn new(keys: StoreKeys) -> Self {
        Self {
            keys,
            phase: Phase::Loading,
            image: Arc::default(),
            signatures: HashMap::new(),
            sum: Signature::default(),
            head: None,
            pending: Vec::new(),
            alarms: BTreeMap::new(),
        }
    }

    /// The image of the last change.
    #[must_use]
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// What was rejected and still lies there, in words.
    pub fn alarms(&self) -> impl Iterator<Item = &str> {
        self.alarms.values().map(String::as_str)
    }

    /// The names under which something was rejected that still lies there; keys of records, if they could be read.
    pub fn alarms_by_name(&self) -> impl Iterator<Item = &str> {
        self.alarms.keys().map(String::as_str)
    }

    /// Remembers something that is not even a record; `name` is what it is known by.
    pub fn alarm(&mut self, name: &str, what: String) {
        if self.alarms.len() < MAX_ALARMS || self.alarms.contains_key(name) {
            self.alarms.insert(name.to_owned(), what);
        }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`Lost`]: load everything again. A record that is rejected alone is an `Ok(Err(_))`.
    pub fn take(&mut self, signed: Signed) -> Result<Result<Taken, Rejected>, Lost> {
        let last = self.pending.last().map_or(self.image.revision().next(), |signed| signed.revision);
        if !self.keys.holds(&signed) {
            return Ok(Err(self.reject(&signed.key, Rejected::Forged(signed.key.clone()))));
        }
        if signed.revision < last {
            return Ok(Err(self.reject_past(&signed)));
        }
        if self.phase == Phase::Live && signed.revision != self.image.revision().next() {
            return Err(Lost::Gap { before: self.image.revision(), after: signed.revision });
        }
        if *signed.key.kind() != Kind::HEAD {
            self.alarms.remove(&signed.key.to_string());
            self.pending.push(signed);
            return Ok(Ok(Taken::Pending));
        }
        let head = Head::read(&signed).ok_or(Lost::TooNew(signed.revision))?;
        self.alarms.remove(&signed.key.to_string());
        self.close(head).map(|image| Ok(Taken::Changed(image)))
    }

    /// Everything that lay in the log has been taken: compares it with the last head.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn loaded(&mut self) -> Result<Arc<Image>, Lost> {
        // No change ends without a head: what is left was shown again after it had been given up.
        for signed in std::mem::take(&mut self.pending) {
            self.reject_past(&signed);
        }
        match &self.head {
            Some(head) => self.compare(head)?,
            None if self.alarms.is_empty() => {}
            None => return Err(Lost::NoHead),
        }
        self.phase = Phase::Live;
        Ok(Arc::clone(&self.image))
    }

    /// The records of a change as they have to be kept, its head last. `id` must be new and random.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn plan(&self, change: &Change, id: ChangeId) -> Result<Vec<Signed>, ChangeError> {
        change.check(&self.image)?;
        let revision = self.image.revision().next();
        let (mut sum, mut count) = (self.sum, self.count());
        let mut planned = Vec::new();
        for (key, body) in change.writes().iter().filter_map(written) {
            if let Some(before) = self.signatures.get(key) {
                sum.toggle(before);
                count = count.saturating_sub(1);
            }
            let signed = self.keys.sign(key.clone(), revision, id, body.cloned());
            if body.is_some() {
                sum.toggle(&signed.signature);
                count += 1;
            }
            planned.push(signed);
        }
        let head = Head { revision, change: id, count, sum };
        planned.extend(head.signed(&self.keys));
        Ok(planned)
    }

    fn count(&self) -> u64 {
        u64::try_from(self.signatures.len()).unwrap_or(u64::MAX)
    }

    /// Takes the records of a change into the image.
    fn close(&mut self, head: Head) -> Result<Arc<Image>, Lost> {
        let mut image = Image::clone(&self.image);
        for signed in std::mem::take(&mut self.pending) {
            // Of another attempt at this change, which was given up.
            if signed.revision == head.revision && signed.change != head.change {
                self.reject_past(&signed);
                continue;
            }
            self.count_in(&signed);
            image.set(signed.key, signed.revision, signed.body);
        }
        image.end_with(head.revision);
        if self.phase == Phase::Live {
            self.compare(&head)?;
        }
        self.head = Some(head);
        self.image = Arc::new(image);
        Ok(Arc::clone(&self.image))
    }

    fn count_in(&mut self, signed: &Signed) {
        let before = match &signed.body {
            Some(_) => self.signatures.insert(signed.key.clone(), signed.signature),
            None => self.signatures.remove(&signed.key),
        };
        if let Some(before) = before {
            self.sum.toggle(&before);
        }
        if signed.body.is_some() {
            self.sum.toggle(&signed.signature);
        }
    }

    fn compare(&self, head: &Head) -> Result<(), Lost> {
        let found = self.count();
        if head.sum == self.sum && head.count == found {
            return Ok(());
        }
        Err(Lost::Missing { revision: head.revision, wanted: head.count, found })
    }

    fn reject_past(&mut self, signed: &Signed) -> Rejected {
        let (key, revision) = (signed.key.clone(), signed.revision);
        self.reject(&signed.key, Rejected::Replayed { key, revision })
    }

    fn reject(&mut self, key: &RecordKey, why: Rejected) -> Rejected {
        self.alarm(&key.to_string(), why.to_string());
        why
    }
}

/// The record that a write leaves behind.
fn written(write: &Write) -> Option<(&RecordKey, Option<&Body>)> {
    match write {
        Write::Put { key, body, .. } => Some((key, Some(body))),
        Write::Delete { key, .. } => Some((key, None)),
        Write::Keep { .. } => None,
    }
}

#[cfg(test)]
mod tests;
