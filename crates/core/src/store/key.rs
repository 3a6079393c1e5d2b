//! What a record is about.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::names::Shown;

/// Longest id of a record in bytes: two topic names of 249 and something between them.
pub const MAX_ID: usize = 512;

/// Longest name of a kind in bytes.
const MAX_KIND: usize = 32;

/// What kind of thing a record is about.
///
/// Kinds are open: a replica keeps and counts records of kinds that only a later version knows.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A zone.
    pub const ZONE: Self = Self(Cow::Borrowed("zone"));
    /// An account and its credentials.
    pub const ACCOUNT: Self = Self(Cow::Borrowed("account"));
    /// A stream share.
    pub const SHARE: Self = Self(Cow::Borrowed("share"));
    /// An invite to a share.
    pub const INVITE: Self = Self(Cow::Borrowed("invite"));
    /// A cluster link.
    pub const LINK: Self = Self(Cow::Borrowed("link"));
    /// A mirror topic of a link.
    pub const MIRROR: Self = Self(Cow::Borrowed("mirror"));
    /// A token or API key of the control plane.
    pub const TOKEN: Self = Self(Cow::Borrowed("token"));
    /// What one replica does for all for a while.
    pub const LEASE: Self = Self(Cow::Borrowed("lease"));
    /// A number that never goes back.
    pub const COUNTER: Self = Self(Cow::Borrowed("counter"));
    /// Something that somebody did.
    pub const AUDIT: Self = Self(Cow::Borrowed("audit"));
    /// A setting of the installation.
    pub const SETTING: Self = Self(Cow::Borrowed("setting"));
    /// What the last change was; the store's own.
    pub const HEAD: Self = Self(Cow::Borrowed("head"));

    /// The kind of that name: 1 to 32 lower-case letters and `-`.
    ///
    /// # Errors
    /// [`RecordKeyError::Kind`].
    pub fn parse(text: &str) -> Result<Self, RecordKeyError> {
        let is_kind = (1..=MAX_KIND).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        is_kind
            .then(|| Self(Cow::Owned(text.to_owned())))
            .ok_or_else(|| RecordKeyError::Kind(Shown::of(text).to_string()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something is no key of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordKeyError {
    /// There is no kind, or none of that form.
    #[error("`{0}` is no kind of record; one has 1 to {MAX_KIND} lower-case letters and `-`")]
    Kind(String),
    /// The id is empty, too long or not printable.
    #[error("`{0}` is no id of a record; one has 1 to {MAX_ID} printable ASCII characters and no space")]
    Id(String),
}

/// What a record is about: its kind and, among its kind, its id. Written `kind/id`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    kind: Kind,
    id: Arc<str>,
}

impl RecordKey {
    /// A key. The id has 1 to [`MAX_ID`] printable ASCII characters other than space.
    ///
    /// # Errors
    /// [`RecordKeyError::Id`].
    pub fn new(kind: Kind, id: &str) -> Result<Self, RecordKeyError> {
        let is_id = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        is_id
            .then(|| Self { kind, id: Arc::from(id) })
            .ok_or_else(|| RecordKeyError::Id(Shown::of(id).to_string()))
    }

    /// Reads `kind/id`.
    ///
    /// # Errors
    /// [`RecordKeyError`].
    pub fn parse(text: &str) -> Result<Self, RecordKeyError> {
        let (kind, id) = text.split_once('/').unwrap_or((text, ""));
        Self::new(Kind::parse(kind)?, id)
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({self})")
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for text in ["zone/acme", "account/CN:x/y", "a-later-kind/1"] {
            assert_eq!(RecordKey::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(RecordKey::parse("mirror/link/topic").unwrap().id(), "link/topic");
        for text in [
            "",
            "zone",
            "zone/",
            "/x",
            "Zone/x",
            "zone/a b",
            "zone/a\n",
            &format!("zone/{}", "x".repeat(513)),
        ] {
            assert!(RecordKey::parse(text).is_err(), "{text:?}");
        }
    }
}
