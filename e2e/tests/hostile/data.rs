//! Produce, Fetch and Metadata with ill intent.

use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiVersionsRequest, FindCoordinatorRequest, ListOffsetsRequest, MetadataRequest,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::random;
use tidegate_e2e::raw::{self, Connection};
use uuid::Uuid;

use crate::Site;
use crate::requests::{
    METADATA, PRODUCE, api_versions, as_follower, fetch_request, first_partition, framed, produce,
    produce_request, shown_id, sized, topic_name,
};
use crate::site::{ORDERS, PRICES};

/// A replica that the topic does not have; a broker refuses a follower it does not know.
const REPLICA: i32 = 7;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

#[test]
fn a_partner_that_fetches_as_a_follower_is_a_consumer() -> Result<()> {
    let site = Site::start()?;
    let (mut direct, mut partner) = (site.kafka.internal(1)?, site.connect()?);
    let id = shown_id(&mut partner, ORDERS)?;
    ensure!(id != site.orders.id, "the real id is shown");
    for version in [4, 11, 12, 13, 15, 17] {
        let control =
            as_follower(fetch_request(&site.orders.name, site.orders.id, 1_000_000), version, REPLICA);
        let (code, _) = first_partition(&direct.call(version, &control)?);
        ensure!(code != 0, "a broker takes anybody for a follower in version {version}: this proves nothing");
        let asked = as_follower(fetch_request(ORDERS, id, 1_000_000), version, REPLICA);
        let (code, bytes) = first_partition(&partner.call(version, &asked)?);
        ensure!(code == 0 && bytes > 0, "version {version}: code {code}, {bytes} bytes");
    }
    // With the id of the one real replica it would move the high watermark.
    let asked = as_follower(fetch_request(ORDERS, id, 1_000_000), 12, 1);
    assert_eq!(first_partition(&partner.call(12, &asked)?).0, 0);
    site.finish()
}

#[test]
fn an_unacknowledged_produce_without_the_right_closes() -> Result<()> {
    let site = Site::start()?;
    for topic in [PRICES, "nonsense", site.prices.name.as_str(), site.orders.name.as_str()] {
        let frame = raw::frame(1, PRODUCE, &produce_request(topic, 0, b"v")?)?;
        site.closes_partner(topic, &sized(&frame))?;
    }
    assert_eq!(end_offset(&mut site.kafka.internal(1)?, &site.prices.name)?, 0);
    site.finish()
}

#[test]
fn an_unacknowledged_produce_before_a_close_arrives() -> Result<()> {
    let site = Site::start()?;
    let mut direct = site.kafka.internal(1)?;
    let before = end_offset(&mut direct, &site.orders.name)?;
    let value = vec![b'x'; 900_000];
    let mut partner = site.connect()?;
    for i in 0..4 {
        partner.send(&raw::frame(i, PRODUCE, &produce_request(ORDERS, 0, &value)?)?)?;
    }
    drop(partner);
    for _ in 0..100 {
        if end_offset(&mut direct, &site.orders.name)? == before + 4 {
            return site.finish();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    anyhow::bail!("{} of 4 records arrived", end_offset(&mut direct, &site.orders.name)? - before)
}

#[test]
fn metadata_creates_no_topic() -> Result<()> {
    let site = Site::start()?;
    let mut partner = site.connect()?;
    let name = random::name("born-");
    for version in 0..=13 {
        let asked = MetadataRequestTopic::default().with_name(Some(topic_name(&name)));
        let request =
            MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(true);
        let answer = partner.call(version, &request)?;
        assert_eq!(answer.topics[0].error_code, TOPIC_AUTHORIZATION_FAILED, "version {version}");
    }
    assert_eq!(produce(&mut partner, &name)?, TOPIC_AUTHORIZATION_FAILED);
    std::thread::sleep(Duration::from_millis(300));
    ensure!(!site.kafka.topic_names()?.contains(&name), "{name} came to life");
    // The same question asked of the broker itself does create it, or the above proves nothing.
    let asked = MetadataRequestTopic::default().with_name(Some(topic_name(&name)));
    let request =
        MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(true);
    site.kafka.internal(1)?.call(METADATA, &request)?;
    for _ in 0..100 {
        if site.kafka.topic_names()?.contains(&name) {
            return site.finish();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    anyhow::bail!("the broker creates no topics by itself")
}

#[test]
fn a_hundred_requests_at_once_are_answered_in_order() -> Result<()> {
    let site = Site::start()?;
    let mut partner = site.connect()?;
    let mut bytes = Vec::new();
    for id in 0..100 {
        bytes.extend(sized(&request_number(id)?));
    }
    partner.send_bytes(&bytes)?;
    for id in 0..100_i32 {
        let answer = partner.receive()?;
        assert_eq!(answer[..4], id.to_be_bytes(), "the answer to request {id}");
        check_answer_number(id, answer)?;
    }
    site.finish()
}

#[test]
fn a_started_request_has_a_deadline_also_behind_a_whole_one() -> Result<()> {
    let site = Site::start()?;
    let whole = sized(&raw::frame(5, 3, &api_versions())?);
    let mut alone = site.connect()?;
    alone.send_bytes(&whole[..whole.len() / 2])?;
    assert_eq!(alone.until_closed()?, b"");
    let mut behind = site.connect()?;
    behind.send_bytes(&[&whole[..], &whole[..whole.len() / 2]].concat())?;
    behind.receive()?;
    assert_eq!(behind.until_closed()?, b"");
    let mut trickling = site.connect()?;
    for byte in framed(3, 1, &[0; 64]) {
        if trickling.send_bytes(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(60));
    }
    assert_eq!(trickling.until_closed()?, b"");
    site.finish()
}

/// With all places in flight taken the gateway reads no more: that is not the client's delay.
#[test]
fn a_request_that_the_gateway_does_not_read_is_not_late() -> Result<()> {
    let site = Site::start()?;
    let mut partner = site.connect()?;
    let slow = fetch_request(PRICES, Uuid::nil(), 10_000).with_max_wait_ms(2_500);
    let mut bytes = sized(&raw::frame(0, 12, &slow)?);
    for id in 1..32 {
        bytes.extend(sized(&raw::frame(id, 3, &list_offsets(ORDERS))?));
    }
    let last = sized(&raw::frame(32, 3, &list_offsets(ORDERS))?);
    let (first_half, second_half) = last.split_at(last.len() / 2);
    partner.send_bytes(&[&bytes[..], first_half].concat())?;
    std::thread::sleep(Duration::from_millis(1_800));
    partner.send_bytes(second_half)?;
    for id in 0..33_i32 {
        assert_eq!(partner.receive()?[..4], id.to_be_bytes());
    }
    site.finish()
}

/// Local and upstream kinds by turns.
fn request_number(id: i32) -> Result<Vec<u8>> {
    match id % 5 {
        0 => raw::frame(id, 3, &api_versions()),
        1 => raw::frame(id, 3, &list_offsets(ORDERS)),
        2 => raw::frame(id, METADATA, &MetadataRequest::default().with_topics(None)),
        3 => raw::frame(id, 12, &fetch_request(ORDERS, Uuid::nil(), 10_000)),
        _ => {
            let key = StrBytes::from_string(format!("group-{id}"));
            raw::frame(id, 4, &FindCoordinatorRequest::default().with_coordinator_keys(vec![key]))
        }
    }
}

fn check_answer_number(id: i32, answer: Vec<u8>) -> Result<()> {
    match id % 5 {
        0 => ensure!(raw::parse::<ApiVersionsRequest>(3, answer)?.1.error_code == 0),
        1 => ensure!(raw::parse::<ListOffsetsRequest>(3, answer)?.1.topics[0].partitions[0].offset >= 0),
        2 => ensure!(raw::parse::<MetadataRequest>(METADATA, answer)?.1.topics.len() == 2),
        3 => {
            let fetched = raw::parse::<kafka_protocol::messages::FetchRequest>(12, answer)?.1;
            ensure!(first_partition(&fetched).1 > 0);
        }
        _ => {
            let found = raw::parse::<FindCoordinatorRequest>(4, answer)?.1;
            ensure!(found.coordinators[0].key.as_str() == format!("group-{id}"), "{found:?}");
        }
    }
    Ok(())
}

fn list_offsets(topic: &str) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
    let asked = ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked])
}

fn end_offset(connection: &mut Connection, topic: &str) -> Result<i64> {
    let answer = connection.call(3, &list_offsets(topic))?;
    Ok(answer.topics[0].partitions[0].offset)
}
