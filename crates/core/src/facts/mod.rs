//! Facts about a zone that must survive a crash before anybody may rely on them.
//!
//! A rule states a fact as a value; the shell makes it durable through [`Facts`] and only then lets the answer go.

mod memory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::names::{Alias, BackingTopic};
use crate::zone_id::ZoneId;

pub use memory::MemoryFacts;

/// Seconds since 1970, in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Seconds from `earlier` to here; 0 when a clock was set back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Something that is true of a zone from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The zone was issued this producer id.
    Producer {
        /// The id.
        id: i64,
        /// When it was issued or last seen in use.
        used: Timestamp,
    },
    /// A consumer group uses this one of several aliases of a backing topic.
    Binding {
        /// The group, as the partner names it.
        group: String,
        /// The topic.
        backing: BackingTopic,
        /// The alias.
        alias: Alias,
        /// When it was bound or last seen in use.
        used: Timestamp,
    },
}

/// A binding of a consumer group that does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unbound {
    /// The group, as the partner names it.
    pub group: String,
    /// The topic.
    pub backing: BackingTopic,
}

/// The answer of a [`Facts`], when it comes.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, FactsError>> + Send + 'a>>;

/// Keeps facts. Each method is all or nothing, and done only when a crash cannot undo it.
pub trait Facts: fmt::Debug + Send + Sync {
    /// Keeps facts of a zone; one that is known already takes the new time.
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<'_, ()>;

    /// Which of these producer ids the zone was issued, and when each was last in use.
    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<'_, Vec<(i64, Timestamp)>>;

    /// Every binding of every zone, as [`Fact::Binding`].
    fn bindings(&self) -> Pending<'_, Vec<(ZoneId, Fact)>>;

    /// Forgets bindings of a zone.
    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<'_, ()>;

    /// Forgets every fact that was last in use before `limit`.
    fn expire(&self, limit: Timestamp) -> Pending<'_, ()>;
}

/// Facts could not be kept or looked up: the fault is on this side, and the caller may try again later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the state store failed: {0}")]
pub struct FactsError(pub String);
