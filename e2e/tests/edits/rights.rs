//! A right changes.

use anyhow::Result;
use tidegate_e2e::jars::Version;
use tidegate_e2e::requests::{Topic, described, fetch, fetched_values, init_producer_id, produce};
use tidegate_e2e::site::{Site, read, wait_for, write};

use crate::{CLUSTER_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, hide, kafka, running, topics};

const NOT_YET: [i16; 2] = [14, 15];

pub(crate) fn a_right_is_lowered_and_raised(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [orders] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders)])?;
    hide(&site, std::slice::from_ref(&orders));
    let (mut connection, named) = (site.connect()?, Topic::Name("orders"));
    assert_eq!(produce(&mut connection, named, 0, "allowed")?, 0);
    wait_for("producer ids are given out", || {
        let code = init_producer_id(&mut connection)?;
        assert!(code == 0 || NOT_YET.contains(&code), "code {code}");
        Ok(code == 0)
    })?;
    let id = Topic::Id(described(&mut connection, named)?.topic_id);

    // Asked at once: nothing that was in time may stand behind the refusal.
    let edit = site.edit(&[read("orders", &orders)])?;
    let mut written = 1;
    edit.soon("writing is refused", || {
        let code = produce(&mut connection, named, 0, "allowed")?;
        written += usize::from(code == 0);
        Ok(code == TOPIC_AUTHORIZATION_FAILED)
    })?;
    if version == Version::V4_1_1 {
        assert_eq!(produce(&mut connection, id, 0, "refused")?, TOPIC_AUTHORIZATION_FAILED);
    }
    assert_eq!(init_producer_id(&mut connection)?, CLUSTER_AUTHORIZATION_FAILED);
    for topic in [named, id] {
        let values = fetched_values(&fetch(&mut connection, topic, 0, 1_000)?)?;
        assert_eq!(values, vec!["allowed"; written]);
    }

    let edit = site.edit(&[write("orders", &orders)])?;
    edit.soon("writing is allowed again", || Ok(produce(&mut connection, named, 0, "again")? == 0))?;
    assert_eq!(init_producer_id(&mut connection)?, 0);
    site.finish(kafka)
}
