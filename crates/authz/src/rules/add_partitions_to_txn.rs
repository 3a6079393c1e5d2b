//! AddPartitionsToTxn (24): partitions of WRITE aliases join an own transaction (KIP-98).
//!
//! Later versions hold many transactions and are for brokers alone: they ask for CLUSTER_ACTION. One topic that may not
//! be written fails the request whole, as at a broker.

use std::collections::BTreeMap;

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::backing_name;
use super::producers::{in_transaction, transactional_id};
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::view::ZoneView;

/// The rule.
pub struct AddPartitionsToTxn;

impl Rule for AddPartitionsToTxn {
    fn key(&self) -> ApiKey {
        ApiKey::AddPartitionsToTxn
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 3)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: AddPartitionsToTxnRequest = codec::decode(request.version, &request.body)?;
        let topics = merged(std::mem::take(&mut asked.v3_and_below_topics));
        match transactional_id(context, &asked.v3_and_below_transactional_id) {
            Err(error) => return refuse(request, &topics, |_| error),
            Ok(id) => asked.v3_and_below_transactional_id = TransactionalId(StrBytes::from_string(id)),
        }
        let Some(names) = backing_names(context.zone, &topics) else {
            for topic in topics.keys().filter(|topic| !is_writable(context.zone, topic)) {
                context.refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED, topic);
            }
            return refuse(request, &topics, |topic| match is_writable(context.zone, topic) {
                true => ErrorCode::OPERATION_NOT_ATTEMPTED,
                false => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            });
        };
        match in_transaction(context, asked.v3_and_below_producer_id) {
            Err(error) => return refuse(request, &topics, |_| error),
            Ok(Some(question)) => return Ok(Outcome::Ask(question)),
            Ok(None) => {}
        }
        let upstream = names.iter().filter_map(|(backing, alias)| {
            let partitions = topics.get(alias)?.clone();
            Some(AddPartitionsToTxnTopic::default().with_name(backing.clone()).with_partitions(partitions))
        });
        asked.v3_and_below_topics = upstream.collect();
        forward(context, request, &asked, move |mut response: AddPartitionsToTxnResponse, _| {
            response.results_by_topic_v3_and_below.retain_mut(|topic| match names.get(&topic.name) {
                Some(alias) => {
                    topic.name = alias.clone();
                    true
                }
                None => false,
            });
            response
        })
    }
}

/// The partitions of each topic as the client named it.
type Topics = BTreeMap<TopicName, Vec<i32>>;

/// A broker takes the partitions as a set; so a topic or a partition named twice is one.
fn merged(asked: Vec<AddPartitionsToTxnTopic>) -> Topics {
    let mut topics = Topics::new();
    for topic in asked {
        topics.entry(topic.name).or_default().extend(topic.partitions);
    }
    for partitions in topics.values_mut() {
        partitions.sort_unstable();
        partitions.dedup();
    }
    topics
}

/// From backing to alias; `None` when one of the topics may not be written. At most one alias of a backing topic has
/// WRITE, and two would not get through here either.
fn backing_names(zone: &ZoneView, topics: &Topics) -> Option<BTreeMap<TopicName, TopicName>> {
    let mut names = BTreeMap::new();
    for alias in topics.keys().filter(|alias| is_writable(zone, alias)) {
        names.insert(backing_name(zone.by_name(alias)?), alias.clone());
    }
    (names.len() == topics.len()).then_some(names)
}

fn is_writable(zone: &ZoneView, alias: &TopicName) -> bool {
    zone.by_name(alias).is_some_and(|granted| granted.permission.can_write())
}

fn refuse(
    request: &Request,
    topics: &Topics,
    error: impl Fn(&TopicName) -> ErrorCode,
) -> Result<Outcome, RuleError> {
    let topic = |(name, partitions): (&TopicName, &Vec<i32>)| {
        let error = error(name).0;
        let refused = |index: &i32| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(error)
        };
        AddPartitionsToTxnTopicResult::default()
            .with_name(name.clone())
            .with_results_by_partition(partitions.iter().map(refused).collect())
    };
    let results = topics.iter().map(topic).collect();
    answer(request, &AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ProducerId;

    use super::*;
    use crate::table::RuleTable;
    use crate::testing::{self, Bench};

    const OWN: i64 = 77;

    fn asked(
        id: &'static str,
        producer: i64,
        topics: &[(&'static str, &[i32])],
    ) -> AddPartitionsToTxnRequest {
        let topic = |(name, partitions): &(&'static str, &[i32])| {
            AddPartitionsToTxnTopic::default()
                .with_name(TopicName(StrBytes::from_static_str(name)))
                .with_partitions(partitions.to_vec())
        };
        AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(StrBytes::from_static_str(id)))
            .with_v3_and_below_producer_id(ProducerId(producer))
            .with_v3_and_below_producer_epoch(3)
            .with_v3_and_below_topics(topics.iter().map(topic).collect())
    }

    fn broker(request: &AddPartitionsToTxnRequest) -> AddPartitionsToTxnResponse {
        let partition = |index: &i32| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*index)
                .with_partition_error_code(51)
        };
        let topic = |topic: &AddPartitionsToTxnTopic| {
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name.clone())
                .with_results_by_partition(topic.partitions.iter().map(partition).collect())
        };
        let mut results: Vec<_> = request.v3_and_below_topics.iter().map(topic).collect();
        // What nobody asked for must not come through.
        let hidden = TopicName(StrBytes::from_static_str(testing::HIDDEN_TOPIC));
        results.push(AddPartitionsToTxnTopicResult::default().with_name(hidden));
        AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results)
    }

    fn flat(response: &AddPartitionsToTxnResponse) -> Vec<(&str, i32, i16)> {
        let topics = response.results_by_topic_v3_and_below.iter();
        let partitions = topics.flat_map(|t| t.results_by_partition.iter().map(|p| (t.name.as_str(), p)));
        partitions.map(|(name, p)| (name, p.partition_index, p.partition_error_code)).collect()
    }

    fn bench() -> Bench {
        Bench::new().with_stored_producer(OWN)
    }

    #[test]
    fn a_write_alias_goes_upstream_by_its_backing_name_and_comes_back_by_its_own() {
        for version in AddPartitionsToTxn.versions().iter() {
            let asked = asked("tx", OWN, &[("orders", &[0, 2])]);
            let (sent, got) = bench().exchange(&AddPartitionsToTxn, version, &asked, broker);
            let id = testing::prefix("partner").transactional_id("tx").unwrap();
            assert_eq!(sent[0].v3_and_below_transactional_id.as_str(), id);
            assert_eq!((sent[0].v3_and_below_producer_id.0, sent[0].v3_and_below_producer_epoch), (OWN, 3));
            assert_eq!(sent[0].v3_and_below_topics.len(), 1);
            assert_eq!(sent[0].v3_and_below_topics[0].name.as_str(), testing::ORDERS_BACKING);
            assert_eq!(flat(&got), [("orders", 0, 51), ("orders", 2, 51)]);
        }
    }

    #[test]
    fn one_topic_that_may_not_be_written_fails_all_and_nothing_goes_upstream() {
        for version in AddPartitionsToTxn.versions().iter() {
            for bad in ["prices", testing::HIDDEN_TOPIC, testing::ORDERS_BACKING, "nowhere"] {
                let asked = asked("tx", OWN, &[("orders", &[0]), (bad, &[1])]);
                let got: AddPartitionsToTxnResponse = bench().answer(&AddPartitionsToTxn, version, &asked);
                let mut expected = [("orders", 0, 55), (bad, 1, 29)];
                expected.sort_unstable();
                assert_eq!(flat(&got), expected);
            }
        }
    }

    #[test]
    fn what_is_named_twice_is_merged() {
        for version in AddPartitionsToTxn.versions().iter() {
            let asked = asked("tx", OWN, &[("orders", &[1, 0, 1]), ("orders", &[0, 2])]);
            let (sent, got) = bench().exchange(&AddPartitionsToTxn, version, &asked, broker);
            assert_eq!(sent[0].v3_and_below_topics.len(), 1);
            assert_eq!(sent[0].v3_and_below_topics[0].partitions, [0, 1, 2]);
            assert_eq!(flat(&got).len(), 3);
        }
    }

    #[test]
    fn the_reading_twin_is_refused() {
        let bench = Bench::over(testing::TWIN_ZONE).with_stored_producer(OWN);
        let asked = asked("tx", OWN, &[("first", &[0]), ("second", &[0])]);
        let got: AddPartitionsToTxnResponse = bench.answer(&AddPartitionsToTxn, 3, &asked);
        assert_eq!(flat(&got), [("first", 0, 55), ("second", 0, 29)]);
    }

    #[test]
    fn the_transactional_id_is_refused_before_the_topic_and_that_before_the_producer() {
        for version in AddPartitionsToTxn.versions().iter() {
            for (bench, id, producer, topic, error) in [
                (Bench::read_only(), "tx", 78, "orders", 53),
                (bench(), "", 78, "prices", 42),
                (bench(), "tx", 78, "prices", 29),
                (bench(), "tx", 78, "orders", 49),
                (bench(), "tx", -1, "orders", 49),
            ] {
                let asked = asked(id, producer, &[(topic, &[1])]);
                let got: AddPartitionsToTxnResponse = bench.answer(&AddPartitionsToTxn, version, &asked);
                assert_eq!(flat(&got), [(topic, 1, error)]);
            }
        }
    }

    #[test]
    fn the_versions_of_brokers_are_neither_shown_nor_served() {
        let table = RuleTable::default();
        let announced = table.announced(&testing::cluster());
        assert!(announced.contains(&(ApiKey::AddPartitionsToTxn, Versions::new(0, 3))));
        assert!(!table.serves(ApiKey::AddPartitionsToTxn, 4));
    }
}
