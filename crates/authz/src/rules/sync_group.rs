//! SyncGroup (14): the assignments of consumers cross into the cluster's names and back.

use std::sync::Arc;

use kafka_protocol::messages::{GroupId, SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::blobs::GroupBlob;
use super::join_group::CONSUMER;
use super::{Rule, answer, forward};
use crate::bindings::Conflict;
use crate::context::RequestContext;
use crate::outcome::{Outcome, Question, RuleError};

/// The rule.
pub struct SyncGroup;

impl Rule for SyncGroup {
    fn key(&self) -> ApiKey {
        ApiKey::SyncGroup
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: SyncGroupRequest = codec::decode(request.version, &request.body)?;
        let group = asked.group_id.to_string();
        match context.group(&group) {
            Ok(upstream) => asked.group_id = GroupId(StrBytes::from_string(upstream)),
            Err(error) => return refuse(request, error),
        }
        // Versions below 5 do not say the type. What the client said in JoinGroup proves nothing, as the broker may
        // have refused it: whatever reads as an assignment is taken for one.
        let is_consumer = asked.protocol_type.as_deref().is_none_or(|kind| kind == CONSUMER);
        if is_consumer {
            let zone = Arc::clone(context.zone);
            let mut wanted = Vec::new();
            for member in &mut asked.assignments {
                match GroupBlob::Assignment.to_upstream(&zone, &member.assignment, &mut wanted) {
                    Ok(assignment) => member.assignment = assignment,
                    Err(Conflict) => return refuse(request, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
                }
            }
            match zone.bind(&group, &wanted, context.now) {
                Ok(facts) if facts.is_empty() => {}
                Ok(facts) => return Ok(Outcome::Ask(Question::Keep(facts))),
                Err(Conflict) => return refuse(request, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
            }
        }
        let zone = context.zone.clone();
        forward(context, request, &asked, move |mut response: SyncGroupResponse, context| {
            // The leader may have assigned an alias that is newer than this request.
            let zone = context.zone.unwrap_or(&zone);
            // Whatever this member says the type is: another one may have had the names mapped on their way up.
            response.assignment = GroupBlob::Assignment.to_partner(zone, &group, &response.assignment);
            response
        })
    }
}

fn refuse(request: &Request, error: ErrorCode) -> Result<Outcome, RuleError> {
    answer(request, &SyncGroupResponse::default().with_error_code(error.0))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;

    use super::*;
    use crate::testing::{self, Bench, assignment, assignment_topics};

    const TYPE_SINCE: i16 = 5;

    fn sync(version: i16, kind: &'static str, blob: Bytes) -> SyncGroupRequest {
        let mut asked = SyncGroupRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str("billing")))
            .with_assignments(vec![SyncGroupRequestAssignment::default().with_assignment(blob)]);
        if version >= TYPE_SINCE {
            asked.protocol_type = Some(StrBytes::from_static_str(kind));
        }
        asked
    }

    fn broker(request: &SyncGroupRequest) -> SyncGroupResponse {
        SyncGroupResponse::default().with_assignment(request.assignments[0].assignment.clone())
    }

    #[test]
    fn assignments_cross_to_backing_names_and_back_at_every_version() {
        for version in SyncGroup.versions().iter() {
            let asked = sync(version, CONSUMER, assignment(&["prices"]));
            let (sent, got) = Bench::new().exchange(&SyncGroup, version, &asked, broker);
            assert_eq!(sent[0].group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
            assert_eq!(assignment_topics(&sent[0].assignments[0].assignment), [testing::PRICES_BACKING]);
            assert_eq!(assignment_topics(&got.assignment), ["prices"]);
        }
    }

    #[test]
    fn other_types_and_empty_assignments_pass_untouched() {
        for blob in [Bytes::new(), Bytes::from_static(b"opaque to everybody")] {
            let (sent, got) = Bench::new().exchange(&SyncGroup, 5, &sync(5, "connect", blob.clone()), broker);
            assert_eq!((&sent[0].assignments[0].assignment, &got.assignment), (&blob, &blob));
        }
        let (_, got) = Bench::new().exchange(&SyncGroup, 5, &sync(5, CONSUMER, Bytes::new()), broker);
        assert!(got.assignment.is_empty());
    }

    /// A group of any other type, whose leader sent an assignment at a version that does not tell the type.
    #[test]
    fn a_member_that_denies_the_type_sees_no_backing_name() {
        let broker = |_: &SyncGroupRequest| {
            SyncGroupResponse::default().with_assignment(assignment(&[testing::ORDERS_BACKING]))
        };
        let (_, got) = Bench::new().exchange(&SyncGroup, 5, &sync(5, "odd", Bytes::new()), broker);
        assert_eq!(assignment_topics(&got.assignment), ["orders"]);
    }

    #[test]
    fn a_hidden_name_from_upstream_disappears() {
        let broker = |_: &SyncGroupRequest| {
            SyncGroupResponse::default()
                .with_assignment(assignment(&[testing::HIDDEN_TOPIC, testing::ORDERS_BACKING]))
        };
        let (_, got) = Bench::new().exchange(&SyncGroup, 5, &sync(5, CONSUMER, Bytes::new()), broker);
        assert_eq!(assignment_topics(&got.assignment), ["orders"]);
    }

    #[test]
    fn an_empty_group_and_the_second_twin_are_refused_here() {
        for version in SyncGroup.versions().iter() {
            let got: SyncGroupResponse =
                Bench::new().answer(&SyncGroup, version, &SyncGroupRequest::default());
            assert_eq!(got.error_code, 24);
            let twins = sync(version, CONSUMER, assignment(&["first", "second"]));
            let got: SyncGroupResponse = Bench::over(testing::TWIN_ZONE).answer(&SyncGroup, version, &twins);
            assert_eq!(got.error_code, 23);
        }
    }
}
