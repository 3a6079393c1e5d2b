//! LeaveGroup (13): the group gets its prefix; members are the zone's own.

use kafka_protocol::messages::{GroupId, LeaveGroupRequest, LeaveGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::header::Request;

use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::view::ZoneView;

/// The rule.
pub struct LeaveGroup;

impl Rule for LeaveGroup {
    fn key(&self) -> ApiKey {
        ApiKey::LeaveGroup
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: LeaveGroupRequest = codec::decode(request.version, &request.body)?;
        match context.group(&asked.group_id) {
            Err(error) => answer(request, &LeaveGroupResponse::default().with_error_code(error.0)),
            Ok(group) => {
                forget(context.zone, &asked);
                asked.group_id = GroupId(StrBytes::from_string(group));
                // Brokers write it into their log.
                asked.members.iter_mut().for_each(|member| member.reason = None);
                forward(context, request, &asked, |response: LeaveGroupResponse, _| response)
            }
        }
    }
}

/// Up to version 2 one member leaves, from then on any number.
fn forget(zone: &ZoneView, asked: &LeaveGroupRequest) {
    let joined = zone.state().joined();
    joined.left(&asked.group_id, &asked.member_id, None);
    for member in &asked.members {
        joined.left(&asked.group_id, &member.member_id, member.group_instance_id.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::leave_group_request::MemberIdentity;
    use kafka_protocol::messages::leave_group_response::MemberResponse;

    use super::*;
    use crate::testing::{self, Bench};

    const MEMBERS_SINCE: i16 = 3;

    #[test]
    fn the_group_is_prefixed_and_members_pass_at_every_version() {
        for version in LeaveGroup.versions().iter() {
            let mut asked =
                LeaveGroupRequest::default().with_group_id(GroupId(StrBytes::from_static_str("billing")));
            let member = StrBytes::from_static_str("m-1");
            if version >= MEMBERS_SINCE {
                asked.members = vec![MemberIdentity::default().with_member_id(member.clone())];
            } else {
                asked.member_id = member.clone();
            }
            let broker = |request: &LeaveGroupRequest| {
                let members = request.members.iter();
                let gone = |m: &MemberIdentity| MemberResponse::default().with_member_id(m.member_id.clone());
                LeaveGroupResponse::default().with_members(members.map(gone).collect())
            };
            let (sent, got) = Bench::new().exchange(&LeaveGroup, version, &asked, broker);
            assert_eq!(sent[0].group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
            assert_eq!(got.members.len(), usize::from(version >= MEMBERS_SINCE));
        }
    }

    #[test]
    fn an_empty_group_is_refused_here() {
        for version in LeaveGroup.versions().iter() {
            let got: LeaveGroupResponse =
                Bench::new().answer(&LeaveGroup, version, &LeaveGroupRequest::default());
            assert_eq!(got.error_code, 24);
        }
    }
}
