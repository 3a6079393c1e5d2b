//! Heartbeat (12).

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::{GroupId, HeartbeatRequest};
use tokio::time::Duration;

use super::Member;
use crate::calls::text::text;
use crate::calls::version;

const KEY: ApiKey = ApiKey::Heartbeat;
const OURS: Versions = Versions::new(3, 4);

/// Says that a member is there, within `limit`.
///
/// # Errors
/// [`AskError`]; REBALANCE_IN_PROGRESS (27) when others come or go.
pub async fn heartbeat(
    connection: &mut Connection,
    member: &Member,
    limit: Duration,
) -> Result<(), AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(text(&member.group)))
        .with_generation_id(member.generation)
        .with_member_id(text(&member.id));
    let answer = connection.call_within(limit, version, &request).await?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(()),
        code => Err(AskError::Refused { api: KEY, code }),
    }
}
