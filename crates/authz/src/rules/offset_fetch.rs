//! OffsetFetch (9): committed offsets of own groups on own topics.
//!
//! Up to version 7 one group is asked in fields of the request itself, from 8 on several groups in a list
//! (KIP-709); both are turned into the list here and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::{backing_name, topic_name};
use super::{Rule, answer, forward};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct OffsetFetch;

const TOP_LEVEL_ERROR_SINCE: i16 = 2;
const LEADER_EPOCH_SINCE: i16 = 5;
const GROUPS_SINCE: i16 = 8;

impl Rule for OffsetFetch {
    fn key(&self) -> ApiKey {
        ApiKey::OffsetFetch
    }

    /// By name only: version 10 names topics by id and is not stable in any released broker.
    fn versions(&self) -> Versions {
        Versions::new(1, 9)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let version = request.version;
        let asked: OffsetFetchRequest = codec::decode(version, &request.body)?;
        let require_stable = asked.require_stable;
        let mut plans: Vec<GroupPlan> = Vec::new();
        for group in groups(asked, version) {
            // A group named twice is answered once, as a broker does.
            if !plans.iter().any(|plan| plan.group == *group.group_id) {
                plans.push(GroupPlan::of(context.zone, group, version));
            }
        }
        for plan in &plans {
            plan.note_refused(context);
        }
        let upstream: Vec<_> = plans.iter().filter_map(|plan| plan.upstream().cloned()).collect();
        if upstream.is_empty() {
            let refused = plans.into_iter().map(|plan| plan.shown(None)).collect();
            return answer(request, &response(refused, version, 0));
        }
        let upstream = ask(upstream, version, require_stable);
        let zone = Arc::clone(context.zone);
        forward(context, request, &upstream, move |upstream: OffsetFetchResponse, context| {
            let throttle = upstream.throttle_time_ms;
            let mut found = answered(upstream, version);
            let shown = plans
                .into_iter()
                .map(|plan| {
                    let at = found.iter().position(|group| version < GROUPS_SINCE || plan.is(group));
                    let mut group = at.map(|at| found.swap_remove(at));
                    if let Some(group) = &mut group {
                        rename(group, &plan, &zone, context);
                    }
                    plan.shown(group)
                })
                .collect();
            response(shown, version, throttle)
        })
    }
}

/// One group: what goes upstream, and what is answered here.
struct GroupPlan {
    group: StrBytes,
    asked: Asked,
    /// The grant behind each name that goes upstream; none when all topics are asked for.
    named: HashMap<TopicName, Granted>,
    refused: Vec<OffsetFetchResponseTopics>,
}

enum Asked {
    /// The group, or all its topics when it names none.
    Upstream(OffsetFetchRequestGroup),
    /// Only topics that are refused here.
    Nothing,
    /// The group itself is refused.
    Refused(ErrorCode),
}

impl GroupPlan {
    fn note_refused(&self, context: &RequestContext<'_>) {
        match &self.asked {
            Asked::Refused(error) => context.refused(*error, &self.group),
            _ => {
                let refused = self.refused.iter();
                refused.for_each(|topic| context.refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED, &topic.name));
            }
        }
    }

    fn of(zone: &ZoneView, mut asked: OffsetFetchRequestGroup, version: i16) -> Self {
        let group = asked.group_id.0.clone();
        let mut plan =
            Self { group: group.clone(), asked: Asked::Nothing, named: HashMap::new(), refused: Vec::new() };
        let topics = asked.topics.take();
        let upstream = match zone.prefix().group(&group) {
            Ok(upstream) => upstream,
            Err(error) => {
                plan.refuse_group(topics.unwrap_or_default(), error, version);
                return plan;
            }
        };
        let only_refused = topics.as_ref().is_some_and(|topics| !topics.is_empty());
        let kept = topics.map(|topics| plan.keep(zone, topics));
        if kept.as_ref().is_none_or(|kept| !kept.is_empty() || !only_refused) {
            asked.group_id = GroupId(StrBytes::from_string(upstream));
            asked.topics = kept;
            plan.asked = Asked::Upstream(asked);
        }
        plan
    }

    /// The topics that the group may ask for, each once; the others are refused.
    fn keep(
        &mut self,
        zone: &ZoneView,
        topics: Vec<OffsetFetchRequestTopics>,
    ) -> Vec<OffsetFetchRequestTopics> {
        let mut kept: Vec<OffsetFetchRequestTopics> = Vec::new();
        for mut topic in topics {
            let granted = zone.by_name(&topic.name).filter(|granted| zone.may_use(&self.group, granted));
            // Of two aliases that the group has not used yet, the first that it names is meant.
            let granted = granted.filter(|granted| {
                let named = self.named.get(&backing_name(granted));
                named.is_none_or(|named| named.alias == granted.alias)
            });
            let Some(granted) = granted else {
                self.refused.push(refusal(&topic, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
                continue;
            };
            topic.name = backing_name(granted);
            self.named.insert(topic.name.clone(), granted.clone());
            match kept.iter_mut().find(|other| other.name == topic.name) {
                Some(same) => same.partition_indexes.extend(topic.partition_indexes),
                None => kept.push(topic),
            }
        }
        for topic in &mut kept {
            let mut seen = HashSet::new();
            topic.partition_indexes.retain(|index| seen.insert(*index));
        }
        kept
    }

    /// Version 1 has no other place for an error of the group than its partitions; later ones name none then.
    fn refuse_group(&mut self, topics: Vec<OffsetFetchRequestTopics>, error: ErrorCode, version: i16) {
        self.asked = Asked::Refused(error);
        if version < TOP_LEVEL_ERROR_SINCE {
            self.refused = topics.iter().map(|topic| refusal(topic, error)).collect();
        }
    }

    fn upstream(&self) -> Option<&OffsetFetchRequestGroup> {
        match &self.asked {
            Asked::Upstream(group) => Some(group),
            Asked::Nothing | Asked::Refused(_) => None,
        }
    }

    fn is(&self, answered: &OffsetFetchResponseGroup) -> bool {
        self.upstream().is_some_and(|upstream| upstream.group_id == answered.group_id)
    }

    fn all_topics(&self) -> bool {
        self.upstream().is_some_and(|upstream| upstream.topics.is_none())
    }

    /// The grant under which the group asked for a topic, or uses it.
    fn granted<'a>(&'a self, zone: &'a ZoneView, backing: &TopicName) -> Option<&'a Granted> {
        if !self.all_topics() {
            return self.named.get(backing);
        }
        zone.alias_in_group(&self.group, backing).and_then(|alias| zone.by_name(alias.as_str()))
    }

    /// The group as the partner sees it; `None` when the broker said nothing of it.
    fn shown(self, answered: Option<OffsetFetchResponseGroup>) -> OffsetFetchResponseGroup {
        let mut shown = answered.unwrap_or_default();
        if let Asked::Refused(error) = self.asked {
            shown.error_code = error.0;
        }
        shown.group_id = GroupId(self.group);
        shown.topics.extend(self.refused);
        shown
    }
}

/// Backing names become aliases. What the zone does not show any more is refused where it was asked for by name, and
/// disappears from the list of all topics.
fn rename(
    group: &mut OffsetFetchResponseGroup,
    plan: &GroupPlan,
    asked: &ZoneView,
    context: &ReplyContext<'_>,
) {
    group.topics.retain_mut(|topic| {
        let Some(granted) = plan.granted(asked, &topic.name) else { return false };
        topic.name = topic_name(&granted.alias);
        let shown = context.zone.is_some_and(|zone| zone.still_shows(granted));
        if !shown {
            topic.partitions.iter_mut().for_each(forget);
        }
        shown || !plan.all_topics()
    });
}

fn forget(partition: &mut OffsetFetchResponsePartitions) {
    *partition = OffsetFetchResponsePartitions::default()
        .with_partition_index(partition.partition_index)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::new()))
        .with_error_code(ErrorCode::TOPIC_AUTHORIZATION_FAILED.0);
}

fn refusal(topic: &OffsetFetchRequestTopics, error: ErrorCode) -> OffsetFetchResponseTopics {
    let partition = |index| {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(index)
            .with_committed_offset(-1)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::new()))
            .with_error_code(error.0)
    };
    OffsetFetchResponseTopics::default()
        .with_name(topic.name.clone())
        .with_partitions(topic.partition_indexes.iter().copied().map(partition).collect())
}

/// The groups of a request of any version.
fn groups(asked: OffsetFetchRequest, version: i16) -> Vec<OffsetFetchRequestGroup> {
    if version >= GROUPS_SINCE {
        return asked.groups;
    }
    let topic = |topic: OffsetFetchRequestTopic| {
        OffsetFetchRequestTopics::default()
            .with_name(topic.name)
            .with_partition_indexes(topic.partition_indexes)
    };
    let topics = asked.topics.map(|topics| topics.into_iter().map(topic).collect());
    vec![OffsetFetchRequestGroup::default().with_group_id(asked.group_id).with_topics(topics)]
}

fn ask(groups: Vec<OffsetFetchRequestGroup>, version: i16, require_stable: bool) -> OffsetFetchRequest {
    let request = OffsetFetchRequest::default().with_require_stable(require_stable);
    if version >= GROUPS_SINCE {
        return request.with_groups(groups);
    }
    let only = groups.into_iter().next().unwrap_or_default();
    let topic = |topic: OffsetFetchRequestTopics| {
        OffsetFetchRequestTopic::default()
            .with_name(topic.name)
            .with_partition_indexes(topic.partition_indexes)
    };
    let topics = only.topics.map(|topics| topics.into_iter().map(topic).collect());
    request.with_group_id(only.group_id).with_topics(topics)
}

/// The groups of an answer of any version.
fn answered(response: OffsetFetchResponse, version: i16) -> Vec<OffsetFetchResponseGroup> {
    if version >= GROUPS_SINCE {
        return response.groups;
    }
    let partition = |p: OffsetFetchResponsePartition| {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(p.partition_index)
            .with_committed_offset(p.committed_offset)
            .with_committed_leader_epoch(p.committed_leader_epoch)
            .with_metadata(p.metadata)
            .with_error_code(p.error_code)
    };
    let topic = |topic: OffsetFetchResponseTopic| {
        OffsetFetchResponseTopics::default()
            .with_name(topic.name)
            .with_partitions(topic.partitions.into_iter().map(partition).collect())
    };
    let topics = response.topics.into_iter().map(topic).collect();
    vec![OffsetFetchResponseGroup::default().with_error_code(response.error_code).with_topics(topics)]
}

fn response(groups: Vec<OffsetFetchResponseGroup>, version: i16, throttle: i32) -> OffsetFetchResponse {
    let response =
        OffsetFetchResponse::default().with_throttle_time_ms(if version >= 3 { throttle } else { 0 });
    if version >= GROUPS_SINCE {
        return response.with_groups(groups);
    }
    let only = groups.into_iter().next().unwrap_or_default();
    let error = only.error_code;
    let topics = only.topics.into_iter().map(|topic| old_topic(topic, error, version)).collect();
    response.with_topics(topics).with_error_code(if version >= TOP_LEVEL_ERROR_SINCE { error } else { 0 })
}

/// Version 1 has no place for an error of the whole group: each partition carries it.
fn old_topic(topic: OffsetFetchResponseTopics, group_error: i16, version: i16) -> OffsetFetchResponseTopic {
    let partition = |p: OffsetFetchResponsePartitions| {
        let spread = version < TOP_LEVEL_ERROR_SINCE && group_error != 0;
        OffsetFetchResponsePartition::default()
            .with_partition_index(p.partition_index)
            .with_committed_offset(p.committed_offset)
            .with_committed_leader_epoch(if version >= LEADER_EPOCH_SINCE {
                p.committed_leader_epoch
            } else {
                -1
            })
            .with_metadata(p.metadata)
            .with_error_code(if spread { group_error } else { p.error_code })
    };
    OffsetFetchResponseTopic::default()
        .with_name(topic.name)
        .with_partitions(topic.partitions.into_iter().map(partition).collect())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;

    use super::*;
    use crate::testing::{self, Bench};

    fn fetch(version: i16, group: &str, topics: Option<&[&str]>) -> OffsetFetchRequest {
        let topics = topics.map(|topics| {
            let topic = |name: &&str| {
                OffsetFetchRequestTopics::default()
                    .with_name(TopicName(StrBytes::from_string((*name).to_owned())))
                    .with_partition_indexes(vec![0])
            };
            topics.iter().map(topic).collect()
        });
        let group = GroupId(StrBytes::from_string(group.to_owned()));
        ask(vec![OffsetFetchRequestGroup::default().with_group_id(group).with_topics(topics)], version, false)
    }

    /// A broker that has offset 7 for what is asked, and for two topics when all are.
    fn broker(version: i16) -> impl FnMut(&OffsetFetchRequest) -> OffsetFetchResponse {
        move |request| {
            let answer = |group: OffsetFetchRequestGroup| {
                let all = || vec![testing::ORDERS_BACKING.to_owned(), testing::HIDDEN_TOPIC.to_owned()];
                let names = group.topics.map_or_else(all, |t| t.iter().map(|t| t.name.to_string()).collect());
                let topic = |name: String| {
                    OffsetFetchResponseTopics::default()
                        .with_name(TopicName(StrBytes::from_string(name)))
                        .with_partitions(vec![
                            OffsetFetchResponsePartitions::default().with_committed_offset(7),
                        ])
                };
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id)
                    .with_topics(names.into_iter().map(topic).collect())
            };
            response(groups(request.clone(), version).into_iter().map(answer).collect(), version, 0)
        }
    }

    fn flat(version: i16, response: OffsetFetchResponse) -> Vec<(String, i64, i16)> {
        let groups = answered(response, version).into_iter();
        groups
            .flat_map(|group| group.topics)
            .flat_map(|t| {
                let name = t.name.to_string();
                t.partitions.into_iter().map(move |p| (name.clone(), p.committed_offset, p.error_code))
            })
            .collect()
    }

    #[test]
    fn own_offsets_are_shown_under_the_alias_and_foreign_names_refused() {
        for version in OffsetFetch.versions().iter() {
            let asked = fetch(version, "billing", Some(&["orders", testing::HIDDEN_TOPIC]));
            let (sent, got) = Bench::new().exchange(&OffsetFetch, version, &asked, broker(version));
            let sent = groups(sent[0].clone(), version);
            assert_eq!(sent[0].group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
            assert_eq!(sent[0].topics.as_ref().unwrap().len(), 1);
            if version >= GROUPS_SINCE {
                assert_eq!(got.groups[0].group_id.as_str(), "billing");
            }
            let expected = [("orders".to_owned(), 7, 0), (testing::HIDDEN_TOPIC.to_owned(), -1, 29)];
            assert_eq!(flat(version, got), expected, "version {version}");
        }
    }

    #[test]
    fn all_topics_of_a_group_are_those_of_the_zone() {
        for version in 2..=9 {
            let (_, got) =
                Bench::new().exchange(&OffsetFetch, version, &fetch(version, "g", None), broker(version));
            assert_eq!(flat(version, got), [("orders".to_owned(), 7, 0)]);
        }
    }

    #[test]
    fn an_empty_group_is_refused_where_its_version_has_room_for_it() {
        for version in OffsetFetch.versions().iter() {
            let got: OffsetFetchResponse =
                Bench::new().answer(&OffsetFetch, version, &fetch(version, "", Some(&["nonsense"])));
            let error = match version {
                1 => got.topics[0].partitions[0].error_code,
                2..GROUPS_SINCE => got.error_code,
                _ => got.groups[0].error_code,
            };
            assert_eq!(error, 24, "version {version}");
        }
    }

    #[test]
    fn version_one_tells_the_error_of_a_group_on_each_partition() {
        let got: OffsetFetchResponse = Bench::new().answer(&OffsetFetch, 1, &fetch(1, "", Some(&["orders"])));
        assert_eq!(flat(1, got), [("orders".to_owned(), -1, 24)]);
    }

    #[test]
    fn an_alias_revoked_meanwhile_is_refused_and_its_offset_not_shown() {
        for version in OffsetFetch.versions().iter() {
            let asked = fetch(version, "g", Some(&["orders"]));
            let (_, got) =
                Bench::new().exchange_seen_by(&OffsetFetch, version, &asked, broker(version), None);
            assert_eq!(flat(version, got), [("orders".to_owned(), -1, 29)]);
        }
    }

    #[test]
    fn several_groups_are_asked_at_once_and_each_keeps_its_name() {
        let mut asked = fetch(8, "a", Some(&["orders"]));
        asked.groups.extend(fetch(8, "b", Some(&["prices"])).groups);
        asked.groups.extend(fetch(8, "a", Some(&["orders"])).groups);
        let (sent, got) = Bench::new().exchange(&OffsetFetch, 8, &asked, broker(8));
        assert_eq!(sent[0].groups.len(), 2);
        let names: Vec<_> =
            got.groups.iter().map(|g| (g.group_id.as_str(), g.topics[0].name.as_str())).collect();
        assert_eq!(names, [("a", "orders"), ("b", "prices")]);
    }
}
