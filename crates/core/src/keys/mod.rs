//! Everything secret or stable that is derived from the one installation root key.
//!
//! The root key never does any work itself: HKDF-SHA256 gives each use a key of its own (RFC 5869), so that a leak
//! or a change of one says nothing about another. Replicas that share the root key agree on every value here,
//! and nothing has to be stored. The key that seals the store is not this one: rotating that changes nothing here.

mod hkdf;
mod root_key;
mod topic_id;
mod zone_keys;
mod zone_tag;

pub use root_key::{RootKey, RootKeyError};
pub use topic_id::VirtualTopicId;
pub use zone_keys::ZoneKeys;
pub use zone_tag::ZoneTag;
