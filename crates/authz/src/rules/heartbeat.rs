//! Heartbeat (12): the group gets its prefix, nothing else is looked at.

use kafka_protocol::messages::{GroupId, HeartbeatRequest, HeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::header::Request;

use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct Heartbeat;

impl Rule for Heartbeat {
    fn key(&self) -> ApiKey {
        ApiKey::Heartbeat
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 4)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: HeartbeatRequest = codec::decode(request.version, &request.body)?;
        match context.group(&asked.group_id) {
            Err(error) => answer(request, &HeartbeatResponse::default().with_error_code(error.0)),
            Ok(group) => {
                let instance = asked.group_instance_id.as_deref();
                context.zone.state().joined().heard(&asked.group_id, &asked.member_id, instance, context.now);
                asked.group_id = GroupId(StrBytes::from_string(group));
                forward(context, request, &asked, |response: HeartbeatResponse, _| response)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Bench};

    #[test]
    fn the_group_is_prefixed_and_the_answer_passes_at_every_version() {
        for version in Heartbeat.versions().iter() {
            let asked = HeartbeatRequest::default()
                .with_group_id(GroupId(StrBytes::from_static_str("billing")))
                .with_generation_id(3)
                .with_member_id(StrBytes::from_static_str("m-1"));
            let broker = |_: &_| HeartbeatResponse::default().with_error_code(27);
            let (sent, got) = Bench::new().exchange(&Heartbeat, version, &asked, broker);
            let expected = testing::prefix("partner").group("billing").unwrap();
            assert_eq!((sent[0].group_id.as_str(), sent[0].generation_id), (&*expected, 3));
            assert_eq!(got.error_code, 27);
        }
    }

    #[test]
    fn an_empty_group_is_refused_here() {
        for version in Heartbeat.versions().iter() {
            let got: HeartbeatResponse =
                Bench::new().answer(&Heartbeat, version, &HeartbeatRequest::default());
            assert_eq!(got.error_code, 24);
        }
    }
}
