//! SyncGroup (14).

use bytes::Bytes;
use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use tidegate_wire::messages::{GroupId, SyncGroupRequest};
use tokio::time::Duration;

use super::{Member, Words};
use crate::calls::text::text;
use crate::calls::version;

const KEY: ApiKey = ApiKey::SyncGroup;
const OURS: Versions = Versions::new(3, 5);

/// What a member brings.
#[derive(Debug, Clone)]
pub struct Sync<'a> {
    /// The member.
    pub member: &'a Member,
    /// As in the request to join.
    pub protocol_type: &'a str,
    /// As in the request to join.
    pub protocol: &'a str,
    /// What each member gets, from the one that shares out; from the others nothing.
    pub shares: Vec<Words>,
    /// How long the one that shares out may take.
    pub wait: Duration,
}

/// Brings what was shared out, or waits for it; what this member gets.
///
/// # Errors
/// [`AskError`].
pub async fn sync_group(connection: &mut Connection, sync: Sync<'_>) -> Result<Bytes, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let limit = connection.request_timeout().saturating_add(sync.wait);
    let answer = connection.call_within(limit, version, &request(sync)).await?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(answer.assignment),
        code => Err(AskError::Refused { api: KEY, code }),
    }
}

fn request(sync: Sync<'_>) -> SyncGroupRequest {
    let Sync { member, protocol_type, protocol, shares, wait: _ } = sync;
    let share = |(member, words): Words| {
        SyncGroupRequestAssignment::default().with_member_id(text(&member)).with_assignment(words)
    };
    SyncGroupRequest::default()
        .with_group_id(GroupId(text(&member.group)))
        .with_generation_id(member.generation)
        .with_member_id(text(&member.id))
        .with_protocol_type(Some(text(protocol_type)))
        .with_protocol_name(Some(text(protocol)))
        .with_assignments(shares.into_iter().map(share).collect())
}
