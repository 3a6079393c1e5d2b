//! Facts about a zone that must survive a crash before anybody may rely on them.
//!
//! A rule states a fact as a value; the shell makes it durable through [`Facts`] and only then lets the answer go.

mod memory;
mod shared;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::names::{Alias, BackingTopic, CredentialId};
use crate::zone_id::ZoneId;

pub use memory::MemoryFacts;
pub use shared::{FactError, FactKeys, FactRecord, SharedFacts};

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

/// Stands for the zone of facts that are of none: the last use of a token of the control plane is kept as that of a
/// credential, so that replicas that know nothing of tokens keep it too. No zone has this id: theirs are random.
pub const CONTROL_PLANE: ZoneId = ZoneId::from_bytes([0; 16]);

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
    /// Somebody logged in with a credential of the zone's account.
    Login {
        /// The credential.
        credential: CredentialId,
        /// When it was last seen in use.
        used: Timestamp,
    },
}

/// Seconds after its last use for which a binding holds: brokers keep the offsets of an empty group for 7 days
/// (offsets.retention.minutes), and a day.
pub const BINDING_RETENTION_S: u64 = 8 * 24 * 3_600;

/// A binding of a consumer group that does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unbound {
    /// The group, as the partner names it.
    pub group: String,
    /// The topic.
    pub backing: BackingTopic,
    /// The alias; a binding to another one, made meanwhile, goes on to hold.
    pub alias: Alias,
}

/// The answer of a [`Facts`], when it comes.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, FactsError>> + Send>>;

/// Keeps facts. Each method is all or nothing, and done only when a crash cannot undo it. Work begins with the call, in
/// the order of the calls; the future only tells how it ended.
pub trait Facts: fmt::Debug + Send + Sync {
    /// Keeps facts of a zone and gives them as they stand then. One that is known already takes the new time; of two
    /// bindings of one group and topic the first stands, until it is [out of use](BINDING_RETENTION_S).
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>>;

    /// Which of these producer ids the zone was issued, and when each was last in use.
    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>>;

    /// Every binding of every zone, as [`Fact::Binding`].
    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>>;

    /// When each credential of the zone's account was last in use, as far as anybody noted it.
    fn logins(&self, zone: ZoneId) -> Pending<Vec<(CredentialId, Timestamp)>> {
        let _ = zone;
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Forgets bindings of a zone.
    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()>;

    /// Forgets every fact that was last in use before `limit`.
    fn expire(&self, limit: Timestamp) -> Pending<()>;
}

/// Facts could not be kept or looked up: the fault is on this side, and the caller may try again later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the state store failed: {0}; partners are refused until it works again")]
pub struct FactsError(pub String);
