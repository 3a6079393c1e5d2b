use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::BatchIndexAndErrorMessage;
use kafka_protocol::messages::{ProduceRequest as Typed, TransactionalId};
use tidegate_core::facts::Fact;

use super::*;
use crate::testing::{self, Bench, request_of};

fn batch(attributes: u8) -> Bytes {
    batch_of(-1, attributes)
}

fn batch_of(producer_id: i64, attributes: u8) -> Bytes {
    let mut bytes = vec![0; batch::HEADER_LENGTH + 7];
    bytes[11] = 56;
    bytes[16] = 2;
    bytes[22] = attributes;
    bytes[43..51].copy_from_slice(&producer_id.to_be_bytes());
    bytes[60] = 1;
    bytes.into()
}

fn topic(version: i16, name: &str, id: [u8; 16], records: Bytes) -> TopicProduceData {
    let data = TopicProduceData::default()
        .with_partition_data(vec![PartitionProduceData::default().with_index(1).with_records(Some(records))]);
    if version >= BY_ID_SINCE {
        data.with_topic_id(Uuid::from_bytes(id))
    } else {
        data.with_name(TopicName(StrBytes::from_string(name.to_owned())))
    }
}

fn produce(topics: Vec<TopicProduceData>) -> Typed {
    Typed::default().with_acks(-1).with_timeout_ms(1000).with_topic_data(topics)
}

/// A broker that appends at offset 5 and says too much.
fn broker(version: i16) -> impl FnMut(&Typed) -> ProduceResponse {
    move |request| {
        let text = || Some(StrBytes::from_static_str("upstream-1 says"));
        let partition = |p: &PartitionProduceData| {
            let mut done = PartitionProduceResponse::default().with_index(p.index).with_base_offset(5);
            if version >= 8 {
                done.error_message = text();
                done.record_errors =
                    vec![BatchIndexAndErrorMessage::default().with_batch_index_error_message(text())];
            }
            if version >= 10 {
                done.current_leader =
                    LeaderIdAndEpoch::default().with_leader_id(BrokerId(3)).with_leader_epoch(9);
            }
            done
        };
        let topic = |topic: &TopicProduceData| {
            TopicProduceResponse::default()
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
                .with_partition_responses(topic.partition_data.iter().map(partition).collect())
        };
        let mut response =
            ProduceResponse::default().with_responses(request.topic_data.iter().map(topic).collect());
        if version >= 10 {
            let node = |id| {
                NodeEndpoint::default()
                    .with_node_id(BrokerId(id))
                    .with_host(text().unwrap())
                    .with_rack(text())
            };
            response.node_endpoints = vec![node(2), node(3)];
        }
        response
    }
}

fn flat(version: i16, response: &ProduceResponse) -> Vec<(String, i16, i64)> {
    let name = |t: &TopicProduceResponse| {
        if version >= BY_ID_SINCE { format!("{:x}", t.topic_id.as_u128()) } else { t.name.to_string() }
    };
    let topics = response.responses.iter();
    topics
        .flat_map(|t| t.partition_responses.iter().map(|p| (name(t), p.error_code, p.base_offset)))
        .collect()
}

fn shown(version: i16, name: &str, id: [u8; 16]) -> String {
    if version >= BY_ID_SINCE { format!("{:x}", u128::from_be_bytes(id)) } else { name.to_owned() }
}

#[test]
fn a_write_alias_goes_upstream_and_read_or_foreign_ones_are_refused_at_every_version() {
    for version in Produce.versions().iter() {
        let bench = Bench::new();
        let (orders, prices) = (bench.virtual_id("orders"), bench.virtual_id("prices"));
        let hidden = testing::ORDERS_ID;
        let asked = produce(vec![
            topic(version, "orders", orders, batch(0)),
            topic(version, "prices", prices, batch(0)),
            topic(version, testing::ORDERS_BACKING, hidden, batch(0)),
        ]);
        let (sent, got) = bench.exchange(&Produce, version, &asked, broker(version));
        assert_eq!(sent[0].topic_data.len(), 1);
        let upstream = &sent[0].topic_data[0];
        if version >= BY_ID_SINCE {
            assert_eq!(upstream.topic_id.into_bytes(), testing::ORDERS_ID);
        } else {
            assert_eq!(upstream.name.as_str(), testing::ORDERS_BACKING);
        }
        assert_eq!(upstream.partition_data[0].records, Some(batch(0)));
        let mut expected = vec![
            (shown(version, "orders", orders), 0, 5),
            (shown(version, "prices", prices), 29, -1),
            (
                shown(version, testing::ORDERS_BACKING, hidden),
                if version >= BY_ID_SINCE { 100 } else { 29 },
                -1,
            ),
        ];
        let mut got = flat(version, &got);
        expected.sort();
        got.sort();
        assert_eq!(got, expected, "version {version}");
    }
}

#[test]
fn texts_hosts_and_hidden_leaders_of_the_broker_are_blanked() {
    for version in Produce.versions().iter() {
        let bench = Bench::new();
        let asked = produce(vec![topic(version, "orders", bench.virtual_id("orders"), batch(0))]);
        let (_, got) = bench.exchange(&Produce, version, &asked, broker(version));
        let bytes = testing::encoded(version, &got);
        assert!(!bytes.windows(8).any(|window| window == b"upstream"), "version {version}");
        if version >= 10 {
            assert_eq!(got.responses[0].partition_responses[0].current_leader, LeaderIdAndEpoch::default());
            let nodes: Vec<_> =
                got.node_endpoints.iter().map(|n| (n.node_id.0, n.host.as_str(), n.port)).collect();
            assert_eq!(nodes, [(2, "gateway.example", 19102)]);
        }
    }
}

#[test]
fn each_broken_batch_has_its_own_error() {
    let two = Bytes::from([batch(0), batch(0)].concat());
    let cases =
        [(Bytes::new(), 2), (two, 87), (batch(0b10_0000), 87), (batch(0b111), 76), (batch(0b1_0000), 53)];
    for (records, error) in cases {
        let asked = produce(vec![topic(9, "orders", [0; 16], records)]);
        let got: ProduceResponse = Bench::new().answer(&Produce, 9, &asked);
        assert_eq!(flat(9, &got), [("orders".to_owned(), error, -1)]);
    }
}

#[test]
fn a_partition_named_twice_is_never_last_one_wins() {
    let asked = produce(vec![topic(9, "orders", [0; 16], batch(0)), topic(9, "orders", [0; 16], batch(1))]);
    let (sent, got) = Bench::new().exchange(&Produce, 9, &asked, broker(9));
    assert_eq!(sent[0].topic_data[0].partition_data.len(), 1);
    assert_eq!(sent[0].topic_data[0].partition_data[0].records, Some(batch(0)));
    assert_eq!(flat(9, &got), [("orders".to_owned(), 0, 5), ("orders".to_owned(), 42, -1)]);
}

#[test]
fn transactional_ids_are_prefixed_and_impossible_acks_refused() {
    for version in Produce.versions().iter() {
        let bench = Bench::new();
        let data = || vec![topic(version, "orders", bench.virtual_id("orders"), batch(0b1_0000))];
        let id = |id| Some(TransactionalId(StrBytes::from_static_str(id)));
        let (sent, _) = bench.exchange(
            &Produce,
            version,
            &produce(data()).with_transactional_id(id("tx")),
            broker(version),
        );
        let expected = testing::prefix("partner").transactional_id("tx").unwrap();
        assert_eq!(sent[0].transactional_id.as_deref().map(StrBytes::as_str), Some(&*expected));
        for (asked, error) in
            [(produce(data()).with_transactional_id(id("")), 53), (produce(data()).with_acks(2), 21)]
        {
            let got: ProduceResponse = bench.answer(&Produce, version, &asked);
            assert_eq!(flat(version, &got)[0].1, error);
        }
    }
}

#[test]
fn a_producer_id_that_the_zone_was_not_issued_is_refused_and_an_issued_one_passes() {
    const OWN: i64 = 77;
    const OF_ANOTHER_ZONE: i64 = 78;
    for version in Produce.versions().iter() {
        let mut bench = Bench::new();
        bench.stored_producers.push(OWN);
        let orders = bench.virtual_id("orders");
        let asked = |id| produce(vec![topic(version, "orders", orders, batch_of(id, 0))]);
        let (sent, _) = bench.exchange(&Produce, version, &asked(OWN), broker(version));
        assert_eq!(sent.len(), 1);
        let got: ProduceResponse = bench.answer(&Produce, version, &asked(OF_ANOTHER_ZONE));
        assert_eq!(flat(version, &got)[0].1, 49);
    }
}

#[test]
fn the_store_is_asked_for_one_unknown_id_and_a_second_one_is_refused() {
    let bench = Bench::new();
    let orders = |id| topic(9, "orders", [0; 16], batch_of(id, 0));
    let partition = |data: TopicProduceData, index| {
        let [one] = &data.partition_data[..] else { panic!("one partition") };
        let one = one.clone().with_index(index);
        data.with_partition_data(vec![one])
    };
    let asked = produce(vec![partition(orders(5), 0), partition(orders(6), 1), partition(orders(-1), 2)]);
    let request = request_of(9, &asked);
    let Outcome::Ask(question) = bench.ask_once(&Produce, &request, &[]) else { panic!("no question") };
    assert_eq!(question, Question::Producers(vec![5]));
    bench.zone.take(&[Fact::Producer { id: 5, used: testing::NOW }]);
    let (sent, got) = bench.exchange(&Produce, 9, &asked, broker(9));
    let indexes: Vec<_> =
        sent[0].topic_data.iter().flat_map(|t| &t.partition_data).map(|p| p.index).collect();
    assert_eq!(indexes, [0, 2]);
    assert!(flat(9, &got).iter().any(|(_, error, _)| *error == 49));
}

#[test]
fn without_acknowledgement_a_refusal_closes_and_a_permitted_request_waits_for_nothing() {
    for version in Produce.versions().iter() {
        let bench = Bench::new();
        let ask = |name, id| {
            let asked = produce(vec![topic(version, name, id, batch(0))]).with_acks(0);
            bench.ask(&Produce, &request_of(version, &asked))
        };
        assert!(matches!(ask("orders", bench.virtual_id("orders")), Outcome::Tell(_)));
        assert!(matches!(ask("prices", bench.virtual_id("prices")), Outcome::Close(_)));
        assert!(matches!(ask("nonsense", [5; 16]), Outcome::Close(_)));
    }
}

#[test]
fn the_longer_silence_of_zone_and_broker_is_asked_for() {
    let mut bench = Bench::new();
    for (own, brokers, told) in [(700, 9, 700), (700, 900, 900)] {
        bench.throttle_ms = own;
        for version in Produce.versions().iter() {
            let id = bench.virtual_id("orders");
            let asked = produce(vec![topic(version, "orders", id, batch(0))]);
            let (_, got) = bench.exchange(&Produce, version, &asked, |request| {
                broker(version)(request).with_throttle_time_ms(brokers)
            });
            assert_eq!(got.throttle_time_ms, told, "version {version}");
            let foreign = produce(vec![topic(version, testing::HIDDEN_TOPIC, [9; 16], batch(0))]);
            let got: ProduceResponse = bench.answer(&Produce, version, &foreign);
            assert_eq!(got.throttle_time_ms, own, "version {version}");
        }
    }
}
