//! What somebody wants changed, and what stands against it.

use std::collections::HashSet;
use std::fmt;

use super::{Body, Image, Kind, MAX_BODY_BYTES, Record, RecordKey, Revision};

/// Most records in one change: what one request of an operator needs, far below what a transaction of Kafka carries.
pub const MAX_WRITES: usize = 1_000;

/// Writes that are made together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change(Vec<Write>);

/// What is wanted of one record, and the revision at which it must still be; `None` is that there must be no such record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// It says this from now on.
    Put {
        /// The record.
        key: RecordKey,
        /// As it must be found.
        expect: Option<Revision>,
        /// What it says then.
        body: Body,
    },
    /// It is gone from now on.
    Delete {
        /// The record.
        key: RecordKey,
        /// As it must be found.
        expect: Revision,
    },
    /// It stays, and must be as it was: what the change builds upon.
    Keep {
        /// The record.
        key: RecordKey,
        /// As it must be found.
        expect: Option<Revision>,
    },
}

impl Write {
    /// The record.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Keep { key, .. } => key,
        }
    }

    /// As the record must be found.
    #[must_use]
    pub fn expect(&self) -> Option<Revision> {
        match self {
            Self::Put { expect, .. } | Self::Keep { expect, .. } => *expect,
            Self::Delete { expect, .. } => Some(*expect),
        }
    }
}

impl Change {
    /// A change of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// And makes a record that must not exist.
    #[must_use]
    pub fn create(self, key: RecordKey, body: Body) -> Self {
        self.and(Write::Put { key, expect: None, body })
    }

    /// And lets a record say something else.
    #[must_use]
    pub fn update(self, record: &Record, body: Body) -> Self {
        self.and(Write::Put { key: record.key.clone(), expect: Some(record.revision), body })
    }

    /// And deletes a record.
    #[must_use]
    pub fn delete(self, record: &Record) -> Self {
        self.and(Write::Delete { key: record.key.clone(), expect: record.revision })
    }

    /// And builds upon a record that must not change.
    #[must_use]
    pub fn keep(self, record: &Record) -> Self {
        self.and(Write::Keep { key: record.key.clone(), expect: Some(record.revision) })
    }

    /// And builds upon there being no such record.
    #[must_use]
    pub fn absent(self, key: RecordKey) -> Self {
        self.and(Write::Keep { key, expect: None })
    }

    /// And this write.
    #[must_use]
    pub fn and(mut self, write: Write) -> Self {
        self.0.push(write);
        self
    }

    /// The writes, in the order in which they were asked for.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.0
    }

    /// Whether it can be made upon `image`.
    ///
    /// # Errors
    /// [`ChangeError`] with everything of its kind that stands against it.
    pub fn check(&self, image: &Image) -> Result<(), ChangeError> {
        let mut seen = HashSet::new();
        if let Some(twice) = self.0.iter().map(Write::key).find(|key| !seen.insert(*key)) {
            return Err(ChangeError::Twice(twice.clone()));
        }
        if self.0.iter().any(|write| *write.key().kind() == Kind::HEAD) {
            return Err(ChangeError::Head);
        }
        if self.0.len() > MAX_WRITES {
            return Err(ChangeError::TooMany(self.0.len()));
        }
        for write in &self.0 {
            if let Write::Put { key, body, .. } = write
                && body.text().len() > MAX_BODY_BYTES
            {
                return Err(ChangeError::TooLarge { key: key.clone(), bytes: body.text().len() });
            }
        }
        let clashes: Vec<Clash> = self.0.iter().filter_map(|write| Clash::of(write, image)).collect();
        if clashes.is_empty() { Ok(()) } else { Err(Conflict(clashes).into()) }
    }
}

/// A change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Somebody else was faster; look again and decide anew.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// One record twice: a fault of the program.
    #[error("the change names {0} twice; a change names each record once")]
    Twice(RecordKey),
    /// The store's own record: a fault of the program.
    #[error("the change names a record of kind `head`, which the store writes by itself; leave it out")]
    Head,
    /// Too much at once.
    #[error("the change names {0} records; at most {MAX_WRITES} can be changed together, so split it")]
    TooMany(usize),
    /// A record that is too large.
    #[error(
        "{key} would have {bytes} bytes; at most {MAX_BODY_BYTES} are allowed, so split what it describes"
    )]
    TooLarge {
        /// The record.
        key: RecordKey,
        /// Its bytes.
        bytes: usize,
    },
}

/// What somebody else changed under a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict(pub Vec<Clash>);

/// One record that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The record.
    pub key: RecordKey,
    /// The revision that was expected; `None` is no such record.
    pub expected: Option<Revision>,
    /// What was found.
    pub found: Option<Record>,
}

impl Clash {
    fn of(write: &Write, image: &Image) -> Option<Self> {
        let found = image.get(write.key());
        (found.map(|record| record.revision) != write.expect()).then(|| Self {
            key: write.key().clone(),
            expected: write.expect(),
            found: found.cloned(),
        })
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (self.expected, &self.found) {
            (None, _) => write!(f, "{key} exists already"),
            (Some(expected), None) => write!(f, "{key} was deleted after revision {expected}"),
            (Some(expected), Some(found)) => {
                write!(f, "{key} was changed from revision {expected} to {}", found.revision)
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was changed, because somebody else was faster: ")?;
        for (n, clash) in self.0.iter().enumerate() {
            write!(f, "{}{clash}", if n == 0 { "" } else { ", " })?;
        }
        f.write_str("; look again and decide anew")
    }
}

impl std::error::Error for Conflict {}
