//! One record.

use std::fmt;
use std::sync::Arc;

use super::RecordKey;

/// Largest body in bytes: a zone of 1,000 topics with the longest names has 600 KiB, and a record has to fit with its
/// headers into the 1 MiB that brokers take by default.
pub const MAX_BODY_BYTES: usize = 768 * 1024;

/// The number of a change, from 1 and without gaps; of a record, the number of the change that wrote it last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The number of the change after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a record says: JSON of one schema of its kind.
///
/// The number of the schema grows only with a change that earlier versions cannot read. Fields that are new to a reader are
/// kept as they are, so that versions N-1 and N may write the same records.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    schema: u32,
    text: Arc<str>,
}

impl Body {
    /// A body of this JSON text.
    #[must_use]
    pub fn new(schema: u32, text: &str) -> Self {
        Self { schema, text: Arc::from(text) }
    }

    /// The schema of its kind.
    #[must_use]
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Body {
    /// Secrets in it are sealed, but who logs a body hardly wants all of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body(schema {}, {} bytes)", self.schema, self.text.len())
    }
}

/// What is remembered of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub key: RecordKey,
    /// The change that wrote it.
    pub revision: Revision,
    /// What it says.
    pub body: Body,
}
