//! ListOffsets (2): offsets by time, for own topics only.

use std::collections::BTreeMap;

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::{LayerTopic, Layers, Names, RefusedPartition, backing_name, topic_name};
use super::{CLIENT_REPLICA, Rule, answer, forward_each};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct ListOffsets;

impl Rule for ListOffsets {
    fn key(&self) -> ApiKey {
        ApiKey::ListOffsets
    }

    fn versions(&self) -> Versions {
        Versions::new(1, 10)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: ListOffsetsRequest = codec::decode(request.version, &request.body)?;
        let topics =
            std::mem::take(&mut asked.topics).into_iter().map(|topic| (topic.name, topic.partitions));
        let Layers { layers, refused } = Layers::of(context.zone, topics, |p| p.partition_index);
        refused.iter().for_each(|refused| context.refused(refused.error, &refused.topic));
        asked.replica_id = BrokerId(CLIENT_REPLICA);
        let names = Names::of(&layers);
        let upstream: Vec<_> =
            layers.into_iter().map(|layer| asked.clone().with_topics(upstream_topics(layer))).collect();
        if upstream.is_empty() {
            return answer(request, &ListOffsetsResponse::default().with_topics(refusals(&refused)));
        }
        forward_each(context, request, &upstream, move |responses: Vec<ListOffsetsResponse>, context| {
            Ok(merge(responses, &names, &refused, context))
        })
    }
}

fn upstream_topics(layer: Vec<LayerTopic<ListOffsetsPartition>>) -> Vec<ListOffsetsTopic> {
    let topic = |topic: LayerTopic<_>| {
        ListOffsetsTopic::default().with_name(backing_name(&topic.granted)).with_partitions(topic.partitions)
    };
    layer.into_iter().map(topic).collect()
}

fn merge(
    responses: Vec<ListOffsetsResponse>,
    names: &Names,
    refused: &[RefusedPartition],
    context: &ReplyContext<'_>,
) -> ListOffsetsResponse {
    let throttle = responses.iter().map(|response| response.throttle_time_ms).max().unwrap_or(0);
    let mut topics = refusals(refused);
    for (layer, response) in responses.into_iter().enumerate() {
        for topic in response.topics {
            let Some(granted) = names.granted(layer, &topic.name) else { continue };
            topic.partitions.iter().for_each(|partition| context.note(ErrorCode(partition.error_code)));
            let shown = context.zone.is_some_and(|zone| zone.still_shows(granted));
            let partitions = match shown {
                true => topic.partitions,
                false => topic
                    .partitions
                    .iter()
                    .map(|p| refusal(p.partition_index, ErrorCode::TOPIC_AUTHORIZATION_FAILED))
                    .collect(),
            };
            let name = topic_name(&granted.alias);
            topics.push(ListOffsetsTopicResponse::default().with_name(name).with_partitions(partitions));
        }
    }
    ListOffsetsResponse::default().with_throttle_time_ms(throttle).with_topics(topics)
}

fn refusals(refused: &[RefusedPartition]) -> Vec<ListOffsetsTopicResponse> {
    let mut topics: BTreeMap<&TopicName, Vec<ListOffsetsPartitionResponse>> = BTreeMap::new();
    for refused in refused {
        topics.entry(&refused.topic).or_default().push(refusal(refused.partition, refused.error));
    }
    let topic = |(name, partitions): (&TopicName, _)| {
        ListOffsetsTopicResponse::default().with_name(name.clone()).with_partitions(partitions)
    };
    topics.into_iter().map(topic).collect()
}

fn refusal(partition: i32, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse::default()
        .with_partition_index(partition)
        .with_error_code(error.0)
        .with_timestamp(-1)
        .with_offset(-1)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;
    use crate::testing::{self, Bench};

    fn topic(name: &str, partitions: &[i32]) -> ListOffsetsTopic {
        let partition =
            |index: &i32| ListOffsetsPartition::default().with_partition_index(*index).with_timestamp(-1);
        ListOffsetsTopic::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_partitions(partitions.iter().map(partition).collect())
    }

    fn broker(request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let partition = |p: &ListOffsetsPartition| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(p.partition_index)
                .with_offset(100 + i64::from(p.partition_index))
        };
        let topic = |topic: &ListOffsetsTopic| {
            ListOffsetsTopicResponse::default()
                .with_name(topic.name.clone())
                .with_partitions(topic.partitions.iter().map(partition).collect())
        };
        ListOffsetsResponse::default().with_topics(request.topics.iter().map(topic).collect())
    }

    fn flat(response: &ListOffsetsResponse) -> Vec<(&str, i32, i16, i64)> {
        let topics = response.topics.iter();
        topics
            .flat_map(|t| {
                t.partitions.iter().map(|p| (t.name.as_str(), p.partition_index, p.error_code, p.offset))
            })
            .collect()
    }

    #[test]
    fn own_topics_go_upstream_by_backing_name_as_a_client_and_foreign_ones_do_not() {
        for version in ListOffsets.versions().iter() {
            let asked = ListOffsetsRequest::default()
                .with_replica_id(BrokerId(2))
                .with_topics(vec![topic("orders", &[0, 1]), topic(testing::HIDDEN_TOPIC, &[0])]);
            let (sent, got) = Bench::new().exchange(&ListOffsets, version, &asked, broker);
            assert_eq!(sent.len(), 1);
            assert_eq!((sent[0].replica_id.0, sent[0].topics.len()), (-1, 1));
            assert_eq!(sent[0].topics[0].name.as_str(), testing::ORDERS_BACKING);
            let expected = [(testing::HIDDEN_TOPIC, 0, 29, -1), ("orders", 0, 0, 100), ("orders", 1, 0, 101)];
            assert_eq!(flat(&got), expected, "version {version}");
        }
    }

    #[test]
    fn a_request_for_foreign_names_alone_stays_here() {
        for version in ListOffsets.versions().iter() {
            let asked = ListOffsetsRequest::default().with_topics(vec![topic(testing::ORDERS_BACKING, &[3])]);
            let got: ListOffsetsResponse = Bench::new().answer(&ListOffsets, version, &asked);
            assert_eq!(flat(&got), [(testing::ORDERS_BACKING, 3, 29, -1)]);
        }
    }

    #[test]
    fn two_aliases_of_one_topic_are_asked_in_two_requests_and_answered_in_one() {
        let asked =
            ListOffsetsRequest::default().with_topics(vec![topic("first", &[0]), topic("second", &[0, 1])]);
        let (sent, got) = Bench::over(testing::TWIN_ZONE).exchange(&ListOffsets, 7, &asked, broker);
        assert_eq!(sent.len(), 2);
        assert_eq!(flat(&got), [("first", 0, 0, 100), ("second", 0, 0, 100), ("second", 1, 0, 101)]);
    }

    #[test]
    fn a_partition_named_twice_is_refused_the_second_time() {
        let asked = ListOffsetsRequest::default().with_topics(vec![topic("orders", &[0, 0])]);
        let (sent, got) = Bench::new().exchange(&ListOffsets, 7, &asked, broker);
        assert_eq!(sent[0].topics[0].partitions.len(), 1);
        assert_eq!(flat(&got), [("orders", 0, 42, -1), ("orders", 0, 0, 100)]);
    }

    #[test]
    fn an_alias_revoked_while_the_broker_answers_shows_nothing() {
        let asked = ListOffsetsRequest::default().with_topics(vec![topic("orders", &[0])]);
        let (_, got) = Bench::new().exchange_seen_by(&ListOffsets, 7, &asked, broker, None);
        assert_eq!(flat(&got), [("orders", 0, 29, -1)]);
    }
}
