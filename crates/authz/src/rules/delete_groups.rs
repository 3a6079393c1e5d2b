//! DeleteGroups (42): own groups, if the policy lets partners delete.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, GroupId};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::own_groups::{OwnGroups, may_delete};
use super::{Rule, answer, forward_forgetting};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct DeleteGroups;

impl Rule for DeleteGroups {
    fn key(&self) -> ApiKey {
        ApiKey::DeleteGroups
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 2)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: DeleteGroupsRequest = codec::decode(request.version, &request.body)?;
        let groups = std::mem::take(&mut asked.groups_names);
        let own = match may_delete(context) {
            true => OwnGroups::of(context.zone.prefix(), groups),
            false => OwnGroups::none(groups, ErrorCode::GROUP_AUTHORIZATION_FAILED),
        };
        let refused: Vec<_> = own.refused().map(|(group, error)| result(group, error.0)).collect();
        if own.upstream().is_empty() {
            return answer(request, &DeleteGroupsResponse::default().with_results(refused));
        }
        asked.groups_names = own.upstream().to_vec();
        let zone = Arc::clone(context.zone);
        forward_forgetting(context, request, &asked, move |mut response: DeleteGroupsResponse| {
            let mut gone = HashSet::new();
            let answered = std::mem::replace(&mut response.results, refused);
            response.results.extend(answered.into_iter().filter_map(|deleted| {
                let name = own.name(&deleted.group_id)?.clone();
                // A group that the broker does not have may still be bound: its members never committed.
                if [ErrorCode::NONE, ErrorCode::GROUP_ID_NOT_FOUND].contains(&ErrorCode(deleted.error_code)) {
                    gone.insert(name.to_string());
                }
                Some(result(name, deleted.error_code))
            }));
            (response, zone.state().bindings().of_groups(&gone))
        })
    }
}

fn result(group: GroupId, error: i16) -> DeletableGroupResult {
    DeletableGroupResult::default().with_group_id(group).with_error_code(error)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::rules::own_groups::tests::{ask_without_deleting, use_alias};
    use crate::testing::{self, Bench, encoded, request_of};

    fn delete(groups: &[&str]) -> DeleteGroupsRequest {
        let group = |name: &&str| GroupId(StrBytes::from_string((*name).to_owned()));
        DeleteGroupsRequest::default().with_groups_names(groups.iter().map(group).collect())
    }

    /// A broker that deletes all groups but those whose name ends with `busy`.
    fn broker(request: &DeleteGroupsRequest) -> DeleteGroupsResponse {
        let deleted = |group: &GroupId| result(group.clone(), if group.ends_with("busy") { 68 } else { 0 });
        DeleteGroupsResponse::default().with_results(request.groups_names.iter().map(deleted).collect())
    }

    fn flat(response: &DeleteGroupsResponse) -> Vec<(&str, i16)> {
        response.results.iter().map(|r| (r.group_id.as_str(), r.error_code)).collect()
    }

    #[test]
    fn own_groups_are_deleted_once_and_impossible_ones_refused_at_every_version() {
        for version in DeleteGroups.versions().iter() {
            let asked = delete(&["billing", "", "busy", "billing"]);
            let (sent, got) = Bench::new().exchange(&DeleteGroups, version, &asked, broker);
            let prefix = testing::prefix("partner");
            let upstream: Vec<_> = sent[0].groups_names.iter().map(|group| group.as_str()).collect();
            assert_eq!(upstream, [prefix.group("billing").unwrap(), prefix.group("busy").unwrap()]);
            assert_eq!(flat(&got), [("", 24), ("billing", 0), ("busy", 68)]);
        }
    }

    #[test]
    fn a_deleted_group_may_use_the_other_twin_and_a_busy_one_may_not() {
        let bench = Bench::over(testing::TWIN_ZONE);
        for group in ["billing", "busy"] {
            use_alias(&bench, group, "first");
        }
        bench.exchange(&DeleteGroups, 2, &delete(&["billing", "busy"]), broker);
        let second = bench.zone.by_name("second").unwrap();
        assert!(bench.zone.may_use("billing", second));
        assert!(!bench.zone.may_use("busy", second));
    }

    #[test]
    fn nothing_to_delete_stays_here() {
        for version in DeleteGroups.versions().iter() {
            let got: DeleteGroupsResponse = Bench::new().answer(&DeleteGroups, version, &delete(&[]));
            assert!(got.results.is_empty());
            let got: DeleteGroupsResponse = Bench::new().answer(&DeleteGroups, version, &delete(&[""]));
            assert_eq!(flat(&got), [("", 24)]);
        }
    }

    #[test]
    fn a_policy_without_deleting_refuses_every_group() {
        for version in DeleteGroups.versions().iter() {
            let request = request_of(version, &delete(&["billing", "", "billing"]));
            let Outcome::Answer(frame) = ask_without_deleting(&DeleteGroups, &request) else {
                panic!("went upstream");
            };
            let refused =
                ["billing", ""].map(|group| result(GroupId(StrBytes::from_static_str(group)), 30)).into();
            let expected = encoded(version, &DeleteGroupsResponse::default().with_results(refused));
            assert!(frame.joined().ends_with(&expected), "version {version}");
        }
    }
}
