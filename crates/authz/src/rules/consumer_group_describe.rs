//! ConsumerGroupDescribe (69): own groups of the KIP-848 protocol.

use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup, Member};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;
use uuid::Uuid;

use super::layers::topic_name;
use super::own_groups::{CLIENT_HOST, OwnGroups, operations, shown_client_id};
use super::texts::error_text;
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct ConsumerGroupDescribe;

impl Rule for ConsumerGroupDescribe {
    fn key(&self) -> ApiKey {
        ApiKey::ConsumerGroupDescribe
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 1)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let asked: ConsumerGroupDescribeRequest = codec::decode(request.version, &request.body)?;
        let operations = asked.include_authorized_operations.then(|| operations(context));
        let own = OwnGroups::of(context.zone.prefix(), asked.group_ids);
        let refused = own.refused().map(|(group, error)| refusal(group, error)).collect();
        if own.upstream().is_empty() {
            return answer(request, &ConsumerGroupDescribeResponse::default().with_groups(refused));
        }
        let upstream = ConsumerGroupDescribeRequest::default().with_group_ids(own.upstream().to_vec());
        forward(context, request, &upstream, move |mut response: ConsumerGroupDescribeResponse, context| {
            let described = std::mem::replace(&mut response.groups, refused);
            response.groups.extend(described.into_iter().filter_map(|group| {
                let name = own.name(&group.group_id)?.clone();
                Some(match context.zone {
                    Some(zone) if group.error_code == ErrorCode::NONE.0 => {
                        shown(group, name, zone, operations)
                    }
                    Some(_) => refusal(name, ErrorCode(group.error_code)),
                    None => refusal(name, ErrorCode::GROUP_AUTHORIZATION_FAILED),
                })
            }));
            response
        })
    }
}

fn shown(
    mut group: DescribedGroup,
    name: GroupId,
    zone: &ZoneView,
    operations: Option<i32>,
) -> DescribedGroup {
    let scope = Scope { zone, group: &name };
    if group.members.iter_mut().any(|member| scope.member(member).is_none()) {
        // As a broker does when one of the group's topics is not allowed.
        return refusal(name, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    }
    group.group_id = name;
    group.error_message = None;
    group.authorized_operations = operations.unwrap_or(i32::MIN);
    group
}

/// Names of one group, on their way to the partner. `None` says that a topic is not of the zone.
struct Scope<'a> {
    zone: &'a ZoneView,
    group: &'a str,
}

impl Scope<'_> {
    fn member(&self, member: &mut Member) -> Option<()> {
        member.client_host = CLIENT_HOST;
        member.client_id = shown_client_id(self.zone.prefix(), &member.client_id);
        member.rack_id = None;
        // No expression of a partner ever goes upstream, so none that comes from there is the partner's.
        member.subscribed_topic_regex = None;
        for name in &mut member.subscribed_topic_names {
            *name = self.subscribed(name)?;
        }
        self.assignment(&mut member.assignment)?;
        self.assignment(&mut member.target_assignment)
    }

    fn assignment(&self, assignment: &mut Assignment) -> Option<()> {
        for topic in &mut assignment.topic_partitions {
            let granted = self.granted(&topic.topic_name)?;
            topic.topic_name = topic_name(&granted.alias);
            let known = granted.topic.as_ref();
            topic.topic_id = known.map_or(Uuid::nil(), |topic| Uuid::from_bytes(topic.virtual_id));
        }
        Some(())
    }

    /// A member of the classic protocol may have subscribed to a name that the zone does not show.
    fn subscribed(&self, name: &str) -> Option<TopicName> {
        if let Some(granted) = self.granted(name) {
            return Some(topic_name(&granted.alias));
        }
        let absent = self.zone.prefix().strip_absent_topic(name)?;
        Some(TopicName(StrBytes::from_string(absent.to_owned())))
    }

    fn granted(&self, backing: &str) -> Option<&Granted> {
        let alias = self.zone.alias_in_group(self.group, backing)?;
        self.zone.by_name(alias.as_str())
    }
}

/// A group of which nothing is said but the error.
fn refusal(group: GroupId, error: ErrorCode) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(group)
        .with_error_code(error.0)
        .with_error_message(error_text(error))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::consumer_group_describe_response::TopicPartitions;

    use super::*;
    use crate::rules::own_groups::tests::use_alias;
    use crate::testing::{self, Bench};

    fn ask(groups: &[&str]) -> ConsumerGroupDescribeRequest {
        let group = |name: &&str| GroupId(StrBytes::from_string((*name).to_owned()));
        ConsumerGroupDescribeRequest::default().with_group_ids(groups.iter().map(group).collect())
    }

    fn topic(name: &str) -> TopicName {
        TopicName(StrBytes::from_string(name.to_owned()))
    }

    /// A broker whose groups have one member that is subscribed to `subscribed` and was assigned `assigned`.
    fn broker<'a>(
        subscribed: &'a [&str],
        assigned: &'a [&str],
    ) -> impl FnMut(&ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse + 'a {
        move |request| {
            assert!(!request.include_authorized_operations, "answered here");
            let partitions = |name: &&str| {
                TopicPartitions::default()
                    .with_topic_id(Uuid::from_bytes(testing::ORDERS_ID))
                    .with_topic_name(topic(name))
                    .with_partitions(vec![0, 2])
            };
            let assignment =
                Assignment::default().with_topic_partitions(assigned.iter().map(partitions).collect());
            let client = format!("{}/app", testing::prefix("partner").tag());
            let member = Member::default()
                .with_client_id(StrBytes::from_string(client))
                .with_client_host(StrBytes::from_static_str("/10.1.2.3"))
                .with_rack_id(Some(StrBytes::from_static_str("rack-7")))
                .with_subscribed_topic_regex(Some(StrBytes::from_static_str("acme.*")))
                .with_subscribed_topic_names(subscribed.iter().map(|name| topic(name)).collect())
                .with_target_assignment(assignment.clone())
                .with_assignment(assignment);
            let group = |id: &GroupId| {
                DescribedGroup::default().with_group_id(id.clone()).with_members(vec![member.clone()])
            };
            ConsumerGroupDescribeResponse::default()
                .with_groups(request.group_ids.iter().map(group).collect())
        }
    }

    #[test]
    fn members_are_shown_in_the_names_and_ids_of_the_zone_at_every_version() {
        let absent = testing::prefix("partner").absent_topic("wished");
        let (subscribed, assigned) = ([testing::ORDERS_BACKING, &absent], [testing::ORDERS_BACKING]);
        for version in ConsumerGroupDescribe.versions().iter() {
            let bench = Bench::new();
            let (sent, got) = bench.exchange(
                &ConsumerGroupDescribe,
                version,
                &ask(&["billing"]),
                broker(&subscribed, &assigned),
            );
            assert_eq!(sent[0].group_ids[0].as_str(), testing::prefix("partner").group("billing").unwrap());
            let member = &got.groups[0].members[0];
            assert_eq!((got.groups[0].group_id.as_str(), got.groups[0].error_code), ("billing", 0));
            assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("app", "/0.0.0.0"));
            assert_eq!((&member.rack_id, &member.subscribed_topic_regex), (&None, &None));
            assert_eq!(member.subscribed_topic_names, [topic("orders"), topic("wished")]);
            for assignment in [&member.assignment, &member.target_assignment] {
                let shown = &assignment.topic_partitions[0];
                assert_eq!((&shown.topic_name, &shown.partitions[..]), (&topic("orders"), &[0, 2][..]));
                assert_eq!(shown.topic_id.into_bytes(), bench.virtual_id("orders"));
            }
        }
    }

    #[test]
    fn a_group_with_a_foreign_topic_is_refused_without_its_members() {
        let (own, foreign) = ([testing::ORDERS_BACKING], [testing::ORDERS_BACKING, testing::HIDDEN_TOPIC]);
        for version in ConsumerGroupDescribe.versions().iter() {
            for broker in [broker(&own, &foreign), broker(&foreign, &own)] {
                let asked = ask(&["g"]).with_include_authorized_operations(true);
                let (_, got) = Bench::new().exchange(&ConsumerGroupDescribe, version, &asked, broker);
                let expected = DescribedGroup::default()
                    .with_group_id(GroupId(StrBytes::from_static_str("g")))
                    .with_error_code(29)
                    .with_error_message(Some(StrBytes::from_static_str("topic authorization failed")));
                assert_eq!(got.groups, [expected]);
            }
        }
    }

    #[test]
    fn twins_are_shown_under_the_alias_of_the_group() {
        let bench = Bench::over(testing::TWIN_ZONE);
        use_alias(&bench, "g", "second");
        let topics = [testing::ORDERS_BACKING];
        let (_, got) = bench.exchange(&ConsumerGroupDescribe, 1, &ask(&["g", "h"]), broker(&topics, &topics));
        let shown: Vec<_> =
            got.groups.iter().map(|g| g.members[0].subscribed_topic_names[0].as_str()).collect();
        assert_eq!(shown, ["second", "first"]);
        let assigned = &got.groups[0].members[0].assignment.topic_partitions[0];
        assert_eq!(assigned.topic_id.into_bytes(), bench.virtual_id("second"));
    }

    #[test]
    fn errors_of_the_broker_lose_their_text() {
        let broker = |request: &ConsumerGroupDescribeRequest| {
            let text = format!("Group {} is not a consumer group.", request.group_ids[0].as_str());
            let group = DescribedGroup::default()
                .with_group_id(request.group_ids[0].clone())
                .with_error_code(69)
                .with_error_message(Some(StrBytes::from_string(text)));
            ConsumerGroupDescribeResponse::default().with_groups(vec![group])
        };
        let (_, got) = Bench::new().exchange(&ConsumerGroupDescribe, 1, &ask(&["g"]), broker);
        let group = &got.groups[0];
        assert_eq!(
            (group.error_code, group.error_message.as_deref()),
            (69, Some("the group does not exist"))
        );
    }

    #[test]
    fn operations_are_computed_here_and_only_when_asked_for() {
        for (wanted, bits) in [(true, 0b1_0100_1000), (false, i32::MIN)] {
            let asked = ask(&["g"]).with_include_authorized_operations(wanted);
            let (_, got) = Bench::new().exchange(&ConsumerGroupDescribe, 1, &asked, broker(&[], &[]));
            assert_eq!(got.groups[0].authorized_operations, bits);
        }
    }

    #[test]
    fn empty_names_and_accounts_without_a_zone_are_told_nothing() {
        for version in ConsumerGroupDescribe.versions().iter() {
            let got: ConsumerGroupDescribeResponse =
                Bench::new().answer(&ConsumerGroupDescribe, version, &ask(&["", ""]));
            assert_eq!((got.groups.len(), got.groups[0].error_code), (1, 24));
            let (_, got) = Bench::new().exchange_seen_by(
                &ConsumerGroupDescribe,
                version,
                &ask(&["g"]),
                broker(&[testing::ORDERS_BACKING], &[]),
                None,
            );
            assert_eq!((got.groups[0].error_code, got.groups[0].members.len()), (30, 0));
        }
    }
}
