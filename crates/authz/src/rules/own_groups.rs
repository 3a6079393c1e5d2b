//! What the rules that list, describe and delete groups have in common.

use std::collections::{HashMap, HashSet};

use kafka_protocol::messages::GroupId;
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::error_code::ErrorCode;

use crate::context::RequestContext;
use crate::groups::Prefix;

/// The host of every member: the real one is the gateway's own, which is no business of partners. In Kafka's form.
pub(super) const CLIENT_HOST: StrBytes = StrBytes::from_static_str("/0.0.0.0");

const OPERATION_READ: i32 = 1 << 3;
const OPERATION_DELETE: i32 = 1 << 6;
const OPERATION_DESCRIBE: i32 = 1 << 8;

/// The groups of a request, sorted by whether the partner may have them at all. A group named twice counts once.
pub(super) struct OwnGroups {
    /// The partner's name of each group, by the cluster's.
    names: HashMap<String, GroupId>,
    upstream: Vec<GroupId>,
    refused: Vec<(GroupId, ErrorCode)>,
}

impl OwnGroups {
    /// Those that can be the partner's, and the others with their error.
    pub(super) fn of(prefix: &Prefix, asked: Vec<GroupId>) -> Self {
        Self::sorted(asked, |group| prefix.group(group))
    }

    /// None, for one and the same error.
    pub(super) fn none(asked: Vec<GroupId>, error: ErrorCode) -> Self {
        Self::sorted(asked, |_| Err(error))
    }

    fn sorted(asked: Vec<GroupId>, map: impl Fn(&str) -> Result<String, ErrorCode>) -> Self {
        let mut own = Self { names: HashMap::new(), upstream: Vec::new(), refused: Vec::new() };
        let mut seen = HashSet::new();
        for group in asked {
            if !seen.insert(group.clone()) {
                continue;
            }
            match map(&group) {
                Err(error) => own.refused.push((group, error)),
                Ok(upstream) => {
                    own.upstream.push(GroupId(StrBytes::from_string(upstream.clone())));
                    own.names.insert(upstream, group);
                }
            }
        }
        own
    }

    /// The groups to ask for.
    pub(super) fn upstream(&self) -> &[GroupId] {
        &self.upstream
    }

    /// The partner's name of a group in an answer; `None` when it was not asked for.
    pub(super) fn name(&self, upstream: &str) -> Option<&GroupId> {
        self.names.get(upstream)
    }

    /// The groups that are answered here, each with its error.
    pub(super) fn refused(&self) -> impl Iterator<Item = (GroupId, ErrorCode)> {
        self.refused.iter().cloned()
    }
}

/// Whether the partner may delete its groups and their offsets: the one place that decides it. A share never may.
pub(super) fn may_delete(context: &RequestContext<'_>) -> bool {
    context.policy.delete_groups && !context.zone.prefix().is_share()
}

/// What the partner may do with each of its groups, as Kafka's bits (KIP-430).
pub(super) fn operations(context: &RequestContext<'_>) -> i32 {
    let delete = if may_delete(context) { OPERATION_DELETE } else { 0 };
    OPERATION_READ | OPERATION_DESCRIBE | delete
}

/// The partner's own client id in one that went upstream; empty when it is not of this zone.
pub(super) fn shown_client_id(prefix: &Prefix, upstream: &str) -> StrBytes {
    let own = upstream.strip_prefix(prefix.tag()).and_then(|rest| rest.strip_prefix('/'));
    StrBytes::from_string(own.unwrap_or_default().to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use kafka_protocol::messages::offset_commit_request::{
        OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    };
    use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, TopicName};
    use tidegate_wire::header::Request;

    use super::*;
    use crate::outcome::Outcome;
    use crate::rules::Rule;
    use crate::rules::offset_commit::OffsetCommit;
    use crate::testing::{self, Bench};

    /// Lets a group use an alias as clients do, with a commit.
    pub(in crate::rules) fn use_alias(bench: &Bench, group: &'static str, alias: &'static str) {
        let alias = TopicName(StrBytes::from_static_str(alias));
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str(group)))
            .with_topics(vec![
                OffsetCommitRequestTopic::default()
                    .with_name(alias)
                    .with_partitions(vec![OffsetCommitRequestPartition::default()]),
            ]);
        bench.exchange(&OffsetCommit, 9, &request, |_| OffsetCommitResponse::default());
    }

    /// What becomes of a request when the policy lets no partner delete.
    pub(in crate::rules) fn ask_without_deleting(rule: &dyn Rule, request: &Request) -> Outcome {
        let mut bench = Bench::new();
        bench.policy.delete_groups = false;
        bench.ask(rule, request)
    }

    fn group(name: &str) -> GroupId {
        GroupId(StrBytes::from_string(name.to_owned()))
    }

    #[test]
    fn groups_are_asked_for_once_and_impossible_ones_refused() {
        let prefix = testing::prefix("partner");
        let own = OwnGroups::of(&prefix, ["a", "", "b", "a", ""].map(group).into());
        let [a, b] = ["a", "b"].map(|name| prefix.group(name).unwrap());
        assert_eq!(own.upstream(), [group(&a), group(&b)]);
        assert_eq!(own.name(&b), Some(&group("b")));
        assert_eq!(own.name("b"), None);
        assert_eq!(own.refused().collect::<Vec<_>>(), [(group(""), ErrorCode::INVALID_GROUP_ID)]);
    }

    #[test]
    fn a_client_id_loses_the_tag_and_a_foreign_one_is_not_shown() {
        let prefix = testing::prefix("partner");
        assert_eq!(&*shown_client_id(&prefix, &format!("{}/app/1", prefix.tag())), "app/1");
        assert_eq!(&*shown_client_id(&prefix, "payroll-batch"), "");
        assert_eq!(&*shown_client_id(&prefix, &format!("{}x/app", prefix.tag())), "");
    }
}
