//! ConsumerGroupHeartbeat (68): members of KIP-848 groups, whose partitions the broker assigns.
//!
//! A member says what it wants once, then only what has changed, so the rule remembers it in
//! [`Members`](crate::members::Members). A pattern is matched here and goes up as names: the broker would match it
//! against hidden topics. Whatever the gateway cannot be sure of ends in FENCED_MEMBER_EPOCH, on which a member joins
//! again with all it has to say.
//!
//! After an error Java says everything anew, whatever the error. librdkafka does so after a lost connection,
//! COORDINATOR_NOT_AVAILABLE and NOT_COORDINATOR, and repeats the same bytes after COORDINATOR_LOAD_IN_PROGRESS. So an
//! error leaves a member as it was: a client that resends everything is understood, and one that does not is where the
//! broker has it too. Only a broker that no longer knows the member makes the rule forget it.

use std::sync::Arc;

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::{Rule, answer, forward};
use crate::context::{ReplyContext, RequestContext};
use crate::groups::MAX_ID_LENGTH;
use crate::members::Change;
use crate::outcome::{Outcome, Question, RuleError};
use crate::view::ZoneView;

mod partitions;
mod pattern;
mod refusal;
mod subscription;
mod wanted;

use refusal::Refusal;
use subscription::Stop;

/// The rule.
pub struct ConsumerGroupHeartbeat;

/// Member epoch of a member that leaves its group for good.
const LEAVE: i32 = -1;
/// From here on a member makes its own id.
const OWN_ID_SINCE: i16 = 1;

impl Rule for ConsumerGroupHeartbeat {
    fn key(&self) -> ApiKey {
        ApiKey::ConsumerGroupHeartbeat
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 1)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: ConsumerGroupHeartbeatRequest = codec::decode(request.version, &request.body)?;
        let zone = Arc::clone(context.zone);
        let group = asked.group_id.to_string();
        match context.group(&group) {
            Ok(upstream) => asked.group_id = GroupId(StrBytes::from_string(upstream)),
            Err(ErrorCode::GROUP_AUTHORIZATION_FAILED) => {
                return answer(request, &Refusal::FOREIGN_GROUP.response());
            }
            Err(_) => return answer(request, &Refusal::BAD_GROUP.response()),
        }
        if !is_member_id(&asked, request.version) {
            return answer(request, &Refusal::BAD_MEMBER.response());
        }
        if asked.member_epoch == 0 && !context.admits_group(&group) {
            return answer(request, &Refusal::TOO_MANY_GROUPS.response());
        }
        let member = asked.member_id.to_string();
        let change = if asked.member_epoch < 0 {
            // What a leaving member wants is nobody's concern any more. A static member that will be back leaves with
            // another epoch; until then its subscription stands at the broker.
            asked.subscribed_topic_names = None;
            asked.subscribed_topic_regex = None;
            if asked.member_epoch == LEAVE {
                zone.state().members().forget(&group, &member);
            }
            None
        } else {
            match subscription::to_upstream(&zone, &group, &mut asked, context.now) {
                Ok(change) => change,
                Err(Stop::Refuse(refusal)) => {
                    context.refused(refusal.0, "");
                    return answer(request, &refusal.response());
                }
                Err(Stop::Ask(facts)) => return Ok(Outcome::Ask(Question::Keep(facts))),
            }
        };
        // Racks are the cluster's.
        asked.rack_id = None;
        let owned = asked.topic_partitions.take();
        asked.topic_partitions = owned.map(|owned| partitions::to_upstream(&zone, &group, owned));
        let way_back = WayBack { zone, group, member, change };
        forward(context, request, &asked, move |response, context| way_back.on_response(response, context))
    }
}

/// A broker lets a member without an id join at version 0, and no member at any other time.
fn is_member_id(asked: &ConsumerGroupHeartbeatRequest, version: i16) -> bool {
    let may_be_empty = version < OWN_ID_SINCE && asked.member_epoch == 0;
    asked.member_id.len() <= MAX_ID_LENGTH && (may_be_empty || !asked.member_id.is_empty())
}

struct WayBack {
    zone: Arc<ZoneView>,
    group: String,
    /// Empty when the answer tells it.
    member: String,
    change: Option<Change>,
}

impl WayBack {
    fn on_response(
        self,
        mut response: ConsumerGroupHeartbeatResponse,
        context: &ReplyContext<'_>,
    ) -> ConsumerGroupHeartbeatResponse {
        response.error_message = None;
        if !ErrorCode(response.error_code).is_none() {
            response.assignment = None;
            self.on_error(ErrorCode(response.error_code));
            return response;
        }
        let members = self.zone.state().members();
        let given = response.member_id.as_deref().unwrap_or_default();
        if let Some(change) = self.change {
            members.accepted(change, given, context.now);
        }
        if let Some(assignment) = response.assignment.take() {
            let (shown, hidden) = partitions::to_partner(context.zone, &self.group, assignment);
            if !hidden.is_empty() {
                // Most likely a topic so new that the picture of the cluster does not hold it yet.
                context.note(ErrorCode::UNKNOWN_TOPIC_ID);
            }
            let member = if self.member.is_empty() { given } else { &self.member };
            members.owe(&self.group, member, hidden);
            response.assignment = Some(shown);
        }
        response
    }

    fn on_error(self, error: ErrorCode) {
        let members = self.zone.state().members();
        if matches!(error, ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::FENCED_MEMBER_EPOCH) {
            members.forget(&self.group, &self.member);
        } else if let Some(change) = self.change {
            members.refused(change);
        }
    }
}

#[cfg(test)]
mod tests;
