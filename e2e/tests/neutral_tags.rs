//! How stock clients read an answer with tags that no version has (KIP-482): the gateway makes tags neutral in this way
//! when an answer passes, since it can then leave nothing out.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_e2e::clients::{Client, Step, records};
use tidegate_e2e::gateway::{Gateway, Home, client_config};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::site::write;

const PARTNER: &str = "partner";
const PASSWORD: &str = "partner-password";
const FETCH: i16 = 1;
/// First version in which answers pass.
const BY_ID_SINCE: i16 = 13;
const COUNT: usize = 300;

/// Those that fetch by id; the others never meet such a tag.
const BY_ID: [Client; 3] = [Client::Java, Client::Librdkafka, Client::FranzGo];

#[test]
fn stock_clients_pass_over_tags_that_no_version_has() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topics = kafka.create_topics(&[3; BY_ID.len()])?;
    let home = Home::create(&kafka)?;
    home.add_account(PARTNER, PASSWORD)?;
    let names = BY_ID.map(|client| client.to_string());
    let aliases: Vec<_> = names.iter().zip(&topics).map(|(name, topic)| write(name, topic)).collect();
    home.add_zone("acme", PARTNER, &aliases)?;
    let changed = Arc::new(AtomicUsize::new(0));
    home.ports().doors(|door, target| open(door, target, &changed))?;
    let _gateway = Gateway::start(&home)?;
    let config = client_config(&home, "PLAIN", PARTNER, PASSWORD);
    for (client, topic) in BY_ID.into_iter().zip(&names) {
        let before = changed.load(Ordering::Relaxed);
        client.run(&config, Step::Produce { topic, count: COUNT, keys: "k" })?.accepted()?;
        let consume = Step::Consume { topic, group: topic, count: COUNT };
        let read = client.run(&config, consume)?.accepted()?;
        let mut sent = records("k", COUNT);
        sent.sort();
        ensure!(read.pairs() == sent, "{client} read {} records", read.records.len());
        let changed = changed.load(Ordering::Relaxed) - before;
        println!("{client}: {changed} answers had tags");
        ensure!(changed > 0, "{client} has met no such tag");
    }
    Ok(())
}

fn open(door: u16, target: u16, changed: &Arc<AtomicUsize>) -> Result<()> {
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, door)).context("opening a door")?;
    let changed = Arc::clone(changed);
    thread::spawn(move || {
        for client in door.incoming().flatten() {
            let Ok(gateway) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { continue };
            // By correlation id: the versions of the Fetches that are not answered yet.
            let asked = Arc::new(Mutex::new(BTreeMap::new()));
            let (from, to) = (client.try_clone().unwrap(), gateway.try_clone().unwrap());
            let noted = Arc::clone(&asked);
            thread::spawn(move || relay(from, to, |frame| note(&noted, frame)));
            let changed = Arc::clone(&changed);
            thread::spawn(move || relay(gateway, client, |frame| add_tags(&asked, &changed, frame)));
        }
    });
    Ok(())
}

/// Frame by frame, until one side closes.
fn relay(mut from: TcpStream, mut to: TcpStream, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut size = [0; 4];
    while from.read_exact(&mut size).is_ok() {
        let mut frame = vec![0; u32::from_be_bytes(size) as usize];
        if from.read_exact(&mut frame).is_err() {
            break;
        }
        let frame = change(frame);
        let size = u32::try_from(frame.len()).unwrap().to_be_bytes();
        if to.write_all(&[&size, &frame[..]].concat()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

type Asked = Mutex<BTreeMap<[u8; 4], i16>>;

fn note(asked: &Asked, frame: Vec<u8>) -> Vec<u8> {
    let number = |at: usize| i16::from_be_bytes([frame[at], frame[at + 1]]);
    if number(0) == FETCH && number(2) >= BY_ID_SINCE {
        asked.lock().unwrap().insert(frame[4..8].try_into().unwrap(), number(2));
    }
    frame
}

/// Tags as the gateway leaves them, in every section that has a place for them.
fn add_tags(asked: &Asked, changed: &AtomicUsize, frame: Vec<u8>) -> Vec<u8> {
    let Some(version) = asked.lock().unwrap().remove(&frame[..4]) else { return frame };
    let mut body = Bytes::copy_from_slice(&frame[5..]);
    let mut answer = FetchResponse::decode(&mut body, version).unwrap();
    let tags = BTreeMap::from([(100, Bytes::from(vec![0; 40])), (101, Bytes::new())]);
    answer.unknown_tagged_fields.clone_from(&tags);
    for topic in &mut answer.responses {
        topic.unknown_tagged_fields.clone_from(&tags);
        for partition in &mut topic.partitions {
            partition.unknown_tagged_fields.clone_from(&tags);
            for aborted in partition.aborted_transactions.iter_mut().flatten() {
                aborted.unknown_tagged_fields.clone_from(&tags);
            }
        }
    }
    let mut out = BytesMut::from(&frame[..5]);
    answer.encode(&mut out, version).unwrap();
    changed.fetch_add(1, Ordering::Relaxed);
    out.to_vec()
}
