//! One file per Kafka API. Each says which versions it serves, what it asks upstream, what it makes of the
//! answer, and how it refuses; protocol error codes are those a stock broker with an authorizer gives.

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod delete_groups;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod end_txn;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod list_offsets;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sync_group;
pub mod txn_offset_commit;

mod blobs;
mod commits;
mod endpoints;
mod layers;
mod own_groups;
mod producers;
mod texts;
mod typed;

use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::header::Request;

use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

pub use typed::{answer, forward};

pub(crate) use endpoints::shown_leader;
#[cfg(test)]
pub(crate) use typed::frame_of;
pub(crate) use typed::{Exchange, forward_each, forward_forgetting, forward_keeping};

/// What the gateway does with one Kafka API once the client has logged in.
pub trait Rule: Send + Sync {
    /// The API.
    fn key(&self) -> ApiKey;

    /// The versions served.
    fn versions(&self) -> Versions;

    /// The versions announced, where they differ from those served.
    fn announced(&self) -> Versions {
        self.versions()
    }

    /// Decides about one request, whose version is one of [`Rule::versions`].
    ///
    /// # Errors
    /// [`RuleError`] when the request is malformed: the connection is then closed.
    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError>;
}

/// The replica id of a client: any other would make the broker take it for a follower.
pub(crate) const CLIENT_REPLICA: i32 = -1;
