//! The names inside the opaque bytes of consumer groups, on their way to the cluster and back.

use bytes::Bytes;
use tidegate_wire::group_blob::{self, BlobError, Renamed};

use crate::bindings::Conflict;
use crate::view::{Granted, ZoneView};

/// Which bytes of the classic group protocol.
#[derive(Debug, Clone, Copy)]
pub(super) enum GroupBlob {
    /// What a member wants, in JoinGroup.
    Subscription,
    /// What a member gets, in SyncGroup.
    Assignment,
}

impl GroupBlob {
    /// The bytes as the broker may read them; the grants they name are added to `wanted`. Bytes that are no blob are
    /// the partner's own and pass: nothing in them is from upstream.
    pub(super) fn to_upstream<'a>(
        self,
        zone: &'a ZoneView,
        bytes: &Bytes,
        wanted: &mut Vec<&'a Granted>,
    ) -> Result<Bytes, Conflict> {
        let renamed = self.rewrite(bytes, |topic| match zone.by_name(topic) {
            None => Renamed::To(zone.prefix().absent_topic(topic)),
            Some(granted) => {
                wanted.push(granted);
                Renamed::To(granted.backing.as_str().to_owned())
            }
        });
        match renamed {
            Ok(renamed) => Ok(renamed),
            // The broker could still read names in these: they must not pass unmapped.
            Err(BlobError::TooMany { .. } | BlobError::NameTooLong(_)) => Err(Conflict),
            Err(_) => Ok(bytes.clone()),
        }
    }

    /// The bytes as a member of `group` may read them. A member without an assignment gets empty bytes, which pass.
    pub(super) fn to_partner(self, zone: &ZoneView, group: &str, bytes: &Bytes) -> Bytes {
        match self.rewrite(bytes, |topic| shown(zone, group, topic)) {
            Ok(renamed) => renamed,
            // There may be names in these that nobody has mapped.
            Err(BlobError::TooMany { .. } | BlobError::NameTooLong(_)) => Bytes::new(),
            Err(_) => bytes.clone(),
        }
    }

    fn rewrite(self, bytes: &Bytes, rename: impl FnMut(&str) -> Renamed) -> Result<Bytes, BlobError> {
        match self {
            Self::Subscription => group_blob::rewrite_subscription(bytes, rename),
            Self::Assignment => group_blob::rewrite_assignment(bytes, rename),
        }
    }
}

/// A topic name from upstream, as the partner knows it.
fn shown(zone: &ZoneView, group: &str, topic: &str) -> Renamed {
    match zone.alias_in_group(group, topic) {
        Some(alias) => Renamed::To(alias.as_str().to_owned()),
        None => match zone.prefix().strip_absent_topic(topic) {
            Some(name) => Renamed::To(name.to_owned()),
            None => Renamed::Drop,
        },
    }
}
