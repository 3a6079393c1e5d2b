use tidegate_core::facts::Fact;

use super::*;
use crate::testing::{self, Bench, request_of};

const OWN: i64 = 77;
/// First version that names member, generation and instance.
const MEMBER_SINCE: i16 = 3;

fn topic(name: &'static str, partitions: &[i32]) -> TxnOffsetCommitRequestTopic {
    let partition = |index: &i32| {
        TxnOffsetCommitRequestPartition::default()
            .with_partition_index(*index)
            .with_committed_offset(42)
            .with_committed_metadata(Some(StrBytes::from_static_str("mine")))
    };
    TxnOffsetCommitRequestTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(name)))
        .with_partitions(partitions.iter().map(partition).collect())
}

fn commit(topics: &[&'static str]) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(StrBytes::from_static_str("tx")))
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_producer_id(ProducerId(OWN))
        .with_producer_epoch(3)
        .with_topics(topics.iter().map(|name| topic(name, &[1])).collect())
}

fn broker(request: &TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let partition = |p: &TxnOffsetCommitRequestPartition| {
        TxnOffsetCommitResponsePartition::default().with_partition_index(p.partition_index)
    };
    let topic = |topic: &TxnOffsetCommitRequestTopic| {
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    TxnOffsetCommitResponse::default().with_topics(request.topics.iter().map(topic).collect())
}

fn flat(response: &TxnOffsetCommitResponse) -> Vec<(&str, i32, i16)> {
    let topics = response.topics.iter();
    let partitions = topics.flat_map(|t| t.partitions.iter().map(|p| (t.name.as_str(), p)));
    partitions.map(|(name, p)| (name, p.partition_index, p.error_code)).collect()
}

fn bench() -> Bench {
    Bench::new().with_stored_producer(OWN)
}

#[test]
fn own_topics_are_committed_under_prefixed_ids_and_foreign_ones_refused() {
    for version in TxnOffsetCommit.versions().iter() {
        let asked = commit(&["prices", testing::PRICES_BACKING, testing::HIDDEN_TOPIC]);
        let (sent, got) = bench().exchange(&TxnOffsetCommit, version, &asked, broker);
        let prefix = testing::prefix("partner");
        assert_eq!(sent[0].transactional_id.as_str(), prefix.transactional_id("tx").unwrap());
        assert_eq!(sent[0].group_id.as_str(), prefix.group("g").unwrap());
        assert_eq!((sent[0].producer_id.0, sent[0].producer_epoch), (OWN, 3));
        assert_eq!(sent[0].topics.len(), 1);
        let topic = &sent[0].topics[0];
        assert_eq!(
            (topic.name.as_str(), topic.partitions[0].committed_offset),
            (testing::PRICES_BACKING, 42)
        );
        assert_eq!(topic.partitions[0].committed_metadata.as_deref(), Some("mine"));
        assert_eq!(
            flat(&got),
            [("prices", 1, 0), (testing::PRICES_BACKING, 1, 29), (testing::HIDDEN_TOPIC, 1, 29)]
        );
    }
}

#[test]
fn member_generation_and_instance_pass() {
    for version in MEMBER_SINCE..=TxnOffsetCommit.versions().max {
        let mut asked = commit(&["orders"]);
        asked.generation_id = 8;
        asked.member_id = StrBytes::from_static_str("member");
        asked.group_instance_id = Some(StrBytes::from_static_str("instance"));
        let (sent, _) = bench().exchange(&TxnOffsetCommit, version, &asked, broker);
        assert_eq!((sent[0].generation_id, sent[0].member_id.as_str()), (8, "member"));
        assert_eq!(sent[0].group_instance_id.as_deref(), Some("instance"));
    }
}

#[test]
fn transactional_id_group_topic_and_producer_are_refused_in_this_order() {
    let id = |id| TransactionalId(StrBytes::from_static_str(id));
    let no_group = || GroupId(StrBytes::from_static_str(""));
    let forged = |request: TxnOffsetCommitRequest| request.with_producer_id(ProducerId(78));
    for version in TxnOffsetCommit.versions().iter() {
        let hidden = testing::HIDDEN_TOPIC;
        for (bench, request, expected) in [
            (Bench::read_only(), commit(&[hidden]).with_group_id(no_group()), 53),
            (bench(), commit(&[hidden]).with_group_id(no_group()).with_transactional_id(id("")), 42),
            (bench(), commit(&[hidden]).with_group_id(no_group()), 24),
            (bench(), forged(commit(&[hidden])), 29),
        ] {
            let got: TxnOffsetCommitResponse = bench.answer(&TxnOffsetCommit, version, &request);
            assert_eq!(flat(&got), [(hidden, 1, expected)]);
        }
        for producer in [78, -1] {
            let asked = commit(&["orders", hidden]).with_producer_id(ProducerId(producer));
            let got: TxnOffsetCommitResponse = bench().answer(&TxnOffsetCommit, version, &asked);
            assert_eq!(flat(&got), [(hidden, 1, 29), ("orders", 1, 49)]);
        }
    }
}

#[test]
fn a_partition_named_twice_is_never_last_one_wins() {
    for version in TxnOffsetCommit.versions().iter() {
        let mut asked = commit(&[]);
        asked.topics = vec![topic("orders", &[1, 1]), topic("orders", &[0, 1])];
        let (sent, got) = bench().exchange(&TxnOffsetCommit, version, &asked, broker);
        assert_eq!(sent[0].topics.len(), 1);
        let partitions: Vec<_> = sent[0].topics[0].partitions.iter().map(|p| p.partition_index).collect();
        assert_eq!(partitions, [1, 0]);
        assert_eq!(flat(&got), [("orders", 1, 0), ("orders", 0, 0), ("orders", 1, 42), ("orders", 1, 42)]);
    }
}

#[test]
fn a_group_commits_under_one_of_two_twins_only() {
    let bench = Bench::over(testing::TWIN_ZONE).with_stored_producer(OWN);
    let (sent, got) = bench.exchange(&TxnOffsetCommit, 5, &commit(&["second", "first"]), broker);
    assert_eq!(sent[0].topics.len(), 1);
    assert_eq!(flat(&got), [("second", 1, 0), ("first", 1, 29)]);
    let got: TxnOffsetCommitResponse = bench.answer(&TxnOffsetCommit, 5, &commit(&["first"]));
    assert_eq!(flat(&got), [("first", 1, 29)]);
    let other = commit(&["first"]).with_group_id(GroupId(StrBytes::from_static_str("other")));
    let (_, got) = bench.exchange(&TxnOffsetCommit, 5, &other, broker);
    assert_eq!(flat(&got), [("first", 1, 0)]);
}

#[test]
fn a_forged_producer_binds_no_group_and_a_new_binding_is_kept_first() {
    let bench = Bench::over(testing::TWIN_ZONE);
    let request = request_of(5, &commit(&["second"]));
    let Outcome::Ask(question) = bench.ask_once(&TxnOffsetCommit, &request, &[]) else {
        panic!("no question")
    };
    assert_eq!(question, Question::Producers(vec![OWN]));
    let Outcome::Answer(_) = bench.ask_once(&TxnOffsetCommit, &request, &[OWN]) else {
        panic!("not refused")
    };
    let orders = bench.zone.by_name("second").unwrap().backing.clone();
    assert_eq!(bench.zone.state().bindings().bound("g", &orders), None);
    bench.zone.take(&[Fact::Producer { id: OWN, used: testing::NOW }]);
    let Outcome::Ask(Question::Keep(facts)) = bench.ask_once(&TxnOffsetCommit, &request, &[]) else {
        panic!("nothing to keep");
    };
    assert!(matches!(&facts[..], [Fact::Binding { .. }]), "{facts:?}");
}

#[test]
fn the_longer_silence_of_zone_and_broker_is_asked_for() {
    let mut bench = bench();
    bench.throttle_ms = 700;
    for version in TxnOffsetCommit.versions().iter() {
        for (brokers, both) in [(9, 700), (900, 900)] {
            let throttled = |request: &_| broker(request).with_throttle_time_ms(brokers);
            let (_, got) = bench.exchange(&TxnOffsetCommit, version, &commit(&["orders"]), throttled);
            assert_eq!(got.throttle_time_ms, both, "version {version}");
        }
        let got: TxnOffsetCommitResponse =
            bench.answer(&TxnOffsetCommit, version, &commit(&[testing::HIDDEN_TOPIC]));
        assert_eq!(got.throttle_time_ms, 700, "version {version}");
    }
}

#[test]
fn a_group_too_many_is_refused() {
    let mut bench = bench();
    bench.policy.groups_per_zone = 0;
    for version in TxnOffsetCommit.versions().iter() {
        let got: TxnOffsetCommitResponse = bench.answer(&TxnOffsetCommit, version, &commit(&["orders"]));
        assert_eq!(flat(&got), [("orders", 1, 24)], "version {version}");
    }
}
