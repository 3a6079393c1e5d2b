//! The zone or the cluster changes while members are in their groups.

use super::*;

/// The zone of the bench with other topics.
fn manifest(topics: &[(&str, &str, &str)]) -> String {
    let head = testing::ZONE.split("    - {").next().unwrap();
    let topic = |(alias, backing, permission): &(&str, &str, &str)| {
        format!("    - {{name: {alias}, backingTopic: {backing}, permission: {permission}}}\n")
    };
    head.to_owned() + &topics.iter().map(topic).collect::<String>()
}

const ORDERS: (&str, &str, &str) = ("orders", ORDERS_BACKING, "WRITE");
const PRICES: (&str, &str, &str) = ("prices", PRICES_BACKING, "READ");

fn bench(topics: &[(&str, &str, &str)]) -> Bench {
    Bench::over(&manifest(topics))
}

/// Fenced once; then a join is as any other.
fn assert_fenced_once(bench: &Bench, join: &ConsumerGroupHeartbeatRequest) {
    assert_eq!(refused(bench, 1, &beat(1)), 110);
    sent(bench, 1, join);
    sent(bench, 1, &beat(1));
}

#[test]
fn a_new_view_with_the_same_topics_changes_nothing() {
    let mut bench = Bench::new();
    names(&bench, &join(&["orders"]).with_subscribed_topic_regex(Some(text("p.*"))));
    bench.edit(testing::ZONE);
    assert_eq!(names(&bench, &beat(1)), None);
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn another_right_changes_nothing() {
    let mut bench = bench(&[ORDERS]);
    names(&bench, &join(&["orders"]));
    bench.edit(&manifest(&[("orders", ORDERS_BACKING, "READ")]));
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn an_alias_that_is_added_reaches_the_members_whose_pattern_matches_it() {
    let mut bench = bench(&[ORDERS]);
    names(&bench, &join_matching(".*"));
    bench.edit(&manifest(&[ORDERS, PRICES]));
    assert_eq!(names(&bench, &beat(1)), some(&[ORDERS_BACKING, PRICES_BACKING]));
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn names_that_follow_an_edit_are_sent_until_the_broker_has_taken_them() {
    let mut bench = bench(&[ORDERS]);
    names(&bench, &join_matching(".*"));
    bench.edit(&manifest(&[ORDERS, PRICES]));
    drop(bench.ask(&ConsumerGroupHeartbeat, &testing::request_of(1, &beat(1))));
    bench.exchange(&ConsumerGroupHeartbeat, 1, &beat(1), fail(14));
    assert_eq!(names(&bench, &beat(1)), some(&[ORDERS_BACKING, PRICES_BACKING]));
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn an_alias_that_a_member_has_named_and_lost_fences_it() {
    let mut bench = bench(&[ORDERS, PRICES]);
    names(&bench, &join(&["orders", "prices"]));
    bench.edit(&manifest(&[PRICES]));
    assert_fenced_once(&bench, &join(&["prices"]));
    assert_eq!(refused(&bench, 1, &join(&["orders"])), 29);
}

#[test]
fn an_alias_that_a_pattern_no_longer_finds_is_taken_off_the_names() {
    let mut bench = bench(&[ORDERS, PRICES]);
    names(&bench, &join_matching(".*"));
    bench.edit(&manifest(&[PRICES]));
    let prices = bench.virtual_id("prices");
    assert_eq!(shown(&bench, &beat(1), &[ORDERS_ID, PRICES_ID]), [prices]);
    assert_eq!(names(&bench, &beat(1)), None);
    let mut bench = self::bench(&[ORDERS, PRICES]);
    names(&bench, &join_matching(".*"));
    bench.edit(&manifest(&[PRICES]));
    assert_eq!(names(&bench, &beat(1)), some(&[PRICES_BACKING]));
}

#[test]
fn an_alias_that_is_renamed_fences_its_members() {
    for join in [join(&["orders"]), join_matching(".*")] {
        let mut bench = bench(&[ORDERS, PRICES]);
        names(&bench, &join);
        bench.edit(&manifest(&[("sales", ORDERS_BACKING, "WRITE"), PRICES]));
        assert_fenced_once(&bench, &join_matching(".*"));
    }
}

#[test]
fn an_alias_that_is_pointed_elsewhere_fences_its_members() {
    for join in [join(&["orders"]), join_matching(".*")] {
        let mut bench = bench(&[ORDERS]);
        names(&bench, &join);
        bench.edit(&manifest(&[("orders", PRICES_BACKING, "WRITE")]));
        assert_fenced_once(&bench, &join);
        assert_eq!(shown(&bench, &beat(1), &[PRICES_ID]), [bench.virtual_id("orders")]);
    }
}

#[test]
fn a_topic_that_is_made_anew_fences_its_members() {
    let mut bench = Bench::new();
    names(&bench, &join(&["orders"]));
    let name = tidegate_core::names::BackingTopic::parse(ORDERS_BACKING).unwrap();
    let mut topic = bench.cluster.topics.remove(&name).unwrap();
    bench.edit(testing::ZONE);
    assert_eq!(names(&bench, &beat(1)), None, "a topic that is gone is the broker's to take away");
    Arc::make_mut(&mut topic).id = [0xdd; 16];
    bench.cluster.topics.insert(name, topic);
    bench.edit(testing::ZONE);
    assert_fenced_once(&bench, &join(&["orders"]));
}

#[test]
fn a_topic_assigned_before_the_picture_holds_it_is_asked_for_again() {
    let mut bench = Bench::new();
    let name = tidegate_core::names::BackingTopic::parse(ORDERS_BACKING).unwrap();
    let topic = bench.cluster.topics.remove(&name).unwrap();
    bench.edit(testing::ZONE);
    assert_eq!(names(&bench, &join(&["orders"])), some(&[ORDERS_BACKING]));
    assert_eq!(shown(&bench, &beat(1), &[ORDERS_ID]), [[0; 16]; 0]);
    assert_eq!(names(&bench, &beat(1)), None);
    bench.cluster.topics.insert(name, topic);
    bench.edit(testing::ZONE);
    assert_fenced_once(&bench, &join(&["orders"]));
}

#[test]
fn a_topic_that_the_picture_holds_in_time_fences_nobody() {
    let mut bench = Bench::new();
    let name = tidegate_core::names::BackingTopic::parse(ORDERS_BACKING).unwrap();
    let topic = bench.cluster.topics.remove(&name).unwrap();
    bench.edit(testing::ZONE);
    names(&bench, &join(&["orders"]));
    bench.cluster.topics.insert(name, topic);
    bench.edit(testing::ZONE);
    assert_eq!(shown(&bench, &beat(1), &[ORDERS_ID]), [bench.virtual_id("orders")]);
    assert_eq!(names(&bench, &beat(1)), None);
}

#[test]
fn an_alias_revoked_while_the_broker_answers_is_not_shown() {
    let bench = bench(&[ORDERS, PRICES]);
    let later = self::bench(&[PRICES]);
    let broker = |asked: &_| accept(asked).with_assignment(assigned(&[ORDERS_ID, PRICES_ID]));
    let asked = join(&["orders", "prices"]);
    let (_, got) = bench.exchange_seen_by(&ConsumerGroupHeartbeat, 1, &asked, broker, Some(&later.zone));
    let topics = got.assignment.unwrap().topic_partitions;
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].topic_id.into_bytes(), bench.virtual_id("prices"));
}

#[test]
fn the_bound_one_of_two_aliases_goes_and_the_other_takes_its_place() {
    let first = ("first", ORDERS_BACKING, "WRITE");
    let second = ("second", ORDERS_BACKING, "READ");
    let mut bench = bench(&[first, second]);
    names(&bench, &join_matching(".*"));
    bench.edit(&manifest(&[second]));
    assert_fenced_once(&bench, &join_matching(".*"));
    assert_eq!(shown(&bench, &beat(1), &[ORDERS_ID]), [bench.virtual_id("second")]);
}
