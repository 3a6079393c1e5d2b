//! DescribeGroups (15): own classic groups, their members' blobs in the partner's names.

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::blobs::GroupBlob;
use super::join_group::CONSUMER;
use super::own_groups::{CLIENT_HOST, OwnGroups, operations, shown_client_id};
use super::texts::error_text;
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::view::ZoneView;

/// The rule.
pub struct DescribeGroups;

/// First version that says with an error, and a text, that there is no such group (KIP-1043).
const ERROR_TEXT_SINCE: i16 = 6;

impl Rule for DescribeGroups {
    fn key(&self) -> ApiKey {
        ApiKey::DescribeGroups
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 6)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let version = request.version;
        let asked: DescribeGroupsRequest = codec::decode(version, &request.body)?;
        let operations = asked.include_authorized_operations.then(|| operations(context));
        let own = OwnGroups::of(context.zone.prefix(), asked.groups);
        let refused = own.refused().map(|(group, error)| refusal(group, error, version)).collect();
        if own.upstream().is_empty() {
            return answer(request, &DescribeGroupsResponse::default().with_groups(refused));
        }
        let upstream = DescribeGroupsRequest::default().with_groups(own.upstream().to_vec());
        forward(context, request, &upstream, move |mut response: DescribeGroupsResponse, context| {
            let described = std::mem::replace(&mut response.groups, refused);
            response.groups.extend(described.into_iter().filter_map(|group| {
                let name = own.name(&group.group_id)?.clone();
                Some(match context.zone {
                    Some(zone) if group.error_code == ErrorCode::NONE.0 => {
                        shown(group, name, zone, operations)
                    }
                    Some(_) => refusal(name, ErrorCode(group.error_code), version),
                    None => refusal(name, ErrorCode::GROUP_AUTHORIZATION_FAILED, version),
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
    let is_consumer = &*group.protocol_type == CONSUMER;
    for member in &mut group.members {
        show_member(member, &name, zone, is_consumer);
    }
    group.group_id = name;
    group.error_message = None;
    group.authorized_operations = operations.unwrap_or(i32::MIN);
    group
}

fn show_member(member: &mut DescribedGroupMember, group: &str, zone: &ZoneView, is_consumer: bool) {
    member.client_host = CLIENT_HOST;
    member.client_id = shown_client_id(zone.prefix(), &member.client_id);
    if is_consumer {
        member.member_metadata = GroupBlob::Subscription.to_partner(zone, group, &member.member_metadata);
    }
    // Whatever the type of the group: SyncGroup below version 5 takes anything that reads as an assignment for one.
    member.member_assignment = GroupBlob::Assignment.to_partner(zone, group, &member.member_assignment);
}

/// A group of which nothing is said but the error.
fn refusal(group: GroupId, error: ErrorCode, version: i16) -> DescribedGroup {
    let text = if version >= ERROR_TEXT_SINCE { error_text(error) } else { None };
    DescribedGroup::default().with_group_id(group).with_error_code(error.0).with_error_message(text)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_protocol::protocol::StrBytes;
    use tidegate_wire::group_blob::subscription_topics;

    use super::*;
    use crate::testing::{self, Bench, assignment, assignment_topics, subscription};

    const OPERATIONS_SINCE: i16 = 3;

    fn ask(groups: &[&str]) -> DescribeGroupsRequest {
        let group = |name: &&str| GroupId(StrBytes::from_string((*name).to_owned()));
        DescribeGroupsRequest::default().with_groups(groups.iter().map(group).collect())
    }

    /// A broker whose groups have one member each, with one topic of the zone and one that is hidden.
    fn broker(kind: &'static str) -> impl FnMut(&DescribeGroupsRequest) -> DescribeGroupsResponse {
        move |request| {
            assert!(!request.include_authorized_operations, "answered here");
            let topics = [testing::ORDERS_BACKING, testing::HIDDEN_TOPIC];
            let client = format!("{}/app", testing::prefix("partner").tag());
            let member = DescribedGroupMember::default()
                .with_member_id(StrBytes::from_static_str("m-1"))
                .with_client_id(StrBytes::from_string(client))
                .with_client_host(StrBytes::from_static_str("/10.1.2.3"))
                .with_member_metadata(subscription(&topics))
                .with_member_assignment(assignment(&topics));
            let group = |id: &GroupId| {
                DescribedGroup::default()
                    .with_group_id(id.clone())
                    .with_group_state(StrBytes::from_static_str("Stable"))
                    .with_protocol_type(StrBytes::from_static_str(kind))
                    .with_members(vec![member.clone()])
            };
            DescribeGroupsResponse::default().with_groups(request.groups.iter().map(group).collect())
        }
    }

    #[test]
    fn members_are_shown_in_the_names_of_the_zone_at_every_version() {
        for version in DescribeGroups.versions().iter() {
            let (sent, got) =
                Bench::new().exchange(&DescribeGroups, version, &ask(&["billing"]), broker(CONSUMER));
            assert_eq!(sent[0].groups[0].as_str(), testing::prefix("partner").group("billing").unwrap());
            let group = &got.groups[0];
            assert_eq!((group.group_id.as_str(), group.group_state.as_str()), ("billing", "Stable"));
            assert_eq!(group.authorized_operations, i32::MIN);
            let member = &group.members[0];
            assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("app", "/0.0.0.0"));
            assert_eq!(subscription_topics(&member.member_metadata).unwrap(), ["orders"]);
            assert_eq!(assignment_topics(&member.member_assignment), ["orders"]);
        }
    }

    #[test]
    fn other_protocol_types_keep_their_bytes_but_no_assignment_with_hidden_names() {
        let opaque = Bytes::from_static(b"opaque to everybody");
        let mut broker = broker("connect");
        let broker = |request: &DescribeGroupsRequest| {
            let mut response = broker(request);
            response.groups[0].members[0].member_metadata = opaque.clone();
            response
        };
        let (_, got) = Bench::new().exchange(&DescribeGroups, 5, &ask(&["g"]), broker);
        let member = &got.groups[0].members[0];
        assert_eq!(member.member_metadata, opaque);
        assert_eq!(assignment_topics(&member.member_assignment), ["orders"]);
    }

    #[test]
    fn a_group_that_a_broker_does_not_know_gets_a_text_made_here() {
        let broker = |request: &DescribeGroupsRequest| {
            let text = format!("Group {} not found.", request.groups[0].as_str());
            let group = DescribedGroup::default()
                .with_group_id(request.groups[0].clone())
                .with_error_code(69)
                .with_group_state(StrBytes::from_static_str("Dead"))
                .with_error_message(Some(StrBytes::from_string(text)));
            DescribeGroupsResponse::default().with_groups(vec![group])
        };
        let (_, got) = Bench::new().exchange(&DescribeGroups, 6, &ask(&["absent"]), broker);
        let group = &got.groups[0];
        assert_eq!(
            (group.error_code, group.error_message.as_deref()),
            (69, Some("the group does not exist"))
        );
    }

    #[test]
    fn operations_are_computed_here_and_only_when_asked_for() {
        for version in OPERATIONS_SINCE..=6 {
            let asked = ask(&["g"]).with_include_authorized_operations(true);
            let (_, got) = Bench::new().exchange(&DescribeGroups, version, &asked, broker(CONSUMER));
            assert_eq!(got.groups[0].authorized_operations, 0b1_0100_1000);
        }
    }

    #[test]
    fn empty_names_are_refused_here_and_doubles_answered_once() {
        for version in DescribeGroups.versions().iter() {
            let got: DescribeGroupsResponse = Bench::new().answer(&DescribeGroups, version, &ask(&[""]));
            assert_eq!((got.groups.len(), got.groups[0].error_code), (1, 24));
            let got: DescribeGroupsResponse = Bench::new().answer(&DescribeGroups, version, &ask(&[]));
            assert!(got.groups.is_empty());
            let (sent, got) =
                Bench::new().exchange(&DescribeGroups, version, &ask(&["a", "", "a"]), broker(CONSUMER));
            let codes: Vec<_> = got.groups.iter().map(|g| (g.group_id.as_str(), g.error_code)).collect();
            assert_eq!((sent[0].groups.len(), codes), (1, vec![("", 24), ("a", 0)]));
        }
    }

    #[test]
    fn an_account_without_a_zone_is_told_nothing() {
        let (_, got) =
            Bench::new().exchange_seen_by(&DescribeGroups, 5, &ask(&["g"]), broker(CONSUMER), None);
        assert_eq!((got.groups[0].error_code, got.groups[0].members.len()), (30, 0));
    }
}
