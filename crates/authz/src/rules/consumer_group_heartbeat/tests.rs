use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as OwnedPartitions;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use tidegate_core::facts::{Fact, Timestamp};
use uuid::Uuid;

use super::*;
use crate::members::MAX_MEMBERS;
use crate::testing::{self, Bench, HIDDEN_TOPIC, NOW, ORDERS_BACKING, ORDERS_ID, PRICES_BACKING, PRICES_ID};

mod edits;
mod leaks;

const HIDDEN_ID: [u8; 16] = [0xcc; 16];

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topics(names: &[&str]) -> Option<Vec<TopicName>> {
    Some(names.iter().map(|name| TopicName(text(name))).collect())
}

/// A heartbeat that says nothing new.
fn beat(epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("billing")))
        .with_member_id(text("m-1"))
        .with_member_epoch(epoch)
}

fn join(names: &[&str]) -> ConsumerGroupHeartbeatRequest {
    beat(0)
        .with_rebalance_timeout_ms(1_000)
        .with_subscribed_topic_names(topics(names))
        .with_topic_partitions(Some(Vec::new()))
}

fn join_matching(pattern: &str) -> ConsumerGroupHeartbeatRequest {
    join(&[]).with_subscribed_topic_regex(Some(text(pattern)))
}

fn owned(ids: &[[u8; 16]]) -> Option<Vec<OwnedPartitions>> {
    let topic = |id: &[u8; 16]| {
        OwnedPartitions::default().with_topic_id(Uuid::from_bytes(*id)).with_partitions(vec![0, 1])
    };
    Some(ids.iter().map(topic).collect())
}

fn assigned(ids: &[[u8; 16]]) -> Option<Assignment> {
    let topic = |id: &[u8; 16]| {
        TopicPartitions::default().with_topic_id(Uuid::from_bytes(*id)).with_partitions(vec![0, 2])
    };
    Some(Assignment::default().with_topic_partitions(ids.iter().map(topic).collect()))
}

fn accept(asked: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default()
        .with_member_id(Some(asked.member_id.clone()))
        .with_member_epoch(asked.member_epoch + 1)
        .with_heartbeat_interval_ms(5_000)
}

fn fail(error: i16) -> impl Fn(&ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
    move |_| {
        ConsumerGroupHeartbeatResponse::default()
            .with_error_code(error)
            .with_error_message(Some(text("broker 3 at kafka-3.internal knows acme-payroll")))
    }
}

/// What goes upstream of a heartbeat that the broker accepts.
fn sent(bench: &Bench, version: i16, asked: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest {
    let (mut sent, got) = bench.exchange(&ConsumerGroupHeartbeat, version, asked, accept);
    assert_eq!((got.error_code, sent.len()), (0, 1));
    sent.remove(0)
}

/// The backing names that go upstream of a heartbeat that the broker accepts.
fn names(bench: &Bench, asked: &ConsumerGroupHeartbeatRequest) -> Option<Vec<String>> {
    let names = sent(bench, 1, asked).subscribed_topic_names?;
    Some(names.iter().map(|name| name.to_string()).collect())
}

/// The error of a heartbeat that stays here.
fn refused(bench: &Bench, version: i16, asked: &ConsumerGroupHeartbeatRequest) -> i16 {
    let got: ConsumerGroupHeartbeatResponse = bench.answer(&ConsumerGroupHeartbeat, version, asked);
    assert!(got.error_message.is_some());
    assert_eq!((got.member_id, got.member_epoch, got.assignment), (None, 0, None));
    got.error_code
}

/// The assignment that the member sees of the one the broker gives.
fn shown(bench: &Bench, asked: &ConsumerGroupHeartbeatRequest, ids: &[[u8; 16]]) -> Vec<[u8; 16]> {
    let broker = |asked: &_| accept(asked).with_assignment(assigned(ids));
    let (_, got) = bench.exchange(&ConsumerGroupHeartbeat, 1, asked, broker);
    let topics = got.assignment.unwrap().topic_partitions;
    assert!(topics.iter().all(|topic| topic.partitions == [0, 2]));
    topics.iter().map(|topic| topic.topic_id.into_bytes()).collect()
}

fn some(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(ToString::to_string).collect())
}

#[test]
fn a_join_goes_up_with_backing_names_the_prefixed_group_and_no_rack() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let asked = join(&["prices", "orders", "orders"])
            .with_instance_id(Some(text("i-1")))
            .with_rack_id(Some(text("rack-a")))
            .with_server_assignor(Some(text("uniform")));
        let sent = sent(&Bench::new(), version, &asked);
        assert_eq!(sent.group_id.as_str(), testing::prefix("partner").group("billing").unwrap());
        assert_eq!(sent.subscribed_topic_names, topics(&[ORDERS_BACKING, PRICES_BACKING]));
        assert_eq!((&sent.member_id, sent.member_epoch, sent.rebalance_timeout_ms), (&text("m-1"), 0, 1_000));
        assert_eq!((sent.instance_id, sent.rack_id), (Some(text("i-1")), None));
        assert_eq!(sent.server_assignor.as_deref(), Some("uniform"));
        assert_eq!(sent.topic_partitions, Some(Vec::new()));
    }
}

#[test]
fn an_empty_or_long_group_or_member_is_refused_here() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        for group in [String::new(), "g".repeat(256)] {
            let asked = join(&["orders"]).with_group_id(GroupId(text(&group)));
            assert_eq!(refused(&Bench::new(), version, &asked), 24);
        }
        let asked = join(&["orders"]).with_member_id(text(&"m".repeat(256)));
        assert_eq!(refused(&Bench::new(), version, &asked), 42);
        assert_eq!(refused(&Bench::new(), version, &beat(1).with_member_id(text(""))), 42);
    }
    assert_eq!(refused(&Bench::new(), 1, &join(&["orders"]).with_member_id(text(""))), 42);
}

#[test]
fn one_foreign_name_refuses_the_whole_heartbeat_and_hidden_is_as_absent() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let bench = Bench::new();
        for foreign in [HIDDEN_TOPIC, "no-such-topic", ORDERS_BACKING] {
            assert_eq!(refused(&bench, version, &join(&["orders", foreign])), 29);
        }
        // A refused change leaves what was.
        sent(&bench, version, &join(&["orders"]));
        let changed = beat(1).with_subscribed_topic_names(topics(&[HIDDEN_TOPIC]));
        assert_eq!(refused(&bench, version, &changed), 29);
        assert_eq!(sent(&bench, version, &beat(1)).subscribed_topic_names, None);
    }
}

#[test]
fn null_leaves_the_subscription_and_an_empty_list_clears_it() {
    let bench = Bench::new();
    assert_eq!(names(&bench, &join(&["orders"])), some(&[ORDERS_BACKING]));
    assert_eq!(names(&bench, &beat(1)), None);
    assert_eq!(names(&bench, &beat(1).with_subscribed_topic_names(topics(&[]))), some(&[]));
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn a_pattern_goes_up_as_the_names_that_it_matches() {
    for (pattern, expected) in [
        ("ord.*", &[ORDERS_BACKING][..]),
        (".*", &[ORDERS_BACKING, PRICES_BACKING]),
        ("order", &[]),
        ("acme-.*", &[]),
        ("", &[]),
    ] {
        let bench = Bench::new();
        let asked = join_matching(pattern);
        let sent = sent(&bench, 1, &asked);
        assert_eq!((sent.subscribed_topic_names, sent.subscribed_topic_regex), (topics(expected), None));
        assert_eq!(names(&bench, &beat(1)), None);
    }
    // Without a list of names too.
    let asked = join_matching("prices").with_subscribed_topic_names(None);
    assert_eq!(names(&Bench::new(), &asked), some(&[PRICES_BACKING]));
}

#[test]
fn names_and_pattern_are_joined_and_changed_apart() {
    let bench = Bench::new();
    let asked = join(&["orders"]).with_subscribed_topic_regex(Some(text("p.*")));
    assert_eq!(names(&bench, &asked), some(&[ORDERS_BACKING, PRICES_BACKING]));
    let no_names = beat(1).with_subscribed_topic_names(topics(&[]));
    assert_eq!(names(&bench, &no_names), some(&[PRICES_BACKING]));
    let other_pattern = beat(1).with_subscribed_topic_regex(Some(text("o.*")));
    assert_eq!(names(&bench, &other_pattern), some(&[ORDERS_BACKING]));
    assert_eq!(names(&bench, &beat(1).with_subscribed_topic_regex(Some(text("")))), some(&[]));
    // A join forgets what was.
    assert_eq!(names(&bench, &asked), some(&[ORDERS_BACKING, PRICES_BACKING]));
    assert_eq!(names(&bench, &join(&["orders"])), some(&[ORDERS_BACKING]));
}

#[test]
fn a_bad_or_hostile_pattern_is_refused_here() {
    let bench = Bench::new();
    for pattern in ["(", "((((a{1,100}){1,100}){1,100}){1,100})", &"a".repeat(1025)] {
        assert_eq!(refused(&bench, 1, &join_matching(pattern)), 128);
    }
}

#[test]
fn a_join_without_any_subscription_is_for_the_broker_to_refuse() {
    let bench = Bench::new();
    let (sent, got) =
        bench.exchange(&ConsumerGroupHeartbeat, 1, &join(&[]).with_subscribed_topic_names(None), fail(42));
    assert_eq!((&sent[0].subscribed_topic_names, got.error_code), (&None, 42));
    assert_eq!(refused(&bench, 1, &beat(1)), 110);
}

#[test]
fn owned_partitions_go_up_by_real_ids_and_unknown_ones_are_dropped() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let bench = Bench::new();
        sent(&bench, version, &join(&["orders"]));
        let orders = bench.virtual_id("orders");
        let asked = beat(1).with_topic_partitions(owned(&[orders, PRICES_ID, HIDDEN_ID, [9; 16], orders]));
        assert_eq!(sent(&bench, version, &asked).topic_partitions, owned(&[ORDERS_ID]));
        assert_eq!(sent(&bench, version, &beat(1)).topic_partitions, None);
    }
}

#[test]
fn an_assignment_comes_down_by_virtual_ids_and_hidden_ones_are_dropped() {
    let bench = Bench::new();
    let (orders, prices) = (bench.virtual_id("orders"), bench.virtual_id("prices"));
    assert_eq!(
        shown(&bench, &join(&["orders", "prices"]), &[PRICES_ID, HIDDEN_ID, ORDERS_ID]),
        [prices, orders]
    );
    assert_eq!(shown(&bench, &beat(1), &[]), [[0; 16]; 0]);
    // The account has lost its zone meanwhile.
    let broker = |asked: &_| accept(asked).with_assignment(assigned(&[ORDERS_ID]));
    let (_, got) = bench.exchange_seen_by(&ConsumerGroupHeartbeat, 1, &beat(1), broker, None);
    assert!(got.assignment.unwrap().topic_partitions.is_empty());
}

#[test]
fn an_answer_keeps_its_numbers_and_loses_the_words_of_the_broker() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let bench = Bench::new();
        let (_, got) = bench.exchange(&ConsumerGroupHeartbeat, version, &join(&["orders"]), accept);
        let member = got.member_id.as_deref();
        assert_eq!((member, got.member_epoch, got.heartbeat_interval_ms), (Some("m-1"), 1, 5_000));
        assert_eq!((got.error_message, got.assignment), (None, None));
        let (_, got) = bench.exchange(&ConsumerGroupHeartbeat, version, &beat(1), fail(112));
        assert_eq!((got.error_code, got.error_message), (112, None));
    }
}

#[test]
fn a_member_that_is_not_known_must_join_again_unless_it_says_everything() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let bench = Bench::new();
        assert_eq!(refused(&bench, version, &beat(7)), 110);
        let full = beat(7).with_subscribed_topic_names(topics(&["orders"]));
        assert_eq!(sent(&bench, version, &full).subscribed_topic_names, topics(&[ORDERS_BACKING]));
        assert_eq!(sent(&bench, version, &beat(7)).subscribed_topic_names, None);
    }
    // Names may stand beside a pattern that comes alone, unless everything is told again.
    let pattern = beat(7).with_subscribed_topic_regex(Some(text("o.*")));
    assert_eq!(refused(&Bench::new(), 1, &pattern), 110);
    let whole = pattern.with_rebalance_timeout_ms(1_000);
    assert_eq!(names(&Bench::new(), &whole), some(&[ORDERS_BACKING]));
}

#[test]
fn a_member_is_known_by_the_id_that_the_broker_gives_it() {
    let bench = Bench::new();
    let given = |asked: &_| accept(asked).with_member_id(Some(text("given")));
    let asked = join(&["orders"]).with_member_id(text(""));
    bench.exchange(&ConsumerGroupHeartbeat, 0, &asked, given);
    let asked = beat(1).with_member_id(text("given"));
    assert_eq!(sent(&bench, 0, &asked).subscribed_topic_names, None);
}

#[test]
fn leaving_forgets_a_member_and_a_static_one_is_kept() {
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let bench = Bench::new();
        sent(&bench, version, &join(&["orders"]));
        let leave = beat(-2).with_subscribed_topic_names(topics(&[HIDDEN_TOPIC]));
        assert_eq!(sent(&bench, version, &leave).subscribed_topic_names, None);
        assert_eq!(sent(&bench, version, &beat(1)).subscribed_topic_names, None);
        sent(&bench, version, &beat(-1));
        assert_eq!(refused(&bench, version, &beat(1)), 110);
    }
}

#[test]
fn after_an_error_a_member_is_where_it_was() {
    let other = beat(1).with_subscribed_topic_names(topics(&["prices"]));
    for error in [14, 15, 16, 29, -1] {
        let bench = Bench::new();
        bench.exchange(&ConsumerGroupHeartbeat, 1, &join(&["orders"]), fail(error));
        assert_eq!(refused(&bench, 1, &beat(1)), 110, "a join that failed left nothing");
        names(&bench, &join(&["orders"]));
        bench.exchange(&ConsumerGroupHeartbeat, 1, &beat(1), fail(error));
        assert_eq!(names(&bench, &beat(1)), None);
        bench.exchange(&ConsumerGroupHeartbeat, 1, &other, fail(error));
        // The broker may have taken the change before it failed: it is told again.
        assert_eq!(names(&bench, &beat(1)), some(&[ORDERS_BACKING]));
        assert_eq!(names(&bench, &beat(1)), None);
        assert_eq!(names(&bench, &other), some(&[PRICES_BACKING]));
    }
}

#[test]
fn a_member_that_the_broker_has_lost_is_forgotten() {
    for error in [25, 110] {
        let bench = Bench::new();
        names(&bench, &join(&["orders"]));
        bench.exchange(&ConsumerGroupHeartbeat, 1, &beat(1), fail(error));
        assert_eq!(refused(&bench, 1, &beat(1)), 110);
    }
}

#[test]
fn a_change_whose_answer_is_lost_must_be_said_again() {
    let bench = Bench::new();
    names(&bench, &join(&["orders"]));
    let other = beat(1).with_subscribed_topic_names(topics(&["prices"]));
    drop(bench.ask(&ConsumerGroupHeartbeat, &testing::request_of(1, &other)));
    assert_eq!(refused(&bench, 1, &beat(1)), 110);
    assert_eq!(names(&bench, &other), some(&[PRICES_BACKING]));
}

#[test]
fn a_full_zone_takes_no_further_member() {
    let bench = Bench::new();
    for member in 0..MAX_MEMBERS {
        let next = crate::members::Subscription {
            topics: Vec::new(),
            pattern: None,
            view: std::sync::Weak::new(),
            told: true,
        };
        bench.zone.state().members().begin("flood", &format!("m{member}"), next, true, NOW).unwrap();
    }
    assert_eq!(refused(&bench, 1, &join(&["orders"])), 81);
}

#[test]
fn a_group_uses_one_of_two_aliases_of_a_topic() {
    let bench = Bench::over(testing::TWIN_ZONE);
    assert_eq!(refused(&bench, 1, &join(&["first", "second"])), 42);
    assert_eq!(names(&bench, &join(&["second"])), some(&[ORDERS_BACKING]), "a refused pair binds nothing");
    assert_eq!(refused(&bench, 1, &join(&["first"])), 42);
    let (first, second) = (bench.virtual_id("first"), bench.virtual_id("second"));
    assert_eq!(shown(&bench, &beat(1), &[ORDERS_ID]), [second]);
    let asked = beat(1).with_topic_partitions(owned(&[first]));
    assert_eq!(sent(&bench, 1, &asked).topic_partitions, Some(Vec::new()));
    let other = join(&["first"]).with_group_id(GroupId(text("other")));
    assert_eq!(shown(&bench, &other, &[ORDERS_ID]), [first]);
}

#[test]
fn of_two_matches_on_one_topic_the_named_or_bound_one_stays_else_the_first() {
    let in_group = |asked: ConsumerGroupHeartbeatRequest, group| asked.with_group_id(GroupId(text(group)));
    let bench = Bench::over(testing::TWIN_ZONE);
    let (first, second) = (bench.virtual_id("first"), bench.virtual_id("second"));
    assert_eq!(shown(&bench, &in_group(join_matching(".*"), "a"), &[ORDERS_ID]), [first]);
    names(&bench, &in_group(join(&["second"]), "b"));
    assert_eq!(shown(&bench, &in_group(join_matching(".*"), "b"), &[ORDERS_ID]), [second]);
    // A match that the group may not use is as no match.
    assert_eq!(names(&bench, &in_group(join_matching("first"), "b")), some(&[]));
    let both = join(&["second"]).with_subscribed_topic_regex(Some(text(".*")));
    assert_eq!(names(&bench, &in_group(both.clone(), "c")), some(&[ORDERS_BACKING]));
    assert_eq!(shown(&bench, &in_group(both, "c"), &[ORDERS_ID]), [second]);
}

#[test]
fn nothing_is_done_before_a_binding_is_kept() {
    let bench = Bench::over(testing::TWIN_ZONE);
    for asked in [join(&["second"]), join_matching("second")] {
        let outcome = bench.ask_once(&ConsumerGroupHeartbeat, &testing::request_of(1, &asked), &[]);
        assert!(matches!(outcome, Outcome::Ask(Question::Keep(facts)) if facts.len() == 1));
        assert_eq!(refused(&bench, 1, &beat(1)), 110);
    }
}

#[test]
fn a_member_keeps_the_binding_of_its_group_alive() {
    let bench = Bench::over(testing::TWIN_ZONE);
    names(&bench, &join(&["second"]));
    let second = bench.zone.by_name("second").unwrap();
    let used = Timestamp(NOW.0 - 2 * 24 * 3_600);
    let binding = |used| Fact::Binding {
        group: "billing".to_owned(),
        backing: second.backing.clone(),
        alias: second.alias.clone(),
        used,
    };
    bench.zone.take(&[binding(used)]);
    let outcome = bench.ask_once(&ConsumerGroupHeartbeat, &testing::request_of(1, &beat(1)), &[]);
    assert!(matches!(outcome, Outcome::Ask(Question::Keep(facts)) if facts == [binding(NOW)]));
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn a_group_too_many_is_refused_and_members_of_others_go_on() {
    let mut bench = Bench::new();
    bench.policy.groups_per_zone = 0;
    for version in ConsumerGroupHeartbeat.versions().iter() {
        let got: ConsumerGroupHeartbeatResponse =
            bench.answer(&ConsumerGroupHeartbeat, version, &join(&["orders"]));
        assert_eq!((got.error_code, got.assignment), (81, None), "version {version}");
    }
}
