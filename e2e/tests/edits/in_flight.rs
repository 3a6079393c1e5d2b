//! What was sent to the broker before an edit.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::ProduceRequest;
use tidegate_e2e::gateway::get;
use tidegate_e2e::jars::Version;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{
    Topic, described, fetch, fetch_request, fetched_values, listed, produce, produce_request,
};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{TOPIC_AUTHORIZATION_FAILED, hide, kafka, pausing, topics};

#[test]
fn a_produce_that_the_broker_already_has_completes() -> Result<()> {
    let (kafka, _pausing) = (kafka(Version::V4_1_1), pausing());
    let [orders, returns] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders), write("returns", &returns)])?;
    hide(&site, &[orders.clone(), returns.clone()]);
    let (name, version) = (Topic::Name("orders"), Topic::Name("orders").produce_version());
    let (mut writer, mut other) = (site.connect()?, site.connect()?);
    assert_eq!(produce(&mut writer, name, 0, "first")?, 0);
    let before = site.requests("Produce")?;
    kafka.pause(1)?;
    writer.send(&raw::frame(7, version, &produce_request(name, 0, "on its way")?)?)?;
    wait_for("the gateway has sent it on", || Ok(site.requests("Produce")? > before))?;
    let edit = site.edit(&[write("returns", &returns)])?;
    edit.soon("the alias is hidden", || Ok(listed(&mut other)? == ["returns"]))?;
    kafka.resume(1)?;
    let (id, answer) = raw::parse::<ProduceRequest>(version, writer.receive()?)?;
    assert_eq!((id, answer.responses[0].name.as_str()), (7, "orders"), "{answer:?}");
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0, "{answer:?}");
    assert_eq!(produce(&mut writer, name, 0, "too late")?, TOPIC_AUTHORIZATION_FAILED);
    let log = fetch(&mut kafka.internal(1)?, Topic::Name(&orders.name), 0, 1_000)?;
    assert_eq!(fetched_values(&log)?, ["first", "on its way"]);
    site.finish(kafka)
}

/// An answer of many megabytes is sent on while it arrives: what is still to come when its topic is revoked does not go
/// down, and since the answer cannot be taken back the connection ends.
#[test]
fn a_large_answer_under_way_ends_with_its_alias() -> Result<()> {
    let kafka = kafka(Version::V4_1_1);
    let [orders, returns] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders), write("returns", &returns)])?;
    let mut direct = kafka.internal(1)?;
    let value = "x".repeat(1_000_000);
    for _ in 0..9 {
        assert_eq!(produce(&mut direct, Topic::Name(&orders.name), 0, &value)?, 0);
    }
    // Not through the recorder, which reads all there is.
    let mut reader = Connection::open(site.home.ports().bound(), Duration::from_secs(20))?;
    let config = site.config();
    reader.log_in(&config.user.unwrap_or_default(), &config.password.unwrap_or_default())?;
    let id = Topic::Id(described(&mut reader, Topic::Name("orders"))?.topic_id);
    let mut request = fetch_request(id, 0, 100).with_max_bytes(10_000_000);
    request.topics[0].partitions[0].partition_max_bytes = 10_000_000;
    reader.send(&raw::frame(7, id.fetch_version(), &request)?)?;
    let sent = || {
        let text = get(site.home.ports().http(), "/metrics")?.body;
        let line =
            text.lines().find(|line| line.starts_with("tidegate_zone_sent_bytes_total")).map(str::to_owned);
        anyhow::Ok(line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0))
    };
    // The systems between hold some of it; who does not read leaves the rest with the broker.
    wait_for("the answer is under way", || Ok(sent()? > 100_000))?;
    let mut before = 0;
    wait_for("nothing more fits between", || {
        let now = sent()?;
        thread::sleep(Duration::from_millis(100));
        Ok(std::mem::replace(&mut before, now) == now)
    })?;
    ensure!(before < 8_000_000, "the whole answer of {before} bytes fits between");
    site.edit(&[write("returns", &returns)])?;
    let got = reader.until_closed()?;
    ensure!(got.len() < 8_000_000, "{} bytes of a revoked topic came", got.len());
    let mut other = site.connect()?;
    assert_eq!(listed(&mut other)?, ["returns"]);
    site.finish(kafka)
}
