//! Stock clients in a zone with rates: they are slower, and that is all.

use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use tidegate_e2e::clients::{Client, Step, records};
use tidegate_e2e::site::write;

use crate::{kafka, site};

/// One of each family that reads the throttle time in its own way.
const CLIENTS: [Client; 7] = [
    Client::Java,
    Client::Librdkafka,
    Client::KafkaPython,
    Client::Aiokafka,
    Client::FranzGo,
    Client::Sarama,
    Client::KafkaJs,
];

/// Records of about 30 bytes each: two to four seconds of the rate below.
const RECORDS: usize = 1_500;
const RATES: &str = "{maxProduceRate: 15000, maxConsumeRate: 15000, limitCommitOffset: 6}";

#[test]
fn stock_clients_are_slowed_down_and_lose_nothing() -> Result<()> {
    let played: Vec<Result<()>> = thread::scope(|scope| {
        let playing = CLIENTS.map(|client| scope.spawn(move || play(client)));
        playing.into_iter().map(|one| one.join().expect("no client panics")).collect()
    });
    played.into_iter().collect()
}

fn play(client: Client) -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], RATES)?;
    let begin = Instant::now();
    let produce = Step::Produce { topic: "orders", count: RECORDS, keys: "k" };
    let consume = Step::Consume { topic: "orders", group: "readers", count: RECORDS };
    client.run(&site.config(), produce)?.accepted()?;
    let consumed = client.run(&site.config(), consume)?.accepted()?;
    let mut sent = records("k", RECORDS);
    sent.sort();
    ensure!(consumed.pairs() == sent, "{client} read {} records", consumed.records.len());
    println!("{client}: {RECORDS} records there and back in {:?}", begin.elapsed());
    site.finish(kafka())
}
