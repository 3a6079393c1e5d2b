//! No broker is up.

use anyhow::{Result, ensure};
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::requests::{Topic, described, listed, metadata, produce};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{closes_on_data, nodes};

#[test]
fn without_brokers_local_answers_stay_and_data_closes() -> Result<()> {
    let mut kafka = Kafka::builder(Version::V3_9_1).start()?;
    let topic = kafka.create_topic(1)?;
    let site = Site::start(&kafka, &[write("orders", &topic)])?;
    site.hide(&topic);
    let named = Topic::Name("orders");
    let (mut busy, mut idle) = (site.connect()?, site.connect()?);
    assert_eq!(produce(&mut busy, named, 0, "before")?, 0);
    let shown = described(&mut idle, named)?;

    kafka.kill9(1)?;
    assert_eq!(busy.until_closed()?, b"");
    for mut connection in [site.connect()?, site.connect_to(1)?, idle] {
        let versions = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("raw"))
            .with_client_software_version(StrBytes::from_static_str("1"));
        let versions = connection.call(3, &versions)?;
        ensure!(versions.error_code == 0 && versions.api_keys.len() > 5, "{versions:?}");
        assert_eq!(listed(&mut connection)?, ["orders"]);
        assert_eq!(nodes(&site, &metadata(&mut connection, None)?), [1]);
        assert_eq!(described(&mut connection, named)?, shown);
        closes_on_data(connection)?;
    }
    // What an operator edits counts all the same.
    let mut connection = site.connect()?;
    let edit = site.edit(&[write("returns", &topic)])?;
    edit.soon("the renamed alias is listed", || Ok(listed(&mut connection)? == ["returns"]))?;

    kafka.restart(1)?;
    wait_for("what is asked is served again", || {
        let mut connection = site.connect()?;
        Ok(produce(&mut connection, Topic::Name("returns"), 0, "after").is_ok_and(|code| code == 0))
    })?;
    site.finish(&kafka)
}
