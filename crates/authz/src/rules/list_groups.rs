//! ListGroups (16): own groups only.
//!
//! The broker answers with all groups that it coordinates, whosever they are, unless its own access rules leave out
//! some: there is no way to ask for a prefix. The frame limit for upstream answers and the guard's cap of groups bound
//! what is read; a cluster beyond them closes the connection and shows nothing of others.

use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::header::Request;

use super::{Rule, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct ListGroups;

impl Rule for ListGroups {
    fn key(&self) -> ApiKey {
        ApiKey::ListGroups
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        // States and types to look for are words of Kafka's own; they pass.
        let asked: ListGroupsRequest = codec::decode(request.version, &request.body)?;
        let prefix = context.zone.prefix().clone();
        forward(context, request, &asked, move |mut response: ListGroupsResponse, context| {
            response.groups.retain_mut(|group| {
                let own = prefix.strip_group(&group.group_id).filter(|own| !own.is_empty());
                let Some(own) = own.filter(|_| context.zone.is_some()) else { return false };
                group.group_id = GroupId(StrBytes::from_string(own.to_owned()));
                true
            });
            response
        })
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::list_groups_response::ListedGroup;

    use super::*;
    use crate::testing::{self, Bench};

    const STATES_SINCE: i16 = 4;
    const TYPES_SINCE: i16 = 5;

    /// A broker with groups of two zones, of the owner, and one that only looks like the zone's.
    fn broker(_: &ListGroupsRequest) -> ListGroupsResponse {
        let own = testing::prefix("partner");
        let other = testing::prefix("competitor");
        let groups = [
            own.group("billing").unwrap(),
            other.group("billing").unwrap(),
            "payroll".into(),
            own.tag().into(),
        ];
        let group = |name: String| {
            ListedGroup::default()
                .with_group_id(GroupId(StrBytes::from_string(name)))
                .with_protocol_type(StrBytes::from_static_str("consumer"))
        };
        ListGroupsResponse::default().with_groups(groups.into_iter().map(group).collect())
    }

    #[test]
    fn only_own_groups_are_listed_and_without_the_prefix_at_every_version() {
        for version in ListGroups.versions().iter() {
            let (_, got) = Bench::new().exchange(&ListGroups, version, &ListGroupsRequest::default(), broker);
            let names: Vec<_> =
                got.groups.iter().map(|g| (g.group_id.as_str(), g.protocol_type.as_str())).collect();
            assert_eq!(names, [("billing", "consumer")], "version {version}");
        }
    }

    #[test]
    fn filters_pass_to_the_broker() {
        let words = |word| vec![StrBytes::from_static_str(word)];
        for version in STATES_SINCE..=5 {
            let mut asked = ListGroupsRequest::default().with_states_filter(words("Stable"));
            if version >= TYPES_SINCE {
                asked.types_filter = words("classic");
            }
            let (sent, _) = Bench::new().exchange(&ListGroups, version, &asked, broker);
            assert_eq!(sent, [asked]);
        }
    }

    #[test]
    fn an_error_passes_and_an_account_without_a_zone_sees_no_group() {
        let loading = |_: &ListGroupsRequest| ListGroupsResponse::default().with_error_code(14);
        let (_, got) = Bench::new().exchange(&ListGroups, 5, &ListGroupsRequest::default(), loading);
        assert_eq!(got.error_code, 14);
        let (_, got) =
            Bench::new().exchange_seen_by(&ListGroups, 5, &ListGroupsRequest::default(), broker, None);
        assert!(got.groups.is_empty());
    }
}
