//! An alias begins to mean another topic.

use anyhow::{Result, ensure};
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;
use tidegate_e2e::requests::{
    Topic, commit, committed, described, fetch, fetch_errors, fetched_values, listed, produce,
};
use tidegate_e2e::site::{Site, write};

use crate::aliases::wait_in_broker;
use crate::{UNKNOWN_TOPIC_ID, hide, kafka, running, topics, wait_for_coordinator};

pub(crate) fn an_alias_pointed_elsewhere_closes_the_zones_connections(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [before, after, returns] = topics(kafka)?;
    let others = write("returns", &returns);
    let site = Site::start(kafka, &[write("orders", &before), others.clone()])?;
    hide(&site, &[before.clone(), after.clone(), returns.clone()]);
    assert_eq!(produce(&mut kafka.internal(1)?, Topic::Name(&after.name), 0, "of the other topic")?, 0);
    let (mut idle, group) = (site.connect()?, random::name("group-"));
    let orders = Topic::Name("orders");
    assert_eq!(produce(&mut idle, orders, 0, "of the first topic")?, 0);
    wait_for_coordinator(&mut idle, &group)?;
    assert_eq!(commit(&mut idle, &group, "orders", 1)?, 0);
    let old_id = described(&mut idle, orders)?.topic_id;
    let mut waiting = wait_in_broker(&site, orders)?;

    let edit = site.edit(&[write("orders", &after), others.clone()])?;
    for connection in [&mut idle, &mut waiting] {
        assert_eq!(connection.until_closed()?, b"");
        edit.was_soon("the zone's connections are closed")?;
    }
    let mut again = site.connect()?;
    edit.soon("the other topic is shown", || Ok(described(&mut again, orders)?.error_code == 0))?;
    let new_id = described(&mut again, orders)?.topic_id;
    ensure!(new_id != old_id, "the virtual id is still {old_id}");
    assert_eq!(described(&mut again, Topic::Id(old_id))?.error_code, UNKNOWN_TOPIC_ID);
    assert_eq!(fetch_errors(&fetch(&mut again, Topic::Id(old_id), 0, 100)?), [UNKNOWN_TOPIC_ID]);
    if version == Version::V4_1_1 {
        assert_eq!(produce(&mut again, Topic::Id(old_id), 0, "lost")?, UNKNOWN_TOPIC_ID);
    }
    for topic in [orders, Topic::Id(new_id)] {
        assert_eq!(fetched_values(&fetch(&mut again, topic, 0, 1_000)?)?, ["of the other topic"]);
    }
    assert_eq!(committed(&mut again, &group, "orders")?, (0, -1));

    // Taken away it closes nothing; back over the first topic it is again another one than clients remember.
    let edit = site.edit(std::slice::from_ref(&others))?;
    edit.soon("the alias is hidden", || Ok(listed(&mut again)? == ["returns"]))?;
    let edit = site.edit(&[write("orders", &before), others])?;
    assert_eq!(again.until_closed()?, b"");
    edit.was_soon("the zone's connections are closed once more")?;
    let mut last = site.connect()?;
    edit.soon("the first topic is shown", || Ok(described(&mut last, orders)?.topic_id == old_id))?;
    assert_eq!(committed(&mut last, &group, "orders")?, (0, 1));
    site.finish(kafka)
}
