//! Aliases come and go.

use anyhow::{Result, ensure};
use kafka_protocol::messages::FetchRequest;
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{
    Topic, commit, committed, described, fetch, fetch_errors, fetch_request, fetched_values, listed, produce,
};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{
    TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_ID, hide, kafka, running, topics, wait_for_coordinator,
};

const FOREVER_MS: i32 = 20_000;
/// The correlation id of requests that wait.
const WAITING: i32 = 77;

pub(crate) fn an_added_alias_is_shown_and_served(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [orders, fresh] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders)])?;
    hide(&site, &[orders.clone(), fresh.clone()]);
    let mut connection = site.connect()?;
    let named = Topic::Name("fresh");
    assert_eq!(listed(&mut connection)?, ["orders"]);
    assert_eq!(described(&mut connection, named)?.error_code, TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(produce(&mut connection, named, 0, "too early")?, TOPIC_AUTHORIZATION_FAILED);

    let edit = site.edit(&[write("fresh", &fresh), write("orders", &orders)])?;
    // Asked once: Metadata makes the gateway look at the cluster, which the edit alone must do already.
    edit.wait_until_due();
    assert_eq!(listed(&mut connection)?, ["fresh", "orders"]);
    let shown = described(&mut connection, named)?;
    assert_eq!((shown.error_code, shown.partitions.len()), (0, 1), "{shown:?}");
    assert_eq!(produce(&mut connection, named, 0, "in time")?, 0);
    for topic in [named, Topic::Id(shown.topic_id)] {
        assert_eq!(fetched_values(&fetch(&mut connection, topic, 0, 1_000)?)?, ["in time"]);
    }
    site.finish(kafka)
}

pub(crate) fn a_removed_alias_ends_what_waits_and_is_hidden(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [orders, returns] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders), write("returns", &returns)])?;
    hide(&site, &[orders.clone(), returns.clone()]);
    let (mut other, group) = (site.connect()?, random::name("group-"));
    assert_eq!(produce(&mut other, Topic::Name("orders"), 0, "before")?, 0);
    wait_for_coordinator(&mut other, &group)?;
    assert_eq!(commit(&mut other, &group, "orders", 1)?, 0);
    let id = described(&mut other, Topic::Name("orders"))?.topic_id;
    let mut waiting: Vec<(Connection, Topic<'_>)> = Vec::new();
    for topic in [Topic::Name("orders"), Topic::Id(id)] {
        waiting.push((wait_in_broker(&site, topic)?, topic));
    }

    let edit = site.edit(&[write("returns", &returns)])?;
    for (connection, topic) in &mut waiting {
        let (id, answer) = raw::parse::<FetchRequest>(topic.fetch_version(), connection.receive()?)?;
        edit.was_soon("a waiting Fetch is answered")?;
        // Empty and throttled: clients ask again, and the next answer is the refusal.
        assert_eq!((id, answer.error_code, answer.responses.len()), (WAITING, 0, 0), "{answer:?}");
        ensure!(answer.throttle_time_ms > 0, "{answer:?}");
    }
    // It wakes the Fetches that still wait at the broker.
    let secret = random::name("secret-");
    site.forbid("record of a removed alias", &secret);
    assert_eq!(produce(&mut kafka.internal(1)?, Topic::Name(&orders.name), 0, &secret)?, 0);
    for (connection, topic) in &mut waiting {
        assert_eq!(fetch_errors(&fetch(connection, *topic, 0, 100)?), [refusal(*topic)]);
        it_is_hidden(connection, version, id)?;
        assert_eq!(produce(connection, Topic::Name("returns"), 0, "still here")?, 0);
        let answer = fetch(connection, Topic::Name("returns"), 0, 1_000)?;
        assert_eq!(fetched_values(&answer)?[0], "still here");
    }
    assert_eq!(commit(&mut other, &group, "orders", 1)?, TOPIC_AUTHORIZATION_FAILED);
    assert_eq!(committed(&mut other, &group, "orders")?.1, -1);
    site.finish(kafka)
}

/// A connection on which a Fetch at the end of the log waits in the broker for very long.
pub(crate) fn wait_in_broker(site: &Site, topic: Topic<'_>) -> Result<Connection> {
    let mut connection = site.connect()?;
    let answer = fetch(&mut connection, topic, 0, 100)?;
    assert_eq!(fetch_errors(&answer), [0]);
    let end = answer.responses[0].partitions[0].high_watermark;
    let before = site.requests("Fetch")?;
    connection.send(&raw::frame(WAITING, topic.fetch_version(), &fetch_request(topic, end, FOREVER_MS))?)?;
    wait_for("the gateway has sent it on", || Ok(site.requests("Fetch")? > before))?;
    Ok(connection)
}

/// What every request says of `orders` once it is gone.
fn it_is_hidden(connection: &mut Connection, version: Version, id: uuid::Uuid) -> Result<()> {
    let (name, id) = (Topic::Name("orders"), Topic::Id(id));
    assert_eq!(listed(connection)?, ["returns"]);
    for topic in [name, id] {
        let described = described(connection, topic)?;
        assert_eq!((described.error_code, described.partitions.len()), (refusal(topic), 0), "{described:?}");
    }
    assert_eq!(produce(connection, name, 0, "too late")?, TOPIC_AUTHORIZATION_FAILED);
    if version == Version::V4_1_1 {
        assert_eq!(produce(connection, id, 0, "too late")?, UNKNOWN_TOPIC_ID);
    }
    Ok(())
}

fn refusal(topic: Topic<'_>) -> i16 {
    match topic {
        Topic::Name(_) => TOPIC_AUTHORIZATION_FAILED,
        Topic::Id(_) => UNKNOWN_TOPIC_ID,
    }
}
