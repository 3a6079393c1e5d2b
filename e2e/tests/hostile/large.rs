//! Large answers, which are sent on while they arrive.

use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::{FetchRequest, MetadataRequest};
use kafka_protocol::protocol::Decodable;
use tidegate_e2e::{raw, requests as stock};
use uuid::Uuid;

use crate::Site;
use crate::floods::fill;
use crate::requests::{METADATA, fetch_request, topic_name};
use crate::site::{ORDERS, PRICES};

const FETCH: i16 = 17;

/// Bytes of one answer.
const MOST: i32 = 8_000_000;

fn id_of(connection: &mut raw::Connection, topic: &str) -> Result<Uuid> {
    Ok(stock::described(connection, stock::Topic::Name(topic))?.topic_id)
}

#[test]
fn a_large_answer_is_the_brokers_own_and_what_was_asked_behind_it_follows() -> Result<()> {
    let site = Site::start()?;
    fill(&site)?;
    let mut direct = site.kafka.internal(1)?;
    let id = id_of(&mut direct, &site.orders.name)?;
    let expected = direct.call(FETCH, &fetch_request("", id, MOST))?;
    let mut partner = site.connect()?;
    let id = id_of(&mut partner, ORDERS)?;
    // Alone, and with one request before and one behind it in the same breath.
    for _ in 0..3 {
        let ask = MetadataRequest::default().with_topics(None);
        partner.send(&raw::frame(7, METADATA, &ask)?)?;
        partner.send(&raw::frame(8, FETCH, &fetch_request("", id, MOST))?)?;
        partner.send(&raw::frame(9, METADATA, &ask)?)?;
        let answers = [partner.receive()?, partner.receive()?, partner.receive()?];
        for (answer, mark) in answers.iter().zip(7_i32..) {
            ensure!(answer[..4] == mark.to_be_bytes(), "{:?} came for {mark}", &answer[..4]);
        }
        // Behind the mark and an empty section of tags.
        let mut body = bytes::Bytes::copy_from_slice(&answers[1][5..]);
        let answer = kafka_protocol::messages::FetchResponse::decode(&mut body, FETCH)?;
        let (got, wanted) = (&answer.responses[0], &expected.responses[0]);
        ensure!(got.topic_id == id && got.topic_id != wanted.topic_id, "{}", got.topic_id);
        let records = got.partitions[0].records.as_ref();
        ensure!(records.map_or(0, bytes::Bytes::len) > 5_000_000, "a small answer");
        ensure!(records == wanted.partitions[0].records.as_ref(), "other records than the broker's");
        assert_eq!(answer.session_id, 0);
    }
    site.finish()
}

/// Partition 0 of both topics, and one that does not exist of the first.
fn by_name(orders: &str, prices: &str, with_unknown: bool) -> FetchRequest {
    let mut asked = fetch_request(orders, Uuid::nil(), MOST);
    if with_unknown {
        let unknown = asked.topics[0].partitions[0].clone().with_partition(999);
        asked.topics[0].partitions.push(unknown);
    }
    asked.topics.extend(fetch_request(prices, Uuid::nil(), MOST).topics);
    asked
}

#[test]
fn a_large_answer_by_name_is_the_brokers_own_under_the_aliases() -> Result<()> {
    let site = Site::start()?;
    fill(&site)?;
    let (orders, prices) = (&site.orders.name, &site.prices.name);
    let mut direct = site.kafka.internal(1)?;
    let mut partner = site.connect()?;
    for version in 4..=12 {
        for with_unknown in [false, true] {
            let mut expected = direct.call(version, &by_name(orders, prices, with_unknown))?;
            // What the broker refuses is behind the rest, so that a topic comes twice.
            ensure!(expected.responses.len() == if with_unknown { 3 } else { 2 }, "{expected:?}");
            for topic in &mut expected.responses {
                topic.topic = topic_name(if topic.topic.as_str() == orders { ORDERS } else { PRICES });
            }
            for _ in 0..2 {
                let got = partner.call(version, &by_name(ORDERS, PRICES, with_unknown))?;
                let records = got.responses[0].partitions[0].records.as_ref().map_or(0, bytes::Bytes::len);
                ensure!(records > 5_000_000, "a small answer");
                ensure!(got == expected, "version {version}, with an unknown partition: {with_unknown}");
            }
        }
    }
    site.finish()
}

#[test]
fn many_who_do_not_read_hold_a_part_of_their_answers_each() -> Result<()> {
    let site = Site::start()?;
    fill(&site)?;
    let mut readers = (0..60).map(|_| site.connect()).collect::<Result<Vec<_>>>()?;
    for (number, reader) in readers.iter_mut().enumerate() {
        let id = id_of(reader, ORDERS)?;
        // By id and by name.
        let version = if number % 2 == 0 { FETCH } else { 12 };
        reader.send(&raw::frame(1, version, &fetch_request(ORDERS, id, MOST))?)?;
    }
    let mut most = 0;
    for _ in 0..20 {
        most = most.max(site.growth_kib()?);
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("60 who do not read 8 MB cost {most} KiB at most");
    ensure!(most < 48 * 1024, "60 who do not read 8 MB cost {most} KiB");
    drop(readers);
    site.finish()
}
