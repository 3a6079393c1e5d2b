//! Leaders move.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::requests::{Topic, described, fetch, fetch_errors, fetched_values, metadata, produce};
use tidegate_e2e::site::{ENFORCED, Site, wait_for, write};

use crate::{door, kafka, leaders};

const NOT_LEADER_OR_FOLLOWER: i16 = 6;

#[test]
fn who_meets_a_moved_leader_soon_sees_the_new_one() -> Result<()> {
    let kafka = kafka();
    let topic = kafka.create_topic(1)?;
    let site = Site::start(&kafka, &[write("orders", &topic)])?;
    site.hide(&topic);
    let named = Topic::Name("orders");
    let old = kafka.leader(1, &topic, 0)?;
    let new = (1..=3).find(|id| *id != old).context("three brokers")?;
    let (mut at_old, mut asking) = (site.connect_to(door(old)?)?, site.connect()?);
    assert_eq!(produce(&mut at_old, named, 0, "to the old leader")?, 0);
    let id = Topic::Id(described(&mut at_old, named)?.topic_id);

    kafka.move_leader(&topic, 0, door(new)?)?;
    wait_for_all(&kafka, &topic, new)?;
    assert_eq!(produce(&mut at_old, named, 0, "lost")?, NOT_LEADER_OR_FOLLOWER);
    let met = Instant::now();
    wait_for("Metadata shows the new leader", || {
        Ok(leaders(&metadata(&mut asking, None)?, "orders")?[&0] == (0, new))
    })?;
    println!("the new leader is shown {:?} after the old one was met", met.elapsed());
    ensure!(met.elapsed() <= ENFORCED, "the new leader is shown after {:?}", met.elapsed());

    // A follower answers a Fetch of a client without a rack as a follower does: ask the leader.
    let answer = fetch(&mut at_old, id, 0, 100)?;
    assert_eq!(fetch_errors(&answer), [NOT_LEADER_OR_FOLLOWER]);
    for endpoint in &answer.node_endpoints {
        let port = i32::from(site.home.ports().advertised_nodes()) + endpoint.node_id.0;
        assert_eq!((endpoint.host.as_str(), endpoint.port, &endpoint.rack), ("127.0.0.1", port, &None));
    }
    assert_eq!(answer.node_endpoints.len(), 1, "{answer:?}");
    let current = answer.responses[0].partitions[0].current_leader.leader_id.0;
    assert_eq!((current, answer.node_endpoints[0].node_id.0), (new, new));

    let mut at_new = site.connect_to(door(new)?)?;
    assert_eq!(produce(&mut at_new, named, 0, "to the new leader")?, 0);
    let values = fetched_values(&fetch(&mut at_new, id, 0, 1_000)?)?;
    assert_eq!(values, ["to the old leader", "to the new leader"]);
    site.finish(&kafka)
}

/// Until every broker says the same: the old leader says yes until it hears of the election.
fn wait_for_all(kafka: &Kafka, topic: &tidegate_e2e::kafka::Topic, leader: i32) -> Result<()> {
    wait_for("every broker knows the new leader", || {
        Ok((1..=3).all(|id| kafka.leader(id, topic, 0).is_ok_and(|known| known == leader)))
    })
}
