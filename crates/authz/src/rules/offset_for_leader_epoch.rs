//! OffsetForLeaderEpoch (23): where an epoch of an own topic ends (KIP-101, KIP-320).

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, TopicName,
};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::{LayerTopic, Layers, Names, RefusedPartition, backing_name, topic_name};
use super::{CLIENT_REPLICA, Rule, answer, forward_each};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct OffsetForLeaderEpoch;

const REPLICA_ID_SINCE: i16 = 3;

impl Rule for OffsetForLeaderEpoch {
    fn key(&self) -> ApiKey {
        ApiKey::OffsetForLeaderEpoch
    }

    fn versions(&self) -> Versions {
        Versions::new(2, 4)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: OffsetForLeaderEpochRequest = codec::decode(request.version, &request.body)?;
        let topics =
            std::mem::take(&mut asked.topics).into_iter().map(|topic| (topic.topic, topic.partitions));
        let Layers { layers, refused } = Layers::of(context.zone, topics, |p| p.partition);
        refused.iter().for_each(|refused| context.refused(refused.error, &refused.topic));
        if request.version >= REPLICA_ID_SINCE {
            asked.replica_id = BrokerId(CLIENT_REPLICA);
        }
        let names = Names::of(&layers);
        let upstream: Vec<_> =
            layers.into_iter().map(|layer| asked.clone().with_topics(upstream_topics(layer))).collect();
        if upstream.is_empty() {
            return answer(request, &OffsetForLeaderEpochResponse::default().with_topics(refusals(&refused)));
        }
        forward_each(
            context,
            request,
            &upstream,
            move |responses: Vec<OffsetForLeaderEpochResponse>, context| {
                Ok(merge(responses, &names, &refused, context))
            },
        )
    }
}

fn upstream_topics(layer: Vec<LayerTopic<OffsetForLeaderPartition>>) -> Vec<OffsetForLeaderTopic> {
    let topic = |topic: LayerTopic<_>| {
        OffsetForLeaderTopic::default()
            .with_topic(backing_name(&topic.granted))
            .with_partitions(topic.partitions)
    };
    layer.into_iter().map(topic).collect()
}

fn merge(
    responses: Vec<OffsetForLeaderEpochResponse>,
    names: &Names,
    refused: &[RefusedPartition],
    context: &ReplyContext<'_>,
) -> OffsetForLeaderEpochResponse {
    let throttle = responses.iter().map(|response| response.throttle_time_ms).max().unwrap_or(0);
    let mut topics = refusals(refused);
    for (layer, response) in responses.into_iter().enumerate() {
        for topic in response.topics {
            let Some(granted) = names.granted(layer, &topic.topic) else { continue };
            topic.partitions.iter().for_each(|partition| context.note(ErrorCode(partition.error_code)));
            let shown = context.zone.is_some_and(|zone| zone.still_shows(granted));
            let partitions = match shown {
                true => topic.partitions,
                false => topic
                    .partitions
                    .iter()
                    .map(|p| refusal(p.partition, ErrorCode::TOPIC_AUTHORIZATION_FAILED))
                    .collect(),
            };
            let name = topic_name(&granted.alias);
            topics.push(OffsetForLeaderTopicResult::default().with_topic(name).with_partitions(partitions));
        }
    }
    OffsetForLeaderEpochResponse::default().with_throttle_time_ms(throttle).with_topics(topics)
}

fn refusals(refused: &[RefusedPartition]) -> Vec<OffsetForLeaderTopicResult> {
    let mut topics: BTreeMap<&TopicName, Vec<EpochEndOffset>> = BTreeMap::new();
    for refused in refused {
        topics.entry(&refused.topic).or_default().push(refusal(refused.partition, refused.error));
    }
    let topic = |(name, partitions): (&TopicName, _)| {
        OffsetForLeaderTopicResult::default().with_topic(name.clone()).with_partitions(partitions)
    };
    topics.into_iter().map(topic).collect()
}

fn refusal(partition: i32, error: ErrorCode) -> EpochEndOffset {
    EpochEndOffset::default().with_partition(partition).with_error_code(error.0)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::testing::{self, Bench};

    fn topic(name: &str, partitions: &[i32]) -> OffsetForLeaderTopic {
        let partition = |index: &i32| {
            OffsetForLeaderPartition::default()
                .with_partition(*index)
                .with_leader_epoch(5)
                .with_current_leader_epoch(5)
        };
        OffsetForLeaderTopic::default()
            .with_topic(TopicName(StrBytes::from_string(name.to_owned())))
            .with_partitions(partitions.iter().map(partition).collect())
    }

    fn broker(request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
        let partition = |p: &OffsetForLeaderPartition| {
            EpochEndOffset::default()
                .with_partition(p.partition)
                .with_leader_epoch(p.leader_epoch)
                .with_end_offset(50)
        };
        let topic = |topic: &OffsetForLeaderTopic| {
            OffsetForLeaderTopicResult::default()
                .with_topic(topic.topic.clone())
                .with_partitions(topic.partitions.iter().map(partition).collect())
        };
        OffsetForLeaderEpochResponse::default().with_topics(request.topics.iter().map(topic).collect())
    }

    fn flat(response: &OffsetForLeaderEpochResponse) -> Vec<(&str, i32, i16, i64)> {
        let topics = response.topics.iter();
        topics
            .flat_map(|t| {
                t.partitions.iter().map(|p| (t.topic.as_str(), p.partition, p.error_code, p.end_offset))
            })
            .collect()
    }

    #[test]
    fn own_topics_are_asked_as_a_client_and_foreign_ones_refused_here() {
        for version in OffsetForLeaderEpoch.versions().iter() {
            let mut asked = OffsetForLeaderEpochRequest::default()
                .with_topics(vec![topic("prices", &[1]), topic(testing::HIDDEN_TOPIC, &[0])]);
            if version >= REPLICA_ID_SINCE {
                asked.replica_id = BrokerId(2);
            }
            let (sent, got) = Bench::new().exchange(&OffsetForLeaderEpoch, version, &asked, broker);
            assert_eq!(sent[0].topics.len(), 1);
            assert_eq!(sent[0].topics[0].topic.as_str(), testing::PRICES_BACKING);
            if version >= REPLICA_ID_SINCE {
                assert_eq!(sent[0].replica_id.0, -1);
            }
            assert_eq!(flat(&got), [(testing::HIDDEN_TOPIC, 0, 29, -1), ("prices", 1, 0, 50)]);
        }
    }

    #[test]
    fn foreign_names_alone_stay_here() {
        for version in OffsetForLeaderEpoch.versions().iter() {
            let asked = OffsetForLeaderEpochRequest::default()
                .with_topics(vec![topic(testing::PRICES_BACKING, &[0])]);
            let got: OffsetForLeaderEpochResponse =
                Bench::new().answer(&OffsetForLeaderEpoch, version, &asked);
            assert_eq!(flat(&got), [(testing::PRICES_BACKING, 0, 29, -1)]);
        }
    }

    #[test]
    fn twins_are_asked_one_after_the_other() {
        let asked = OffsetForLeaderEpochRequest::default()
            .with_topics(vec![topic("first", &[0]), topic("second", &[0])]);
        let (sent, got) = Bench::over(testing::TWIN_ZONE).exchange(&OffsetForLeaderEpoch, 4, &asked, broker);
        assert_eq!(sent.len(), 2);
        assert_eq!(flat(&got), [("first", 0, 0, 50), ("second", 0, 0, 50)]);
    }
}
