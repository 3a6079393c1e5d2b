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
        let zone = context.zone.clone();
        forward(context, request, &asked, move |mut response: JoinGroupResponse, context| {
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
}
