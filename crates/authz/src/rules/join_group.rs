//! JoinGroup (11): the subscriptions of consumers cross into the cluster's names and back.
//!
//! A broker reads the topics of a stable group of consumers: it expires offsets of topics that it believes
//! unsubscribed, and it assigns them when the group moves to KIP-848. So it must see backing names, and
//! for a name outside the zone one that exists nowhere.

use std::sync::Arc;

use kafka_protocol::messages::{GroupId, JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::blobs::GroupBlob;
use super::{Rule, answer, forward};
use crate::bindings::Conflict;
use crate::context::RequestContext;
use crate::joined::{Joining, Ticket, Verdict};
use crate::outcome::{Outcome, Question, RuleError};

/// The rule.
pub struct JoinGroup;

/// The protocol type of consumers; others carry bytes that no broker reads.
pub(super) const CONSUMER: &str = "consumer";

impl Rule for JoinGroup {
    fn key(&self) -> ApiKey {
        ApiKey::JoinGroup
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 9)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: JoinGroupRequest = codec::decode(request.version, &request.body)?;
        let group = asked.group_id.to_string();
        match context.group(&group) {
            Ok(upstream) => asked.group_id = GroupId(StrBytes::from_string(upstream)),
            Err(error) => return refuse(request, &asked, error),
        }
        // Brokers write it into their log.
        asked.reason = None;
        let is_consumer = &*asked.protocol_type == CONSUMER;
        if is_consumer {
            let zone = Arc::clone(context.zone);
            let mut wanted = Vec::new();
            for protocol in &mut asked.protocols {
                match GroupBlob::Subscription.to_upstream(&zone, &protocol.metadata, &mut wanted) {
                    Ok(metadata) => protocol.metadata = metadata,
                    Err(Conflict) => return refuse(request, &asked, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
                }
            }
            match zone.bind(&group, &wanted, context.now) {
                Ok(facts) if facts.is_empty() => {}
                Ok(facts) => return Ok(Outcome::Ask(Question::Keep(facts))),
                Err(Conflict) => return refuse(request, &asked, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
            }
        }
        let zone = Arc::clone(context.zone);
        let Some(ticket) = admit(context, &group, &asked) else {
            return refuse(request, &asked, ErrorCode::GROUP_MAX_SIZE_REACHED);
        };
        forward(context, request, &asked, move |mut response: JoinGroupResponse, context| {
            zone.state().joined().answered(&ticket, verdict(&response));
            // Another member may have joined with an alias that is newer than this request.
            let zone = context.zone.unwrap_or(&zone);
            if is_consumer {
                for member in &mut response.members {
                    member.metadata = GroupBlob::Subscription.to_partner(zone, &group, &member.metadata);
                }
            }
            response
        })
    }
}

/// Room for the group and its member, if there is any.
fn admit(context: &RequestContext<'_>, group: &str, asked: &JoinGroupRequest) -> Option<Ticket> {
    if !context.admits_group(group) {
        return None;
    }
    let joining = Joining {
        group,
        member: &asked.member_id,
        instance: asked.group_instance_id.as_deref(),
        bytes: asked.protocols.iter().map(|protocol| protocol.name.len() + protocol.metadata.len()).sum(),
        // Who waits for the others is kept for as long as these may take.
        session_ms: asked.session_timeout_ms.max(asked.rebalance_timeout_ms),
    };
    context.zone.state().joined().begin(joining, context.policy, context.now).ok()
}

fn verdict(response: &JoinGroupResponse) -> Verdict<'_> {
    match ErrorCode(response.error_code) {
        ErrorCode::NONE | ErrorCode::MEMBER_ID_REQUIRED => Verdict::Kept(&response.member_id),
        ErrorCode::UNKNOWN_MEMBER_ID => Verdict::Unknown,
        _ => Verdict::Failed,
    }
}

fn refuse(request: &Request, asked: &JoinGroupRequest, error: ErrorCode) -> Result<Outcome, RuleError> {
    let mut response = JoinGroupResponse::default()
        .with_error_code(error.0)
        .with_generation_id(-1)
        .with_member_id(asked.member_id.clone());
    // Null only from version 7 on.
    response.protocol_name = (request.version < 7).then(StrBytes::new);
    answer(request, &response)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
    use tidegate_wire::group_blob::subscription_topics;

    use super::*;
    use crate::testing::{self, Bench, subscription};

    fn join(kind: &'static str, topics: &[&str]) -> JoinGroupRequest {
        JoinGroupRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str("billing")))
            .with_member_id(StrBytes::from_static_str("m-1"))
            .with_protocol_type(StrBytes::from_static_str(kind))
            .with_protocols(vec![
                JoinGroupRequestProtocol::default()
                    .with_name(StrBytes::from_static_str("range"))
                    .with_metadata(subscription(topics)),
            ])
    }

    /// A broker that makes the only member the leader and tells it everything.
    fn broker(version: i16) -> impl FnMut(&JoinGroupRequest) -> JoinGroupResponse {
        move |request| {
            let member = JoinGroupResponseMember::default()
                .with_member_id(request.member_id.clone())
                .with_metadata(request.protocols[0].metadata.clone());
            let mut response = JoinGroupResponse::default()
                .with_generation_id(1)
                .with_protocol_name(Some(StrBytes::from_static_str("range")))
                .with_members(vec![member]);
            if version >= 7 {
                response.protocol_type = Some(request.protocol_type.clone());
            }
            response
        }
    }

    fn names(topics: &[&str]) -> Vec<String> {
        topics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn subscriptions_cross_to_backing_names_and_back_at_every_version() {
        for version in JoinGroup.versions().iter() {
            let asked = join(CONSUMER, &["orders", testing::HIDDEN_TOPIC]);
            let (sent, got) = Bench::new().exchange(&JoinGroup, version, &asked, broker(version));
            let prefix = testing::prefix("partner");
            assert_eq!(sent[0].group_id.as_str(), prefix.group("billing").unwrap());
            assert_eq!(
                subscription_topics(&sent[0].protocols[0].metadata).unwrap(),
                names(&[testing::ORDERS_BACKING, &prefix.absent_topic(testing::HIDDEN_TOPIC)])
            );
            assert_eq!(
                subscription_topics(&got.members[0].metadata).unwrap(),
                names(&["orders", testing::HIDDEN_TOPIC])
            );
        }
    }

    #[test]
    fn names_that_the_zone_does_not_show_never_reach_the_leader() {
        let broker = |_: &JoinGroupRequest| {
            let member =
                JoinGroupResponseMember::default().with_metadata(subscription(&[testing::HIDDEN_TOPIC]));
            JoinGroupResponse::default()
                .with_protocol_name(Some(StrBytes::from_static_str("range")))
                .with_members(vec![member])
        };
        let (_, got) = Bench::new().exchange(&JoinGroup, 5, &join(CONSUMER, &["orders"]), broker);
        assert_eq!(subscription_topics(&got.members[0].metadata).unwrap(), names(&[]));
    }

    #[test]
    fn other_protocol_types_pass_untouched() {
        let asked = join("connect", &["orders"]);
        let (sent, got) = Bench::new().exchange(&JoinGroup, 5, &asked, broker(5));
        assert_eq!(sent[0].protocols, asked.protocols);
        assert_eq!(got.members[0].metadata, asked.protocols[0].metadata);
    }

    #[test]
    fn an_empty_group_and_the_second_twin_are_refused_here() {
        for version in JoinGroup.versions().iter() {
            let empty = JoinGroupRequest::default().with_protocol_type(StrBytes::from_static_str(CONSUMER));
            let got: JoinGroupResponse = Bench::new().answer(&JoinGroup, version, &empty);
            assert_eq!((got.error_code, got.generation_id), (24, -1));
            let bench = Bench::over(testing::TWIN_ZONE);
            let got: JoinGroupResponse =
                bench.answer(&JoinGroup, version, &join(CONSUMER, &["first", "second"]));
            assert_eq!((got.error_code, got.member_id.as_str()), (23, "m-1"));
            let (_, got) = bench.exchange(&JoinGroup, version, &join(CONSUMER, &["second"]), broker(version));
            assert_eq!(got.error_code, 0, "a refused pair binds nothing");
        }
    }

    #[test]
    fn a_group_and_a_member_too_many_are_refused_as_a_full_group() {
        for version in JoinGroup.versions().iter() {
            let mut bench = Bench::new();
            (bench.policy.groups_per_zone, bench.policy.members_per_group) = (1, 1);
            let asked = join(CONSUMER, &["orders"]);
            let (_, got) = bench.exchange(&JoinGroup, version, &asked, broker(version));
            assert_eq!(got.error_code, 0);
            let another = asked.clone().with_member_id(StrBytes::from_static_str("m-2"));
            let elsewhere = asked.clone().with_group_id(GroupId(StrBytes::from_static_str("reports")));
            for refused in [another, elsewhere] {
                let got: JoinGroupResponse = bench.answer(&JoinGroup, version, &refused);
                assert_eq!((got.error_code, got.generation_id), (81, -1), "version {version}");
            }
            let (_, got) = bench.exchange(&JoinGroup, version, &asked, broker(version));
            assert_eq!(got.error_code, 0, "who is in may join again");
        }
    }
}
