//! The records of a store as what they mean: one file for each kind.
//!
//! A kind has a body of JSON with a schema number. Three rules let versions N-1 and N write one store:
//!
//! * a new field may be left out, and a reader that does not know it keeps it ([`Unknown`]);
//! * a change that version N-1 cannot read raises the schema number, and for one version is read but not yet written;
//! * an older schema is brought up to date as it is read, step by step, and written so with the next change.
//!
//! Secrets are sealed by the store's [`Sealer`] and stand under names, never in lists.

mod account;
mod audit;
mod invite;
mod json;
mod lease;
mod link;
mod mirror;
mod moment;
mod sealed;
mod share;
mod sharing;
#[cfg(test)]
mod testing;
mod token;
mod zone;

use ring::rand::SecureRandom;

use crate::store::{Body, Kind, Record, RecordKey, RecordKeyError, SealError, Sealer};

pub use account::AccountRecord;
pub use audit::{AUDIT_SLOTS, AuditRecord};
pub use invite::{InviteRecord, InviteRefused, InviteState};
pub use json::Unknown;
pub use lease::{Holding, LeaseLost, LeaseNumber, LeaseRecord, LeaseRefused};
pub use link::{LinkClusters, LinkConfig, LinkMode, LinkRecord};
pub use mirror::{MirrorError, MirrorRecord, MirrorStatus, Stopping};
pub use moment::Moment;
pub use share::{
    Deactivation, SharePhase, ShareRecord, ShareRefused, SharedTopic, SharedTopics, SharedTopicsProblem,
    StartBound,
};
pub use sharing::SharingRecord;
pub use token::{Role, TokenKind, TokenRecord};
pub use zone::ZoneRecord;

/// Something that is kept as one record.
pub trait Recorded: Sized {
    /// The kind of its records.
    const KIND: Kind;

    /// Its id among its kind.
    fn id(&self) -> String;

    /// What the record says.
    ///
    /// # Errors
    /// [`RecordError`]: nothing can be sealed on this machine.
    fn to_body(&self, sealing: &Sealing<'_>) -> Result<Body, RecordError>;

    /// What a record of its kind means.
    ///
    /// # Errors
    /// [`RecordError`]: the record is of a later version, or sealed with another key.
    fn from_record(record: &Record, sealer: &Sealer) -> Result<Self, RecordError>;

    /// The key of its record.
    ///
    /// # Errors
    /// [`RecordError::Key`]: its id cannot be one.
    fn key(&self) -> Result<RecordKey, RecordError> {
        Ok(RecordKey::new(Self::KIND, &self.id())?)
    }
}

/// What secrets are sealed with.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The keys.
    pub sealer: &'a Sealer,
    /// The machine's randomness.
    pub random: &'a dyn SecureRandom,
}

/// A record cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Written by a later version.
    #[error("{key} has schema {found} and this program knows schemas up to {known}; upgrade this program")]
    TooNew {
        /// The record.
        key: RecordKey,
        /// Its schema.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// Signed, and still not what any version writes.
    #[error("{key} cannot be read: {what}; a fault of Tidegate, or a record written by hand")]
    Malformed {
        /// The record.
        key: RecordKey,
        /// What is wrong.
        what: String,
    },
    /// Something secret in it does not open, or cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Its id is no id.
    #[error(transparent)]
    Key(#[from] RecordKeyError),
}

impl RecordError {
    fn malformed(record: &Record, what: impl ToString) -> Self {
        Self::Malformed { key: record.key.clone(), what: what.to_string() }
    }
}
