//! All records as of one revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Body, Change, ChangeError, Kind, Record, RecordKey, Revision, Write};

/// All records as of one revision. A copy costs one pointer for each kind, and a change the list of its kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    revision: Revision,
    kinds: BTreeMap<Kind, Arc<BTreeMap<RecordKey, Record>>>,
}

impl Image {
    /// The change that it ends with.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The record of that key.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<&Record> {
        self.kinds.get(key.kind())?.get(key)
    }

    /// The records of a kind, by id.
    pub fn of(&self, kind: &Kind) -> impl Iterator<Item = &Record> {
        self.kinds.get(kind).into_iter().flat_map(|records| records.values())
    }

    /// All records, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.kinds.values().flat_map(|records| records.values())
    }

    /// How many records there are of each kind of which there is one; also of kinds that only a later version knows.
    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, usize)> {
        // A kind whose last record was deleted is still there, and empty.
        self.kinds.iter().map(|(kind, records)| (kind, records.len())).filter(|(_, number)| *number > 0)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.values().map(|records| records.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What comes of it when a change is made.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn with(&self, change: &Change) -> Result<Self, ChangeError> {
        change.check(self)?;
        let mut next = self.clone();
        next.revision = self.revision.next();
        for write in change.writes() {
            match write {
                Write::Put { key, body, .. } => next.set(key.clone(), next.revision, Some(body.clone())),
                Write::Delete { key, .. } => next.set(key.clone(), next.revision, None),
                Write::Keep { .. } => {}
            }
        }
        Ok(next)
    }

    /// Lets a record say something as of a revision, or be gone.
    pub(super) fn set(&mut self, key: RecordKey, revision: Revision, body: Option<Body>) {
        let records = Arc::make_mut(self.kinds.entry(key.kind().clone()).or_default());
        match body {
            Some(body) => drop(records.insert(key.clone(), Record { key, revision, body })),
            None => drop(records.remove(&key)),
        }
    }

    /// Ends with this change from now on.
    pub(super) fn end_with(&mut self, revision: Revision) {
        self.revision = revision;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> RecordKey {
        RecordKey::new(Kind::ZONE, id).unwrap()
    }

    fn body(text: &str) -> Body {
        Body::new(1, text)
    }

    fn two() -> Image {
        Image::default().with(&Change::new().create(key("a"), body("1")).create(key("b"), body("2"))).unwrap()
    }

    #[test]
    fn a_change_is_made_whole() {
        let before = two();
        let change = Change::new()
            .update(before.get(&key("a")).unwrap(), body("3"))
            .delete(before.get(&key("b")).unwrap())
            .create(key("c"), body("4"));
        let after = before.with(&change).unwrap();
        assert_eq!((before.len(), after.len(), after.revision()), (2, 2, Revision(2)));
        assert_eq!(after.get(&key("a")).unwrap().body.text(), "3");
        assert_eq!(after.get(&key("a")).unwrap().revision, Revision(2));
        assert_eq!(after.get(&key("b")), None);
        assert_eq!(before.get(&key("b")).unwrap().body.text(), "2", "who looked before sees what was");
    }

    #[test]
    fn records_are_counted_by_their_kinds() {
        let later = RecordKey::parse("a-later-kind/1").unwrap();
        let image = two().with(&Change::new().create(later, body("3"))).unwrap();
        let counted = |image: &Image| -> Vec<String> {
            image.kinds().map(|(kind, number)| format!("{kind} {number}")).collect()
        };
        assert_eq!(counted(&image), ["a-later-kind 1", "zone 2"]);
        let zones = image.of(&Kind::ZONE).fold(Change::new(), Change::delete);
        assert_eq!(counted(&image.with(&zones).unwrap()), ["a-later-kind 1"]);
    }

    #[test]
    fn whatever_stands_against_it_is_told() {
        let before = two();
        let a = before.get(&key("a")).unwrap();
        let after = before.with(&Change::new().update(a, body("3"))).unwrap();
        let late = Change::new().update(a, body("4")).create(key("b"), body("5")).create(key("c"), body("6"));
        let error = after.with(&late).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nothing was changed, because somebody else was faster: zone/a was changed from revision 1 to 2, \
             zone/b exists already; look again and decide anew"
        );
        let gone = after.with(&Change::new().delete(after.get(&key("a")).unwrap())).unwrap();
        let error = gone.with(&Change::new().keep(after.get(&key("a")).unwrap())).unwrap_err();
        assert!(error.to_string().contains("zone/a was deleted after revision 2"), "{error}");
        assert!(gone.with(&Change::new().absent(key("a"))).is_ok());
        assert!(gone.with(&Change::new().absent(key("b"))).is_err());
    }

    #[test]
    fn a_change_has_bounds() {
        let twice = Change::new().create(key("a"), body("1")).absent(key("a"));
        assert_eq!(Image::default().with(&twice).unwrap_err(), ChangeError::Twice(key("a")));
        let head = Change::new().create(RecordKey::new(Kind::HEAD, "head").unwrap(), body("1"));
        assert_eq!(Image::default().with(&head).unwrap_err(), ChangeError::Head);
        let large = Change::new().create(key("a"), body(&"x".repeat(super::super::MAX_BODY_BYTES + 1)));
        assert!(matches!(Image::default().with(&large).unwrap_err(), ChangeError::TooLarge { .. }));
        let many = (0..=super::super::MAX_WRITES)
            .fold(Change::new(), |change, n| change.create(key(&n.to_string()), body("1")));
        assert!(matches!(Image::default().with(&many).unwrap_err(), ChangeError::TooMany(1_001)));
    }
}
