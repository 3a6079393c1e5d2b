//! LeaveGroup (13).

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::leave_group_request::MemberIdentity;
use tidegate_wire::messages::{GroupId, LeaveGroupRequest};

use super::Member;
use crate::calls::text::text;
use crate::calls::version;

const KEY: ApiKey = ApiKey::LeaveGroup;
const OURS: Versions = Versions::new(3, 5);

/// Says that a member goes, so that the others need not wait for its session to end.
///
/// # Errors
/// [`AskError`].
pub async fn leave_group(connection: &mut Connection, member: &Member) -> Result<(), AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let who = MemberIdentity::default().with_member_id(text(&member.id));
    let request =
        LeaveGroupRequest::default().with_group_id(GroupId(text(&member.group))).with_members(vec![who]);
    let answer = connection.call(version, &request).await?;
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(()),
        code => Err(AskError::Refused { api: KEY, code }),
    }
}
