//! A broker whose node id has no port.

use anyhow::{Result, ensure};
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::requests::{Topic, coordinator, metadata, produce};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{LEADER_NOT_AVAILABLE, NO_LEADER, WITHOUT_PORT, coordinate, door, kafka, leaders, narrow, nodes};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;

#[test]
fn a_broker_without_a_port_is_not_advertised() -> Result<()> {
    let kafka = kafka();
    let topic = kafka.create_topic(3)?;
    let site = Site::start_with(&kafka, &[write("orders", &topic)], narrow)?;
    site.hide(&topic);
    for partition in 0..3 {
        kafka.move_leader(&topic, partition, u16::try_from(partition)? + 1)?;
    }
    ensure!(site.home.log().contains(WITHOUT_PORT), "{}", site.home.log());
    let mut connection = site.connect()?;
    let wanted = [(0, 1), (0, 2), (LEADER_NOT_AVAILABLE, NO_LEADER)];
    wait_for("two partitions have leaders", || {
        let shown = leaders(&metadata(&mut connection, None)?, "orders")?;
        Ok(shown.into_values().eq(wanted))
    })?;
    let answer = metadata(&mut connection, None)?;
    assert_eq!(nodes(&site, &answer), [1, 2]);
    ensure!([1, 2].contains(&answer.controller_id.0), "{answer:?}");
    for partition in [0, 1] {
        let mut connection = site.connect_to(door(partition + 1)?)?;
        assert_eq!(produce(&mut connection, Topic::Name("orders"), partition, "reached")?, 0);
    }
    its_groups_have_no_coordinator(&kafka, &site)?;
    site.finish(&kafka)
}

/// Half of the groups belong to the broker without a port, the others to one that has one.
fn its_groups_have_no_coordinator(kafka: &Kafka, site: &Site) -> Result<()> {
    let mut connection = site.connect()?;
    coordinate(kafka, site, |partition| if partition < 4 { 3 } else { 1 })?;
    let at = i32::from(site.home.ports().advertised_nodes()) + 1;
    let (served, refused) =
        ((0, 1, "127.0.0.1".to_owned(), at), (COORDINATOR_NOT_AVAILABLE, -1, String::new(), -1));
    let (mut both, groups) = ([false; 2], (0..).map(|i| format!("group-{i}")));
    for group in groups.take(40) {
        // Brokers learn of moved leaders one after another.
        wait_for("the group is served or refused", || {
            let found = coordinator(&mut connection, &group)?;
            both[0] |= found == served;
            both[1] |= found == refused;
            Ok(found == served || found == refused)
        })?;
    }
    assert_eq!(both, [true; 2], "groups served, groups refused");
    Ok(())
}
