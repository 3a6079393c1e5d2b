//! Large answers, which are sent on while they arrive.

use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::MetadataRequest;
use kafka_protocol::protocol::Decodable;
use tidegate_e2e::{raw, requests as stock};
use uuid::Uuid;

use crate::Site;
use crate::floods::fill;
use crate::requests::{METADATA, fetch_request};
use crate::site::ORDERS;

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

#[test]
fn many_who_do_not_read_hold_a_part_of_their_answers_each() -> Result<()> {
    let site = Site::start()?;
    fill(&site)?;
    let mut readers = (0..60).map(|_| site.connect()).collect::<Result<Vec<_>>>()?;
    for reader in &mut readers {
        let id = id_of(reader, ORDERS)?;
        reader.send(&raw::frame(1, FETCH, &fetch_request("", id, MOST))?)?;
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
