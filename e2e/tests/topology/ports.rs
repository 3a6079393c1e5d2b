//! A broker whose node id has no port.

use anyhow::{Result, ensure};
use tidegate_e2e::random;
use tidegate_e2e::requests::{Topic, coordinator, metadata, produce};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{LEADER_NOT_AVAILABLE, NO_LEADER, door, kafka, leaders, nodes};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const WITHOUT_PORT: i32 = 3;

#[test]
fn a_broker_without_a_port_is_not_advertised() -> Result<()> {
    let kafka = kafka();
    let topic = kafka.create_topic(3)?;
    // Ports for the nodes 0 to 2.
    let narrow = |home: &tidegate_e2e::gateway::Home| home.replace("tidegate.yaml", "count: 8", "count: 3");
    let site = Site::start_with(&kafka, &[write("orders", &topic)], narrow)?;
    site.hide(&topic);
    for partition in 0..3 {
        kafka.move_leader(&topic, partition, u16::try_from(partition)? + 1)?;
    }
    ensure!(site.home.log().contains("has no port in `nodes`"), "{}", site.home.log());
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
    its_groups_have_no_coordinator(&site)?;
    site.finish(&kafka)
}

/// Groups are spread over the brokers: some of 40 belong to the one without a port.
fn its_groups_have_no_coordinator(site: &Site) -> Result<()> {
    let (mut connection, mut refused) = (site.connect()?, 0);
    for _ in 0..40 {
        let group = random::name("group-");
        let mut found = (COORDINATOR_NOT_AVAILABLE, NO_LEADER, String::new(), -1);
        // The coordinators' topic is made at its first use.
        for _ in 0..if refused == 0 { 40 } else { 1 } {
            found = coordinator(&mut connection, &group)?;
            if found.0 == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let (error, node, host, port) = found;
        ensure!(node != WITHOUT_PORT, "a broker without a port coordinates {group}");
        if error == 0 {
            let wanted = i32::from(site.home.ports().advertised_nodes()) + node;
            assert_eq!((host.as_str(), port), ("127.0.0.1", wanted));
        } else {
            assert_eq!((error, node, host.as_str(), port), (COORDINATOR_NOT_AVAILABLE, -1, "", -1));
            refused += 1;
        }
    }
    ensure!((1..40).contains(&refused), "{refused} of 40 groups have no coordinator");
    Ok(())
}
