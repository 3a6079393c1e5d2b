//! Membership in a group with a protocol of its own, asked of its coordinator.

mod heartbeat;
mod join;
mod leave;
mod sync;

pub use heartbeat::heartbeat;
pub use join::{Join, Joined, join_group};
pub use leave::leave_group;
pub use sync::{Sync, sync_group};

use bytes::Bytes;

/// A member of a generation of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The group.
    pub group: String,
    /// The generation.
    pub generation: i32,
    /// Its id, as the coordinator gave it.
    pub id: String,
}

/// What is said of or to one member, in the protocol's own words.
pub type Words = (String, Bytes);
