//! JoinGroup (11).

use bytes::Bytes;
use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::join_group_request::JoinGroupRequestProtocol;
use tidegate_wire::messages::{GroupId, JoinGroupRequest, JoinGroupResponse};
use tokio::time::Duration;

use super::{Member, Words};
use crate::calls::text::text;
use crate::calls::{millis, version};

const KEY: ApiKey = ApiKey::JoinGroup;

/// From when a member is given its id before it joins (KIP-394).
const OURS: Versions = Versions::new(4, 9);

/// How to join.
#[derive(Debug, Clone)]
pub struct Join<'a> {
    /// The group.
    pub group: &'a str,
    /// The id that the coordinator gave; empty before.
    pub member: &'a str,
    /// The kind of group: members of another kind are refused.
    pub protocol_type: &'a str,
    /// The name of the only protocol.
    pub protocol: &'a str,
    /// What the member says of itself.
    pub words: Bytes,
    /// Without a heartbeat for so long a member is gone.
    pub session_timeout: Duration,
    /// How long a member may take to come back when others come or go.
    pub rebalance_timeout: Duration,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// This is the member's id: it has to join with it.
    Named(String),
    /// It is a member.
    Member {
        /// Of which generation.
        member: Member,
        /// What all members say of themselves, for the one that is to share out; for the others nothing.
        members: Vec<Words>,
        /// Whether it is that one.
        leads: bool,
    },
}

/// Joins a group, and waits for the others.
///
/// # Errors
/// [`AskError`].
pub async fn join_group(connection: &mut Connection, join: &Join<'_>) -> Result<Joined, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let limit = connection.request_timeout().saturating_add(join.rebalance_timeout);
    read(join, connection.call_within(limit, version, &request(join)).await?)
}

fn request(join: &Join<'_>) -> JoinGroupRequest {
    let protocol =
        JoinGroupRequestProtocol::default().with_name(text(join.protocol)).with_metadata(join.words.clone());
    JoinGroupRequest::default()
        .with_group_id(GroupId(text(join.group)))
        .with_member_id(text(join.member))
        .with_protocol_type(text(join.protocol_type))
        .with_session_timeout_ms(millis(join.session_timeout))
        .with_rebalance_timeout_ms(millis(join.rebalance_timeout))
        .with_protocols(vec![protocol])
}

fn read(join: &Join<'_>, answer: JoinGroupResponse) -> Result<Joined, AskError> {
    let id = answer.member_id.to_string();
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => {}
        ErrorCode::MEMBER_ID_REQUIRED => return Ok(Joined::Named(id)),
        code => return Err(AskError::Refused { api: KEY, code }),
    }
    let leads = answer.leader == answer.member_id;
    let members = answer.members.into_iter().map(|member| (member.member_id.to_string(), member.metadata));
    let member = Member { group: join.group.to_owned(), generation: answer.generation_id, id };
    Ok(Joined::Member { member, members: members.collect(), leads })
}
