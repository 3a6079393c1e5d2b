//! What stock clients make of edits.

use std::thread::{self, JoinHandle};

use anyhow::Result;
use tidegate_e2e::clients::{Client, Outcome, Step, records};
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;
use tidegate_e2e::requests::{Topic, described, listed};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::aliases::wait_in_broker;
use crate::{TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_ID, hide, kafka, running, topics};

/// librdkafka is not told: an id that nobody knows is to it a topic that may yet come, and the refusal of the name
/// it keeps to itself. So it goes on when the alias comes back.
#[test]
fn consumers_end_or_wait_when_their_alias_goes() -> Result<()> {
    let (kafka, _running) = (kafka(Version::V4_1_1), running());
    let [orders, returns] = topics(kafka)?;
    let both = [write("orders", &orders), write("returns", &returns)];
    let site = Site::start(kafka, &both)?;
    hide(&site, &[orders, returns]);
    let (first, second) = (random::name("first-"), random::name("second-"));
    produce(&site, "orders", 1, &first)?;
    let (java, librdkafka) = (consume(&site, Client::Java, 2), consume(&site, Client::Librdkafka, 2));
    wait_for("both have read", || Ok(site.received(&format!("value of {first}")) >= 2))?;
    let edit = site.edit(&both[1..])?;
    let java = java.join().expect("the client's thread ends")?;
    println!("the Java client has ended {:?} after the edit", edit.elapsed());
    assert_eq!(java.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{java:?}");
    site.edit(&both)?;
    produce(&site, "orders", 1, &second)?;
    let librdkafka = librdkafka.join().expect("the client's thread ends")?.accepted()?;
    assert_eq!(librdkafka.pairs(), [records(&first, 1), records(&second, 1)].concat());
    site.finish(kafka)
}

#[test]
fn a_group_goes_on_under_a_new_alias() -> Result<()> {
    let (kafka, _running) = (kafka(Version::V4_1_1), running());
    let [topic] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &topic)])?;
    hide(&site, std::slice::from_ref(&topic));
    produce(&site, "orders", 6, "k")?;
    let read = |topic| {
        let consume = Step::Consume { topic, group: "readers", count: 3 };
        Client::Librdkafka.run(&site.config(), consume)?.accepted()
    };
    let mut pairs = read("orders")?.pairs();
    let mut connection = site.connect()?;
    let old = Topic::Id(described(&mut connection, Topic::Name("orders"))?.topic_id);
    let mut waiting = wait_in_broker(&site, Topic::Name("orders"))?;
    let edit = site.edit(&[write("sales", &topic)])?;
    waiting.receive()?;
    edit.was_soon("a waiting Fetch is answered")?;
    edit.soon("the new alias alone is listed", || Ok(listed(&mut connection)? == ["sales"]))?;
    let named = described(&mut connection, Topic::Name("orders"))?;
    assert_eq!(named.error_code, TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(described(&mut connection, old)?.error_code, UNKNOWN_TOPIC_ID);
    pairs.extend(read("sales")?.pairs());
    pairs.sort();
    assert_eq!(pairs, records("k", 6));
    site.finish(kafka)
}

#[test]
fn a_consumer_finds_a_topic_that_was_made_anew() -> Result<()> {
    let (kafka, _running) = (kafka(Version::V4_1_1), running());
    let [orders] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders)])?;
    hide(&site, std::slice::from_ref(&orders));
    let (before, after) = (random::name("before-"), random::name("after-"));
    produce(&site, "orders", 3, &before)?;
    let reading = consume(&site, Client::Java, 5);
    wait_for("the consumer has read", || Ok(site.received(&format!("value of {before}2")) > 0))?;
    kafka.delete_topic(&orders)?;
    let anew = kafka.create_named(std::slice::from_ref(&orders.name), &[1])?.remove(0);
    site.hide(&anew);
    produce(&site, "orders", 5, &after)?;
    let outcome = reading.join().expect("the client's thread ends")?.accepted()?;
    // The client counts a record by its place: the first three of the new topic lie where the old ones lay.
    let mut wanted = [&records(&after, 5)[3..], &records(&before, 3)].concat();
    wanted.sort();
    assert_eq!(outcome.pairs(), wanted);
    site.finish(kafka)
}

fn produce(site: &Site, topic: &str, count: usize, keys: &str) -> Result<()> {
    Client::Librdkafka.run(&site.config(), Step::Produce { topic, count, keys })?.accepted()?;
    Ok(())
}

/// Reads `orders` in a thread with a group of its own.
fn consume(site: &Site, client: Client, count: usize) -> JoinHandle<Result<Outcome>> {
    let (config, group) = (site.config(), random::name("group-"));
    thread::spawn(move || client.run(&config, Step::Consume { topic: "orders", group: &group, count }))
}
