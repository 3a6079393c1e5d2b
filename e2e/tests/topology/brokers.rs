//! Brokers die, are missed, and come back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::random;
use tidegate_e2e::requests::{
    Topic, commit, committed, coordinator, fetch, fetch_errors, has_coordinator, listed, metadata, produce,
};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{
    LEADER_NOT_AVAILABLE, NO_LEADER, WITHOUT_PORT, closes_on_data, coordinate, door, kafka, leaders, narrow,
    nodes,
};

const NOT_COORDINATOR: i16 = 16;

/// A broker that comes back is seen with the next round, which a client's Metadata asks for.
const SEEN: Duration = Duration::from_secs(3);

#[test]
fn a_dead_broker_is_not_shown_and_comes_back() -> Result<()> {
    let mut kafka = kafka();
    let spread = kafka.create_topic(3)?;
    let group = random::name("group-");
    let site = Site::start(&kafka, &[write("orders", &spread)])?;
    let mut asking = site.connect()?;
    let (dead, alive) = (3, 1);
    coordinate(&kafka, &site, |_| 3)?;
    let lonely = kafka.create_topic_on(door(dead)?)?;
    let aliases = [write("orders", &spread), write("lonely", &lonely)];
    site.hide(&spread);
    site.hide(&lonely);
    site.edit(&aliases)?.soon("the topic of one broker has a leader", || {
        let answer = metadata(&mut asking, None)?;
        Ok(answer.topics.len() == 2 && leaders(&answer, "lonely")?[&0] == (0, dead))
    })?;
    assert_eq!(nodes(&site, &metadata(&mut asking, None)?), [1, 2, 3]);
    let (mut at_dead, mut at_alive) = (site.connect_to(door(dead)?)?, site.connect_to(door(alive)?)?);
    wait_for("the coordinator serves the group", || has_coordinator(&mut at_dead, &group))?;
    assert_eq!(commit(&mut at_alive, &group, "orders", 5)?, NOT_COORDINATOR);
    assert_eq!(commit(&mut at_dead, &group, "orders", 5)?, 0);
    assert_eq!(produce(&mut at_dead, Topic::Name("lonely"), 0, "kept")?, 0);

    kafka.kill9(door(dead)?)?;
    assert_eq!(at_dead.until_closed()?, b"");
    // Its port stays open and says what needs no broker.
    let mut knocking = site.connect_to(door(dead)?)?;
    assert_eq!(listed(&mut knocking)?, ["lonely", "orders"]);
    closes_on_data(knocking)?;
    wait_for("Metadata shows two brokers", || Ok(nodes(&site, &metadata(&mut at_alive, None)?).len() == 2))?;
    wait_for("the others lead what the dead one led", || {
        let answer = metadata(&mut at_alive, None)?;
        ensure!(!nodes(&site, &answer).contains(&dead), "{answer:?}");
        assert_eq!(leaders(&answer, "lonely")?[&0], (LEADER_NOT_AVAILABLE, NO_LEADER));
        Ok(leaders(&answer, "orders")?.values().all(|&(error, leader)| error == 0 && leader != dead))
    })?;
    closes_on_data(site.connect_to(door(dead)?)?)?;
    each_partition_is_written(&site)?;
    the_group_has_moved(&site, &group, dead)?;

    // A gateway that has never seen the third broker opens and shows its port as soon as it is there.
    let (late, without) = (Site::start(&kafka, &aliases)?, Site::start_with(&kafka, &aliases, narrow)?);
    for site in [&late, &without] {
        site.hide(&spread);
        site.hide(&lonely);
        assert_eq!(nodes(site, &metadata(&mut site.connect()?, None)?), [1, 2]);
    }
    ensure!(!without.home.log().contains(WITHOUT_PORT), "{}", without.home.log());
    kafka.restart(door(dead)?)?;
    for site in [&site, &late] {
        it_is_back(site, dead)?;
    }
    // One that has no port for it says so to the operator, and to nobody else.
    let mut asking = without.connect()?;
    wait_for("the operator is told", || {
        let answer = metadata(&mut asking, None)?;
        assert_eq!(nodes(&without, &answer), [1, 2]);
        assert_eq!(leaders(&answer, "lonely")?[&0], (LEADER_NOT_AVAILABLE, NO_LEADER));
        Ok(without.home.log().contains(WITHOUT_PORT))
    })?;
    [site, late, without].into_iter().try_for_each(|site| site.finish(&kafka))
}

fn each_partition_is_written(site: &Site) -> Result<()> {
    let shown = leaders(&metadata(&mut site.connect()?, None)?, "orders")?;
    assert_eq!(shown.len(), 3);
    for (partition, (_, leader)) in shown {
        let mut connection = site.connect_to(door(leader)?)?;
        assert_eq!(produce(&mut connection, Topic::Name("orders"), partition, "after")?, 0);
    }
    Ok(())
}

fn the_group_has_moved(site: &Site, group: &str, dead: i32) -> Result<()> {
    wait_for("another broker coordinates the group", || {
        // Any broker may be behind the port to begin with; it may also not have heard of the death yet.
        let (error, node, host, port) = coordinator(&mut site.connect()?, group)?;
        if error != 0 || node == dead {
            return Ok(false);
        }
        assert_eq!(
            (host.as_str(), port),
            ("127.0.0.1", i32::from(site.home.ports().advertised_nodes()) + node)
        );
        let mut connection = site.connect_to(door(node)?)?;
        Ok(has_coordinator(&mut connection, group)? && committed(&mut connection, group, "orders")? == (0, 5))
    })
}

fn it_is_back(site: &Site, node: i32) -> Result<()> {
    let (back, mut asking) = (Instant::now(), site.connect()?);
    wait_for("Metadata shows three brokers and the lonely topic's leader", || {
        let answer = metadata(&mut asking, None)?;
        Ok(nodes(site, &answer).len() == 3 && leaders(&answer, "lonely")?[&0] == (0, node))
    })?;
    println!("the broker is shown {:?} after it was whole", back.elapsed());
    ensure!(back.elapsed() < SEEN, "shown after {:?}", back.elapsed());
    let mut connection = site.connect_to(door(node)?)?;
    assert_eq!(fetch_errors(&fetch(&mut connection, Topic::Name("lonely"), 0, 1_000)?), [0]);
    assert_eq!(produce(&mut connection, Topic::Name("lonely"), 0, "again")?, 0);
    Ok(())
}
