//! OffsetDelete (47): committed offsets of own groups on own topics, if the policy lets partners delete.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{GroupId, OffsetDeleteRequest, OffsetDeleteResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::{backing_name, topic_name};
use super::own_groups::may_delete;
use super::{Rule, answer, forward};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct OffsetDelete;

impl Rule for OffsetDelete {
    fn key(&self) -> ApiKey {
        ApiKey::OffsetDelete
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 0)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: OffsetDeleteRequest = codec::decode(request.version, &request.body)?;
        let group = asked.group_id.to_string();
        let upstream = match may_delete(context) {
            true => context.group(&group),
            false => Err(ErrorCode::GROUP_AUTHORIZATION_FAILED),
        };
        match upstream {
            Ok(upstream) => asked.group_id = GroupId(StrBytes::from_string(upstream)),
            Err(error) => {
                return answer(request, &OffsetDeleteResponse::default().with_error_code(error.0));
            }
        }
        let plan = Plan::of(context.zone, &group, std::mem::take(&mut asked.topics));
        if plan.upstream.is_empty() && !plan.refused.is_empty() {
            return answer(request, &OffsetDeleteResponse::default().with_topics(plan.refused));
        }
        let Plan { upstream, names, refused } = plan;
        asked.topics = upstream;
        forward(context, request, &asked, move |mut response: OffsetDeleteResponse, context| {
            let answered = std::mem::take(&mut response.topics);
            // An error of the group stands alone, as it does in a broker's answer.
            if response.error_code == ErrorCode::NONE.0 {
                let own = answered.into_iter().filter_map(|topic| {
                    let granted = names.get(&topic.name)?;
                    Some(shown(topic, granted, context))
                });
                response.topics = own.chain(refused).collect();
            }
            response
        })
    }
}

/// What goes upstream, and what is refused here.
#[derive(Default)]
struct Plan {
    upstream: Vec<OffsetDeleteRequestTopic>,
    /// The grant behind each name that goes upstream.
    names: HashMap<TopicName, Granted>,
    refused: Vec<OffsetDeleteResponseTopic>,
}

impl Plan {
    fn of(zone: &ZoneView, group: &str, asked: Vec<OffsetDeleteRequestTopic>) -> Self {
        let mut plan = Self::default();
        for (name, partitions) in merged(asked) {
            let granted = zone.by_name(&name).filter(|granted| zone.may_use(group, granted));
            // Of two twins that the group never used, it is the first that is meant.
            match granted.filter(|granted| !plan.names.contains_key(&backing_name(granted))) {
                None => plan.refused.push(refusal(name, partitions)),
                Some(granted) => {
                    let partition = |at| OffsetDeleteRequestPartition::default().with_partition_index(at);
                    let topic = OffsetDeleteRequestTopic::default()
                        .with_name(backing_name(granted))
                        .with_partitions(partitions.into_iter().map(partition).collect());
                    plan.names.insert(topic.name.clone(), granted.clone());
                    plan.upstream.push(topic);
                }
            }
        }
        plan
    }
}

/// Each topic and each partition once, however often it is named.
fn merged(asked: Vec<OffsetDeleteRequestTopic>) -> BTreeMap<TopicName, BTreeSet<i32>> {
    let mut topics: BTreeMap<TopicName, BTreeSet<i32>> = BTreeMap::new();
    for topic in asked {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        topics.entry(topic.name).or_default().extend(partitions);
    }
    topics
}

fn shown(
    mut topic: OffsetDeleteResponseTopic,
    granted: &Granted,
    context: &ReplyContext<'_>,
) -> OffsetDeleteResponseTopic {
    topic.name = topic_name(&granted.alias);
    if !context.zone.is_some_and(|zone| zone.still_shows(granted)) {
        for partition in &mut topic.partitions {
            partition.error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
        }
    }
    topic
}

fn refusal(name: TopicName, partitions: BTreeSet<i32>) -> OffsetDeleteResponseTopic {
    let partition = |at| {
        OffsetDeleteResponsePartition::default()
            .with_partition_index(at)
            .with_error_code(ErrorCode::TOPIC_AUTHORIZATION_FAILED.0)
    };
    OffsetDeleteResponseTopic::default()
        .with_name(name)
        .with_partitions(partitions.into_iter().map(partition).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::own_groups::tests::{ask_without_deleting, use_alias};
    use crate::testing::{self, Bench, encoded, request_of};

    fn delete(group: &str, topics: &[(&str, i32)]) -> OffsetDeleteRequest {
        let topic = |(name, partition): &(&str, i32)| {
            OffsetDeleteRequestTopic::default()
                .with_name(TopicName(StrBytes::from_string((*name).to_owned())))
                .with_partitions(vec![
                    OffsetDeleteRequestPartition::default().with_partition_index(*partition),
                ])
        };
        OffsetDeleteRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
            .with_topics(topics.iter().map(topic).collect())
    }

    fn broker(request: &OffsetDeleteRequest) -> OffsetDeleteResponse {
        let partition = |p: &OffsetDeleteRequestPartition| {
            OffsetDeleteResponsePartition::default().with_partition_index(p.partition_index)
        };
        let topic = |topic: &OffsetDeleteRequestTopic| {
            OffsetDeleteResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(topic.partitions.iter().map(partition).collect())
        };
        OffsetDeleteResponse::default().with_topics(request.topics.iter().map(topic).collect())
    }

    fn flat(response: &OffsetDeleteResponse) -> Vec<(&str, i32, i16)> {
        let topics = response.topics.iter();
        topics
            .flat_map(|topic| {
                topic.partitions.iter().map(|p| (topic.name.as_str(), p.partition_index, p.error_code))
            })
            .collect()
    }

    #[test]
    fn own_topics_cross_under_their_backing_name_and_doubles_are_merged() {
        let asked = delete(
            "billing",
            &[("orders", 1), (testing::HIDDEN_TOPIC, 0), ("orders", 0), ("orders", 1), ("nonsense", 0)],
        );
        let (sent, got) = Bench::new().exchange(&OffsetDelete, 0, &asked, broker);
        assert_eq!(sent[0].group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
        let upstream: Vec<_> = sent[0].topics.iter().map(|t| (t.name.as_str(), t.partitions.len())).collect();
        assert_eq!(upstream, [(testing::ORDERS_BACKING, 2)]);
        assert_eq!(
            flat(&got),
            [("orders", 0, 0), ("orders", 1, 0), (testing::HIDDEN_TOPIC, 0, 29), ("nonsense", 0, 29)]
        );
    }

    #[test]
    fn foreign_topics_alone_and_empty_groups_stay_here() {
        for name in [testing::HIDDEN_TOPIC, testing::ORDERS_BACKING, "nonsense"] {
            let got: OffsetDeleteResponse = Bench::new().answer(&OffsetDelete, 0, &delete("g", &[(name, 0)]));
            assert_eq!((got.error_code, flat(&got)), (0, vec![(name, 0, 29)]));
        }
        let got: OffsetDeleteResponse = Bench::new().answer(&OffsetDelete, 0, &delete("", &[("orders", 0)]));
        assert_eq!((got.error_code, got.topics.len()), (24, 0));
    }

    #[test]
    fn an_error_of_the_group_stands_alone() {
        let broker = |_: &OffsetDeleteRequest| OffsetDeleteResponse::default().with_error_code(69);
        for topics in [&[("orders", 0), ("nonsense", 0)][..], &[]] {
            let (_, got) = Bench::new().exchange(&OffsetDelete, 0, &delete("g", topics), broker);
            assert_eq!((got.error_code, got.topics.len()), (69, 0));
        }
    }

    #[test]
    fn of_twins_the_one_that_the_group_uses_is_meant() {
        let bench = Bench::over(testing::TWIN_ZONE);
        let both = delete("g", &[("first", 0), ("second", 1)]);
        let (sent, got) = bench.exchange(&OffsetDelete, 0, &both, broker);
        assert_eq!((sent[0].topics.len(), flat(&got)), (1, vec![("first", 0, 0), ("second", 1, 29)]));
        use_alias(&bench, "g", "second");
        let (_, got) = bench.exchange(&OffsetDelete, 0, &both, broker);
        assert_eq!(flat(&got), [("second", 1, 0), ("first", 0, 29)]);
    }

    #[test]
    fn an_alias_revoked_meanwhile_is_refused() {
        let asked = delete("g", &[("orders", 0)]);
        let (_, got) = Bench::new().exchange_seen_by(&OffsetDelete, 0, &asked, broker, None);
        assert_eq!(flat(&got), [("orders", 0, 29)]);
    }

    #[test]
    fn a_policy_without_deleting_refuses_the_group() {
        let request = request_of(0, &delete("billing", &[("orders", 0)]));
        let Outcome::Answer(frame) = ask_without_deleting(&OffsetDelete, &request) else {
            panic!("went upstream");
        };
        let expected = encoded(0, &OffsetDeleteResponse::default().with_error_code(30));
        assert!(frame.joined().ends_with(&expected));
    }
}
