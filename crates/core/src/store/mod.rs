//! What an installation remembers: records that all replicas share, changed whole or not at all.
//!
//! A [`Record`] is a JSON [`Body`] under a [`RecordKey`], as of a [`Revision`]. A [`Change`] writes any number of records at
//! once and says for each what it expects to find; a store takes it whole, or tells in a [`Conflict`] what somebody else
//! changed meanwhile. An [`Image`] is all records as of one revision.
//!
//! Where bytes are kept by somebody who may not be trusted with them, [`StoreKeys`] sign every record, and a [`Replay`]
//! makes the image again from signed records and notices what was forged, replayed, swapped or left out. Secrets inside
//! bodies are sealed by a [`Sealer`].
//!
//! ```
//! use tidegate_core::store::{Body, Change, Image, Kind, RecordKey};
//!
//! let key = RecordKey::new(Kind::ZONE, "acme")?;
//! let change = Change::new().create(key.clone(), Body::new(1, "{}"));
//! let image = Image::default().with(&change)?;
//! let zone = image.get(&key).unwrap();
//!
//! // Two who saw the same record: the second is told.
//! let first = image.with(&Change::new().update(zone, Body::new(1, r#"{"a":1}"#)))?;
//! let second = first.with(&Change::new().update(zone, Body::new(1, r#"{"b":2}"#))).unwrap_err();
//! assert!(second.to_string().contains("zone/acme"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod image;
mod key;
mod record;
mod replay;
mod sealer;
mod signed;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use change::{Change, ChangeError, Clash, Conflict, MAX_WRITES, Write};
pub use image::Image;
pub use key::{Kind, MAX_ID, RecordKey, RecordKeyError};
pub use record::{Body, MAX_BODY_BYTES, Record, Revision};
pub use replay::{Lost, Rejected, Replay, Taken};
pub use sealer::{SealError, SealedAt, Sealer, SealingKey, escaped};
pub use signed::{ChangeId, Head, Signature, Signed, StoreKeys};

/// An answer of a store, when it comes.
pub type Answer<T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Keeps records. Every method of every implementation obeys `tests/conformance` of `tidegate-store`.
pub trait Store: fmt::Debug + Send + Sync {
    /// All records as this replica knows them, at once. They may be older than the store's end by as much as
    /// [`Store::behind`] says.
    fn image(&self) -> Arc<Image>;

    /// The records as soon as they are of a later revision than `than`; at once if they are already.
    ///
    /// # Errors
    /// [`StoreError`] when no later one can ever come.
    fn later(&self, than: Revision) -> Answer<Arc<Image>>;

    /// Makes a change and gives its revision, once no crash can undo it; from then on [`Store::image`] here has it.
    ///
    /// Work begins with the call, in the order of the calls; the future only tells how it ended.
    ///
    /// # Errors
    /// [`CommitError`]. After a [`CommitError::Unknown`] the change may have been made: look at the records before
    /// trying again.
    fn commit(&self, change: Change) -> Answer<Revision, CommitError>;

    /// For how long it has not been certain that [`Store::image`] is the newest there is; 0 for a store that nobody else
    /// writes. A monotonic clock is used, whatever the wall clock does.
    fn behind(&self) -> Duration;

    /// What somebody did to the store behind its back, in words for an operator; none if all is well.
    fn alarms(&self) -> Vec<String>;
}

/// A change was not made, or nobody knows.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Nothing was changed, since the change itself or what it builds upon is not right.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Nothing was changed; the fault is the store's, and the same change may be tried again.
    #[error("nothing was changed: {0}")]
    Failed(StoreError),
    /// The store stopped answering half way: the change was made whole or not at all.
    #[error("it is not known whether the change was made: {0}; look before you try again")]
    Unknown(StoreError),
}

/// The store does not work; the fault is on this side, and the caller may try again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);
