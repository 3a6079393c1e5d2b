//! OffsetCommit (8): offsets of own groups on own topics; READ is enough.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest, OffsetCommitResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::commits::Commits;
use super::layers::{LayerTopic, backing_name};
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, Question, RuleError};

/// The rule.
pub struct OffsetCommit;

/// First version that tells the client to be silent.
const THROTTLE_SINCE: i16 = 3;

impl Rule for OffsetCommit {
    fn key(&self) -> ApiKey {
        ApiKey::OffsetCommit
    }

    /// By name only: version 10 names topics by id and is not stable in any released broker.
    fn versions(&self) -> Versions {
        Versions::new(2, 9)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: OffsetCommitRequest = codec::decode(request.version, &request.body)?;
        let group = asked.group_id.to_string();
        let topics =
            std::mem::take(&mut asked.topics).into_iter().map(|topic| (topic.name, topic.partitions));
        match context.group(&group) {
            Ok(_) if !context.admits_group(&group) => {
                let refused = refusals(&Commits::none(topics, index, ErrorCode::INVALID_GROUP_ID));
                return refuse(context, request, refused);
            }
            Ok(upstream) => asked.group_id = GroupId(StrBytes::from_string(upstream)),
            Err(error) => {
                return refuse(context, request, refusals(&Commits::none(topics, index, error)));
            }
        }
        let mut commits = Commits::of(context.zone, topics, index);
        commits.refused.iter().for_each(|refused| context.refused(refused.error, &refused.topic));
        let facts = commits.bind(context, &group);
        if !facts.is_empty() {
            return Ok(Outcome::Ask(Question::Keep(facts)));
        }
        let (names, refused) = (commits.names(), refusals(&commits));
        if commits.topics.is_empty() && !refused.is_empty() {
            return refuse(context, request, refused);
        }
        asked.topics = commits.topics.into_iter().map(upstream_topic).collect();
        let version = request.version;
        forward(context, request, &asked, move |mut response: OffsetCommitResponse, context| {
            response.topics.retain_mut(|topic| match names.get(&topic.name) {
                Some(alias) => {
                    topic.name = alias.clone();
                    true
                }
                None => false,
            });
            response.topics.extend(refused);
            if version >= THROTTLE_SINCE {
                response.throttle_time_ms = context.throttle(response.throttle_time_ms);
            }
            response
        })
    }
}

fn refuse(
    context: &RequestContext<'_>,
    request: &Request,
    refused: Vec<OffsetCommitResponseTopic>,
) -> Result<Outcome, RuleError> {
    let throttle_ms = if request.version >= THROTTLE_SINCE { context.throttle_ms } else { 0 };
    let response = OffsetCommitResponse::default().with_throttle_time_ms(throttle_ms).with_topics(refused);
    answer(request, &response)
}

fn index(partition: &OffsetCommitRequestPartition) -> i32 {
    partition.partition_index
}

fn upstream_topic(topic: LayerTopic<OffsetCommitRequestPartition>) -> OffsetCommitRequestTopic {
    OffsetCommitRequestTopic::default()
        .with_name(backing_name(&topic.granted))
        .with_partitions(topic.partitions)
}

fn refusals(commits: &Commits<OffsetCommitRequestPartition>) -> Vec<OffsetCommitResponseTopic> {
    let partition = |(index, error): (i32, ErrorCode)| {
        OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(error.0)
    };
    let topic = |(name, partitions): (TopicName, Vec<_>)| {
        let partitions = partitions.into_iter().map(partition).collect();
        OffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions)
    };
    commits.refused().into_iter().map(topic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Bench};

    fn commit(group: &str, topics: &[&str]) -> OffsetCommitRequest {
        let topic = |name: &&str| {
            OffsetCommitRequestTopic::default()
                .with_name(TopicName(StrBytes::from_string((*name).to_owned())))
                .with_partitions(vec![
                    OffsetCommitRequestPartition::default()
                        .with_partition_index(1)
                        .with_committed_offset(42)
                        .with_committed_metadata(Some(StrBytes::from_static_str("mine"))),
                ])
        };
        OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
            .with_topics(topics.iter().map(topic).collect())
    }

    fn broker(request: &OffsetCommitRequest) -> OffsetCommitResponse {
        let topic = |topic: &OffsetCommitRequestTopic| {
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(vec![OffsetCommitResponsePartition::default().with_partition_index(1)])
        };
        OffsetCommitResponse::default().with_topics(request.topics.iter().map(topic).collect())
    }

    fn flat(response: &OffsetCommitResponse) -> Vec<(&str, i16)> {
        response.topics.iter().map(|t| (t.name.as_str(), t.partitions[0].error_code)).collect()
    }

    #[test]
    fn own_topics_are_committed_under_the_prefixed_group_and_foreign_ones_refused() {
        for version in OffsetCommit.versions().iter() {
            let asked = commit("billing", &["prices", testing::PRICES_BACKING]);
            let (sent, got) = Bench::new().exchange(&OffsetCommit, version, &asked, broker);
            assert_eq!(sent[0].group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
            assert_eq!(sent[0].topics.len(), 1);
            let topic = &sent[0].topics[0];
            assert_eq!(
                (topic.name.as_str(), topic.partitions[0].committed_offset),
                (testing::PRICES_BACKING, 42)
            );
            assert_eq!(topic.partitions[0].committed_metadata.as_deref(), Some("mine"));
            assert_eq!(flat(&got), [("prices", 0), (testing::PRICES_BACKING, 29)]);
        }
    }

    #[test]
    fn a_partition_named_twice_is_never_last_one_wins() {
        for version in OffsetCommit.versions().iter() {
            let mut asked = commit("billing", &["prices", "prices"]);
            asked.topics[1].partitions[0].committed_offset = 7;
            let (sent, got) = Bench::new().exchange(&OffsetCommit, version, &asked, broker);
            assert_eq!((sent[0].topics.len(), sent[0].topics[0].partitions[0].committed_offset), (1, 42));
            assert_eq!(flat(&got), [("prices", 0), ("prices", 42)]);
        }
    }

    #[test]
    fn foreign_names_alone_and_empty_groups_stay_here() {
        for version in OffsetCommit.versions().iter() {
            let got: OffsetCommitResponse =
                Bench::new().answer(&OffsetCommit, version, &commit("g", &[testing::HIDDEN_TOPIC]));
            assert_eq!(flat(&got), [(testing::HIDDEN_TOPIC, 29)]);
            let got: OffsetCommitResponse =
                Bench::new().answer(&OffsetCommit, version, &commit("", &["orders"]));
            assert_eq!(flat(&got), [("orders", 24)]);
        }
    }

    #[test]
    fn a_group_commits_under_one_of_two_twins_only() {
        let bench = Bench::over(testing::TWIN_ZONE);
        let (sent, got) = bench.exchange(&OffsetCommit, 9, &commit("g", &["second", "first"]), broker);
        assert_eq!(sent[0].topics.len(), 1);
        assert_eq!(flat(&got), [("second", 0), ("first", 29)]);
        let (_, got) = bench.exchange(&OffsetCommit, 9, &commit("other", &["first"]), broker);
        assert_eq!(flat(&got), [("first", 0)]);
    }

    #[test]
    fn the_longer_silence_of_zone_and_broker_is_asked_for() {
        let mut bench = Bench::new();
        bench.throttle_ms = 700;
        for version in OffsetCommit.versions().iter() {
            let told = |ms| if version >= THROTTLE_SINCE { ms } else { 0 };
            for (brokers, both) in [(9, 700), (900, 900)] {
                let throttled = |request: &_| broker(request).with_throttle_time_ms(told(brokers));
                let (_, got) = bench.exchange(&OffsetCommit, version, &commit("g", &["orders"]), throttled);
                assert_eq!(got.throttle_time_ms, told(both), "version {version}");
            }
            let got: OffsetCommitResponse = bench.answer(&OffsetCommit, version, &commit("", &["orders"]));
            assert_eq!(got.throttle_time_ms, told(700), "version {version}");
        }
    }

    #[test]
    fn a_group_too_many_is_refused_and_those_in_use_go_on() {
        let mut bench = Bench::new();
        bench.policy.groups_per_zone = 1;
        for version in OffsetCommit.versions().iter() {
            let (_, got) = bench.exchange(&OffsetCommit, version, &commit("g", &["orders"]), broker);
            assert_eq!(flat(&got), [("orders", 0)]);
            let got: OffsetCommitResponse = bench.answer(&OffsetCommit, version, &commit("h", &["orders"]));
            assert_eq!(flat(&got), [("orders", 24)], "version {version}");
        }
    }
}
