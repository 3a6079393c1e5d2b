//! What was sent to the broker before an edit.

use anyhow::Result;
use kafka_protocol::messages::ProduceRequest;
use tidegate_e2e::jars::Version;
use tidegate_e2e::raw;
use tidegate_e2e::requests::{Topic, fetch, fetched_values, listed, produce, produce_request};
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
