//! What a message looks like at each version: the static data that the walker follows.
//!
//! The tables under [`super::tables`] are generated from Kafka's own message definitions, so these types
//! know as much of that language as the tables need and no more: no per-field flexible versions, no
//! tagged nullable structs, no arrays of arrays. The generator refuses a definition that needs them.

use crate::api::{ApiKey, Versions};

/// Both directions of one API.
#[derive(Debug, Clone, Copy)]
pub struct ApiSchema {
    /// The API.
    pub key: ApiKey,
    /// Stable versions; an unstable top version is left out, so that the guard refuses it.
    pub versions: Versions,
    /// The first version with compact lengths and tag sections; `i16::MAX` when there is none.
    pub flexible_since: i16,
    /// The request's body.
    pub request: &'static [Field],
    /// The response's body.
    pub response: &'static [Field],
}

/// One field of a struct, in wire order; the order among tagged fields means nothing.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Kafka's name for it.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// The tag, for a field that travels in the tag section.
    pub tag: Option<Tag>,
}

/// Where a tagged field travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// The tag number, unique in its struct.
    pub number: u32,
    /// The versions in which the field is tagged.
    pub versions: Versions,
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// BOOLEAN, one byte.
    Bool,
    /// INT8.
    Int8,
    /// INT16.
    Int16,
    /// INT32.
    Int32,
    /// INT64.
    Int64,
    /// UUID, 16 bytes.
    Uuid,
    /// STRING in all its four forms.
    String,
    /// BYTES in all its four forms.
    Bytes,
    /// RECORDS: on the wire as nullable bytes.
    Records,
    /// A struct in place; a nullable one has a leading presence byte.
    Struct(&'static [Field]),
    /// An array; the first member says which cap its count draws on.
    Array(Counted, Element),
}

/// The type of an array's elements, which are never null.
#[derive(Debug, Clone, Copy)]
pub enum Element {
    /// INT32.
    Int32,
    /// STRING.
    String,
    /// A struct.
    Struct(&'static [Field]),
}

/// What an array's elements stand for, and so which of the [`Limits`](super::Limits) bounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Topics, by name or id.
    Topics,
    /// Partitions of topics.
    Partitions,
    /// Groups.
    Groups,
    /// Coordinator keys, transactions, config resources, access rules.
    Keys,
    /// Anything else.
    Others,
}

impl ApiSchema {
    /// Whether this version uses compact lengths and tag sections.
    #[must_use]
    pub const fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_since
    }
}

impl Field {
    /// A field that is never null and never tagged.
    #[must_use]
    pub(super) const fn new(name: &'static str, kind: Kind, versions: Versions) -> Self {
        Self { name, kind, versions, nullable: NEVER, tag: None }
    }

    /// The same field, null at these versions too.
    #[must_use]
    pub(super) const fn nullable(self, versions: Versions) -> Self {
        Self { nullable: versions, ..self }
    }

    /// The same field, tagged at these versions.
    #[must_use]
    pub(super) const fn tagged(self, number: u32, versions: Versions) -> Self {
        Self { tag: Some(Tag { number, versions }), ..self }
    }

    /// Whether the field stands among the plain fields at this version.
    #[must_use]
    pub fn is_plain(&self, version: i16) -> bool {
        self.versions.contains(version) && !self.is_tagged(version)
    }

    /// Whether the field travels in the tag section at this version.
    #[must_use]
    pub fn is_tagged(&self, version: i16) -> bool {
        self.versions.contains(version) && self.tag.is_some_and(|tag| tag.versions.contains(version))
    }
}

impl Kind {
    /// The size of a type whose values all have the same size.
    #[must_use]
    pub const fn fixed_size(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Int8 => Some(1),
            Self::Int16 => Some(2),
            Self::Int32 => Some(4),
            Self::Int64 => Some(8),
            Self::Uuid => Some(16),
            Self::String | Self::Bytes | Self::Records | Self::Struct(_) | Self::Array(..) => None,
        }
    }
}

/// From `version` on.
pub(super) const fn since(version: i16) -> Versions {
    Versions::new(version, i16::MAX)
}

const NEVER: Versions = Versions::new(0, -1);
