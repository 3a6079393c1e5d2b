//! What operators do to zones, their accounts and links, as changes of records; and what links write down of themselves.
//!
//! Every function looks at an [`Image`] and gives a [`Change`] that holds only if nothing that it looked at is changed
//! meanwhile; whoever is told of a conflict looks again and decides anew.

mod credentials;
mod links;
#[cfg(test)]
mod testing;
mod tokens;
mod zones;

pub use links::{SeenMirror, SeenPartition, WantedMirror};

use crate::names::{AccountName, CredentialId, LinkName, MirrorTopic, SourceTopic, TokenId, ZoneName};
use crate::records::{LeaseRefused, Moment, RecordError, Recorded, Sealing};
use crate::store::{Change, Image, Record, RecordKey};

/// Zones and accounts as of an image, and what changes of them need.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// The records.
    pub image: &'a Image,
    /// What secrets are sealed with.
    pub sealing: Sealing<'a>,
    /// The time.
    pub now: Moment,
}

/// What a wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// There was none.
    Created,
    /// It was another one.
    Updated,
    /// It is so already.
    NotChanged,
}

/// A wish that cannot be met; nothing is changed, and whoever wishes is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A record cannot be read or made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// There is no such zone.
    #[error("there is no zone `{0}`")]
    NoZone(ZoneName),
    /// An account decides which zone is entered, so it can belong to one only.
    #[error("account `{account}` belongs to zone `{zone}`; give this zone an account of its own")]
    AccountTaken {
        /// The account.
        account: AccountName,
        /// Its zone.
        zone: ZoneName,
    },
    /// Its partner logs in with it.
    #[error(
        "the account of zone `{zone}` is `{is}` and cannot become `{wanted}`; delete the zone and make it anew"
    )]
    AccountFixed {
        /// The zone.
        zone: ZoneName,
        /// Its account.
        is: AccountName,
        /// What was asked for.
        wanted: AccountName,
    },
    /// Its topics are of that cluster.
    #[error("zone `{0}` cannot move to another cluster; delete the zone and make it anew")]
    ClusterFixed(ZoneName),
    /// There is no such credential.
    #[error("account `{account}` has no credential `{credential}`")]
    NoCredential {
        /// The account.
        account: AccountName,
        /// What was asked for.
        credential: CredentialId,
    },
    /// A credential of that id exists, or there are too many.
    #[error("account `{account}`: {what}")]
    Credential {
        /// The account.
        account: AccountName,
        /// What stands against it.
        what: String,
    },
    /// There is no such token.
    #[error("there is no token `{0}`")]
    NoToken(TokenId),
    /// An id is for one token.
    #[error("there is a token `{0}` already; make one with another id")]
    TokenTaken(TokenId),
    /// There is no such mirror.
    #[error("link `{link}` has no mirror topic `{topic}`")]
    NoMirror {
        /// The link.
        link: LinkName,
        /// What was asked for.
        topic: MirrorTopic,
    },
    /// Its records are those of the source that it has.
    #[error(
        "mirror topic `{topic}` copies topic `{is}` and cannot copy `{wanted}`; give `{wanted}` a mirror topic of another name"
    )]
    SourceFixed {
        /// The mirror.
        topic: MirrorTopic,
        /// What it copies.
        is: SourceTopic,
        /// What it was to copy.
        wanted: SourceTopic,
    },
    /// It is a topic like any other now.
    #[error("mirror topic `{0}` has been stopped and takes records of its own; take it out of the link")]
    MirrorStopped(MirrorTopic),
    /// Its log is that of another link, which had this name before.
    #[error(
        "mirror topic `{topic}` was written by an earlier link `{link}`; choose a mirror topic of another name"
    )]
    LeftOver {
        /// The link.
        link: LinkName,
        /// The mirror.
        topic: MirrorTopic,
    },
    /// There is nothing to be made good.
    #[error("mirror topic `{0}` has not failed; there is nothing to resume")]
    NotFailed(MirrorTopic),
    /// A number cannot be had.
    #[error(transparent)]
    Lease(#[from] LeaseRefused),
}

/// A record and what it means.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// As it is kept.
    pub record: Record,
    /// What it means.
    pub value: T,
}

impl<'a> Registry<'a> {
    /// A record and what it means, if there is one.
    fn find<T: Recorded>(&self, key: &RecordKey) -> Result<Option<Found<T>>, RegistryError> {
        let Some(record) = self.image.get(key) else { return Ok(None) };
        let value = T::from_record(record, self.sealing.sealer)?;
        Ok(Some(Found { record: record.clone(), value }))
    }
}

/// One change that makes several, which must be of different records.
#[must_use]
pub fn together(changes: impl IntoIterator<Item = Change>) -> Change {
    changes.into_iter().flat_map(|change| change.writes().to_vec()).fold(Change::new(), Change::and)
}
