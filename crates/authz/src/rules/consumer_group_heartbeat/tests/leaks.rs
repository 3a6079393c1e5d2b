//! Whatever a partner sends, what goes upstream is made of the zone's own topics.

use proptest::prelude::*;

use super::*;

fn name() -> impl Strategy<Value = String> {
    let own = proptest::sample::select(vec!["orders", "prices"]);
    let other = proptest::sample::select(vec![ORDERS_BACKING, PRICES_BACKING, HIDDEN_TOPIC]);
    prop_oneof![4 => own.prop_map(str::to_owned), 1 => other.prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![Just(".*".to_owned()), Just(String::new()), Just("acme.*|o.*".to_owned()), "\\PC{0,12}"]
}

/// Virtual, real, hidden and made-up ids.
fn id() -> impl Strategy<Value = [u8; 16]> {
    let bench = Bench::new();
    let known = [bench.virtual_id("orders"), bench.virtual_id("prices"), ORDERS_ID, PRICES_ID, HIDDEN_ID];
    prop_oneof![3 => proptest::sample::select(known.to_vec()), 1 => any::<[u8; 16]>()]
}

prop_compose! {
    fn heartbeat()(
        group in prop_oneof![Just("billing".to_owned()), "\\PC{0,6}"],
        member in "m-[12]|",
        epoch in -3..3_i32,
        names in proptest::option::of(proptest::collection::vec(name(), 0..4)),
        pattern in proptest::option::of(pattern()),
        rack in proptest::option::of("rack-[ab]"),
        ids in proptest::option::of(proptest::collection::vec(id(), 0..4)),
        version in 0..2_i16,
        error in prop_oneof![3 => Just(0_i16), 1 => proptest::sample::select(vec![14_i16, 16, 25, 110])],
        assigned in proptest::option::of(proptest::collection::vec(id(), 0..4)),
    ) -> (i16, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse) {
        let names = names.map(|names| names.iter().map(|name| TopicName(text(name))).collect());
        let asked = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(GroupId(text(&group)))
            .with_member_id(text(&member))
            .with_member_epoch(epoch)
            .with_subscribed_topic_names(names)
            .with_subscribed_topic_regex(pattern.filter(|_| version > 0).map(|pattern| text(&pattern)))
            .with_rack_id(rack.map(|rack| text(&rack)))
            .with_topic_partitions(ids.and_then(|ids| owned(&ids)));
        let answer = ConsumerGroupHeartbeatResponse::default()
            .with_error_code(error)
            .with_error_message(Some(text("words of the broker")))
            .with_member_id(Some(text("given")))
            .with_assignment(assigned.and_then(|ids| super::assigned(&ids)));
        (version, asked, answer)
    }
}

fn check_upstream(upstream: &ConsumerGroupHeartbeatRequest) {
    let prefix = testing::prefix("partner");
    assert!(prefix.strip_group(&upstream.group_id).is_some_and(|group| !group.is_empty()));
    assert_eq!((&upstream.subscribed_topic_regex, &upstream.rack_id), (&None, &None));
    for name in upstream.subscribed_topic_names.iter().flatten() {
        assert!([ORDERS_BACKING, PRICES_BACKING].contains(&name.as_str()), "{name:?}");
    }
    for topic in upstream.topic_partitions.iter().flatten() {
        assert!([ORDERS_ID, PRICES_ID].contains(topic.topic_id.as_bytes()), "{topic:?}");
    }
}

fn check_answer(bench: &Bench, answer: &ConsumerGroupHeartbeatResponse) {
    let own = [bench.virtual_id("orders"), bench.virtual_id("prices")];
    assert_eq!(answer.error_message, None);
    for topic in answer.assignment.iter().flat_map(|assignment| &assignment.topic_partitions) {
        assert!(own.contains(topic.topic_id.as_bytes()), "{topic:?}");
    }
}

proptest! {
    #[test]
    fn no_pattern_alias_virtual_id_or_bare_group_goes_up_and_no_real_id_comes_down(
        heartbeats in proptest::collection::vec(heartbeat(), 1..12),
    ) {
        let bench = Bench::new();
        for (version, asked, answer) in heartbeats {
            let request = testing::request_of(version, &asked);
            match bench.ask(&ConsumerGroupHeartbeat, &request) {
                Outcome::Answer(frame) => {
                    let got: ConsumerGroupHeartbeatResponse = testing::decode_answer(version, frame.joined());
                    prop_assert!([24, 29, 42, 110, 128].contains(&got.error_code));
                }
                Outcome::Forward { requests, reply } => {
                    let frame = requests.into_iter().next().unwrap().frame.joined();
                    let parsed = Request::parse(frame).unwrap();
                    check_upstream(&codec::decode(version, &parsed.body).unwrap());
                    let frame = crate::rules::frame_of(version, parsed.correlation_id, &answer);
                    let addresses = testing::addresses();
                    let context = ReplyContext::new(Some(&bench.zone), &addresses, NOW);
                    let crate::outcome::Replied::Answer(frame) = reply.on_response(&context, &[frame]).unwrap() else {
                        panic!("keeps facts");
                    };
                    check_answer(&bench, &testing::decode_answer(version, frame.joined()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
