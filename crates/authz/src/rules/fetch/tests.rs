mod mirrors;

use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};

use super::*;
use crate::testing::{self, Bench};

const SESSION_SINCE: i16 = 7;

fn topic(version: i16, name: &str, id: [u8; 16], partitions: &[i32]) -> FetchTopic {
    let partition = |index: &i32| {
        FetchPartition::default()
            .with_partition(*index)
            .with_fetch_offset(10)
            .with_partition_max_bytes(i32::MAX)
    };
    let topic = FetchTopic::default().with_partitions(partitions.iter().map(partition).collect());
    if version >= BY_ID_SINCE {
        topic.with_topic_id(Uuid::from_bytes(id))
    } else {
        topic.with_topic(TopicName(StrBytes::from_string(name.to_owned())))
    }
}

fn fetch(version: i16, topics: Vec<FetchTopic>) -> FetchRequest {
    let mut asked =
        FetchRequest::default().with_max_wait_ms(i32::MAX).with_max_bytes(i32::MAX).with_topics(topics);
    if version < 15 {
        asked.replica_id = BrokerId(2);
    } else {
        asked.replica_state = ReplicaState::default().with_replica_id(BrokerId(2)).with_replica_epoch(1);
    }
    asked
}

/// A broker that has the backing name and the partition as records.
fn broker(request: &FetchRequest) -> FetchResponse {
    let topic = |topic: &FetchTopic| {
        let partition = |p: &FetchPartition| {
            PartitionData::default()
                .with_partition_index(p.partition)
                .with_high_watermark(100)
                .with_records(Some(Bytes::from(format!("records of {}", p.partition))))
        };
        FetchableTopicResponse::default()
            .with_topic(topic.topic.clone())
            .with_topic_id(topic.topic_id)
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    FetchResponse::default().with_responses(request.topics.iter().map(topic).collect())
}

/// The answer of [`broker`] as a frame.
fn answered(version: i16, requests: &[UpstreamRequest]) -> Bytes {
    let request = Request::parse(requests[0].frame.clone().joined()).unwrap();
    let answer = broker(&codec::decode(version, &request.body).unwrap());
    super::super::frame_of(version, requests[0].correlation_id, &answer)
}

fn flat(version: i16, response: &FetchResponse) -> Vec<(String, i32, i16, String)> {
    let name = |t: &FetchableTopicResponse| match version >= BY_ID_SINCE {
        true => format!("{:x}", t.topic_id.as_u128()),
        false => t.topic.to_string(),
    };
    let records = |p: &PartitionData| String::from_utf8(p.records.clone().unwrap().to_vec()).unwrap();
    let topics = response.responses.iter();
    topics
        .flat_map(|t| t.partitions.iter().map(|p| (name(t), p.partition_index, p.error_code, records(p))))
        .collect()
}

fn shown(version: i16, name: &str, id: [u8; 16]) -> String {
    if version >= BY_ID_SINCE { format!("{:x}", u128::from_be_bytes(id)) } else { name.to_owned() }
}

#[test]
fn own_topics_are_fetched_as_a_client_and_foreign_ones_refused_at_every_version() {
    for version in Fetch.versions().iter() {
        let bench = Bench::new();
        let (prices, hidden) = (bench.virtual_id("prices"), testing::PRICES_ID);
        let asked = fetch(
            version,
            vec![
                topic(version, testing::PRICES_BACKING, hidden, &[0]),
                topic(version, "prices", prices, &[0, 1]),
            ],
        );
        let (sent, got) = bench.exchange(&Fetch, version, &asked, broker);
        let upstream = &sent[0];
        assert_eq!((upstream.replica_id.0, upstream.replica_state.replica_id.0), (-1, -1));
        assert_eq!((upstream.max_wait_ms, upstream.max_bytes), (30_000, 50 << 20));
        assert_eq!(upstream.topics.len(), 1);
        assert_eq!(upstream.topics[0].partitions[0].partition_max_bytes, 10 << 20);
        if version >= BY_ID_SINCE {
            assert_eq!(upstream.topics[0].topic_id.into_bytes(), testing::PRICES_ID);
        } else {
            assert_eq!(upstream.topics[0].topic.as_str(), testing::PRICES_BACKING);
        }
        let refused = if version >= BY_ID_SINCE { 100 } else { 29 };
        let name = shown(version, "prices", prices);
        let expected = [
            (name.clone(), 0, 0, "records of 0".to_owned()),
            (name, 1, 0, "records of 1".to_owned()),
            (shown(version, testing::PRICES_BACKING, hidden), 0, refused, String::new()),
        ];
        assert_eq!(flat(version, &got), expected, "version {version}");
    }
}

#[test]
fn foreign_topics_alone_are_refused_here() {
    for version in Fetch.versions().iter() {
        let asked = fetch(version, vec![topic(version, "nonsense", [3; 16], &[4])]);
        let got: FetchResponse = Bench::new().answer(&Fetch, version, &asked);
        let error = if version >= BY_ID_SINCE { 100 } else { 29 };
        assert_eq!(flat(version, &got), [(shown(version, "nonsense", [3; 16]), 4, error, String::new())]);
    }
}

#[test]
fn there_are_no_fetch_sessions() {
    for version in SESSION_SINCE..=18 {
        let bench = Bench::new();
        let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), &[0])]);
        let continued = asked.clone().with_session_id(5).with_session_epoch(2);
        let got: FetchResponse = bench.answer(&Fetch, version, &continued);
        assert_eq!((got.error_code, got.responses.len()), (70, 0));
        let closing = asked.with_session_id(5).with_session_epoch(-1);
        let (sent, got) =
            bench.exchange(&Fetch, version, &closing, |request| broker(request).with_session_id(9));
        assert_eq!((sent[0].session_id, sent[0].session_epoch), (0, -1));
        assert_eq!((got.session_id, got.responses.len()), (0, 1));
    }
}

#[test]
fn an_alias_revoked_while_the_broker_waits_shows_no_record() {
    for version in Fetch.versions().iter() {
        let bench = Bench::new();
        let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), &[0])]);
        let without_orders =
            testing::ZONE.lines().filter(|line| !line.contains("orders")).collect::<Vec<_>>();
        let later = testing::zone(&without_orders.join("\n"));
        let (_, got) = bench.exchange_seen_by(&Fetch, version, &asked, broker, Some(&later));
        let error = if version >= BY_ID_SINCE { 100 } else { 29 };
        assert_eq!(flat(version, &got)[0].2, error);
        assert_eq!(flat(version, &got)[0].3, "");
    }
}

#[test]
fn twins_ask_once_and_take_turns() {
    for version in Fetch.versions().iter() {
        let bench = Bench::over(testing::TWIN_ZONE);
        let (first, second) = (bench.virtual_id("first"), bench.virtual_id("second"));
        let mut with_records = Vec::new();
        for _ in 0..2 {
            let asked = fetch(
                version,
                vec![topic(version, "first", first, &[0]), topic(version, "second", second, &[0, 1])],
            );
            let (sent, got) = bench.exchange(&Fetch, version, &asked, broker);
            assert_eq!(sent[0].topics.len(), 1);
            assert_eq!(sent[0].topics[0].partitions.len(), 2);
            let got = flat(version, &got);
            assert_eq!(got.len(), 3, "every partition asked for is in the answer");
            with_records.extend(got.into_iter().filter(|p| p.1 == 0 && !p.3.is_empty()).map(|p| p.0));
        }
        with_records.sort();
        let mut both = [shown(version, "first", first), shown(version, "second", second)];
        both.sort();
        assert_eq!(with_records, both, "version {version}");
    }
}

#[test]
fn a_waiting_fetch_ends_at_once_when_one_of_its_topics_is_revoked() {
    for version in Fetch.versions().iter() {
        let bench = Bench::new();
        let (orders, prices) = (bench.virtual_id("orders"), bench.virtual_id("prices"));
        let asked = fetch(
            version,
            vec![topic(version, "orders", orders, &[0]), topic(version, "prices", prices, &[0])],
        );
        let Outcome::Forward { reply, .. } = bench.ask(&Fetch, &testing::request_of(version, &asked)) else {
            panic!("did not go upstream");
        };
        let addresses = testing::addresses();
        let ended = |zone: &str| {
            let zone = testing::zone(zone);
            let given_up = reply.give_up(&ReplyContext::new(Some(&zone), &addresses, testing::NOW)).unwrap();
            given_up.map(|frame| testing::decode_answer::<FetchResponse>(version, frame.joined()))
        };
        assert_eq!(ended(testing::ZONE), None);
        assert_eq!(ended(&testing::ZONE.replace("permission: WRITE", "permission: READ")), None);
        let answer = ended(&testing::ZONE.replace("name: prices", "name: renamed")).unwrap();
        assert_eq!((answer.error_code, answer.throttle_time_ms, answer.responses.len()), (0, 1, 0));
    }
}

#[test]
fn an_answer_passes_if_nothing_is_added_left_out_or_doubled() {
    let bench = Bench::new();
    let (orders, prices) = (bench.virtual_id("orders"), bench.virtual_id("prices"));
    let addresses = testing::addresses();
    let passes = |version: i16, topics: Vec<FetchTopic>, zone: &str| {
        let asked = testing::request_of(version, &fetch(version, topics));
        let Outcome::Forward { requests, reply } = bench.ask(&Fetch, &asked) else {
            panic!("did not go upstream")
        };
        let (frame, zone) = (answered(version, &requests), testing::zone(zone));
        reply.may_pass(
            &ReplyContext::new(Some(&zone), &addresses, testing::NOW),
            &frame[..32.min(frame.len())],
        )
    };
    for version in Fetch.versions().iter() {
        let orders = || topic(version, "orders", orders, &[0, 1]);
        let prices = || topic(version, "prices", prices, &[0]);
        let hidden = topic(version, testing::PRICES_BACKING, testing::PRICES_ID, &[0]);
        let by_id = version >= BY_ID_SINCE;
        assert!(passes(version, vec![orders(), prices()], testing::ZONE));
        assert_eq!(passes(version, vec![orders(), prices(), orders()], testing::ZONE), by_id, "one twice");
        assert_eq!(passes(version, Vec::new(), testing::ZONE), by_id, "of nothing there is no large answer");
        assert!(!passes(version, vec![orders(), hidden], testing::ZONE), "a refusal has to be added");
        let revoked = testing::ZONE.replace("name: prices", "name: renamed");
        assert!(!passes(version, vec![orders(), prices()], &revoked), "one is revoked");
    }
}

#[test]
fn a_passing_answer_shows_what_a_whole_one_shows() {
    for version in Fetch.versions().iter() {
        let bench = Bench::new();
        let own = [("orders", &[0, 1][..]), ("prices", &[0])];
        let own = own.map(|(name, partitions)| topic(version, name, bench.virtual_id(name), partitions));
        let asked = testing::request_of(version, &fetch(version, own.into()));
        let answers = [(); 2].map(|()| {
            let Outcome::Forward { requests, reply } = bench.ask(&Fetch, &asked) else {
                panic!("did not go upstream")
            };
            (answered(version, &requests), reply)
        });
        let addresses = testing::addresses();
        let context = || ReplyContext::new(Some(&bench.zone), &addresses, testing::NOW).throttled(50);
        let [(frame, whole), (_, mut passing)] = answers;
        let Replied::Answer(whole) = whole.on_response(&context(), std::slice::from_ref(&frame)).unwrap()
        else {
            panic!("it waits for the store")
        };
        let (first, second) = frame.split_at(frame.len() / 2);
        let mut received = BytesMut::from(first);
        let begin = passing.pass(&context(), &mut received).unwrap();
        assert!(!begin.is_last && !begin.part.is_empty());
        received.extend_from_slice(second);
        let end = passing.pass(&context(), &mut received).unwrap();
        assert!(end.is_last && received.is_empty());
        assert_eq!([begin.part.joined(), end.part.joined()].concat(), whole.joined(), "version {version}");
    }
}

#[test]
fn an_answer_by_name_that_repeats_a_topic_is_taken_whole() {
    for version in Fetch.versions().iter() {
        let bench = Bench::new();
        let own = ["orders", "prices"].map(|name| topic(version, name, bench.virtual_id(name), &[0, 1]));
        let asked = testing::request_of(version, &fetch(version, own.into()));
        let Outcome::Forward { requests, reply } = bench.ask(&Fetch, &asked) else {
            panic!("did not go upstream")
        };
        let request = Request::parse(requests[0].frame.clone().joined()).unwrap();
        // As Kafka does that does not know one partition: what it refuses is behind the rest.
        let mut answer = broker(&codec::decode(version, &request.body).unwrap());
        let unknown = answer.responses[0].partitions.split_off(1);
        answer.responses.push(answer.responses[0].clone().with_partitions(unknown));
        let frame = super::super::frame_of(version, requests[0].correlation_id, &answer);
        let context = ReplyContext::new(Some(&bench.zone), &bench.addresses, testing::NOW);
        assert_eq!(reply.may_pass(&context, &frame), version >= BY_ID_SINCE);
        let Replied::Answer(got) = reply.on_response(&context, &[frame]).unwrap() else { panic!("keeps") };
        assert_eq!(flat(version, &testing::decode_answer(version, got.joined())).len(), 4);
    }
}

#[test]
fn a_zone_in_debt_is_answered_here_with_nothing_and_the_time_to_be_silent() {
    let mut bench = Bench::new();
    bench.throttle_ms = 700;
    for version in Fetch.versions().iter() {
        let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), &[0])]);
        let got: FetchResponse = bench.answer(&Fetch, version, &asked);
        assert_eq!((got.throttle_time_ms, got.error_code, got.responses.len()), (700, 0, 0), "{version}");
    }
}

#[test]
fn an_answer_asks_for_the_longer_silence_of_zone_and_broker() {
    for (own, brokers, told) in [(700, 9, 700), (700, 900, 900), (0, 9, 9)] {
        for version in Fetch.versions().iter() {
            let mut bench = Bench::new();
            let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), &[0])]);
            let (sent, request) = (bench.ask(&Fetch, &testing::request_of(version, &asked)), &asked);
            let Outcome::Forward { reply, requests } = sent else { panic!("did not go upstream") };
            bench.throttle_ms = own;
            let frame = crate::rules::frame_of(
                version,
                requests[0].correlation_id,
                &broker(request).with_throttle_time_ms(brokers),
            );
            let context = ReplyContext::new(Some(&bench.zone), &bench.addresses, testing::NOW).throttled(own);
            let Replied::Answer(got) = reply.on_response(&context, &[frame]).unwrap() else {
                panic!("keeps")
            };
            let got: FetchResponse = testing::decode_answer(version, got.joined());
            assert_eq!((got.throttle_time_ms, context.throttle_ms()), (told, told), "version {version}");
        }
    }
}

#[test]
fn no_more_is_asked_for_at_once_than_the_zone_may_read_in_a_second() {
    let zone = testing::ZONE.replace("topics:", "trafficControlPolicies: {maxConsumeRate: 5000}\n  topics:");
    let bench = Bench::over(&zone);
    let asked = fetch(12, vec![topic(12, "orders", [0; 16], &[0])]);
    let (sent, _) = bench.exchange(&Fetch, 12, &asked, broker);
    assert_eq!(sent[0].max_bytes, 5_000);
}
