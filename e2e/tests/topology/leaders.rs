//! Leaders move.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{
    Topic, described, fetch, fetch_request, fetched_values, metadata, produce, produce_request,
};
use tidegate_e2e::site::{ENFORCED, Site, wait_for, write};

use crate::{door, kafka, leaders};

const NOT_LEADER_OR_FOLLOWER: i16 = 6;
const FENCED_LEADER_EPOCH: i16 = 74;

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

    let shown = described(&mut asking, named)?.partitions.remove(0);
    the_new_leader_is_named_in_refusals(&site, &mut at_old, id, (new, shown.leader_epoch))?;
    let mut at_new = site.connect_to(door(new)?)?;
    assert_eq!(produce(&mut at_new, named, 0, "to the new leader")?, 0);
    let values = fetched_values(&fetch(&mut at_new, id, 0, 1_000)?)?;
    assert_eq!(values, ["to the old leader", "to the new leader"]);
    site.finish(&kafka)
}

/// Since Produce 10 and Fetch 16 a refusal names the leader and its address.
fn the_new_leader_is_named_in_refusals(
    site: &Site,
    connection: &mut Connection,
    id: Topic<'_>,
    (leader, epoch): (i32, i32),
) -> Result<()> {
    let port = i32::from(site.home.ports().advertised_nodes()) + leader;
    let wanted = (leader, "127.0.0.1", port);
    let answer = connection.call(id.produce_version(), &produce_request(id, 0, "lost")?)?;
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, NOT_LEADER_OR_FOLLOWER);
    assert_eq!(
        (partition.current_leader.leader_id.0, partition.current_leader.leader_epoch),
        (leader, epoch)
    );
    let named = answer.node_endpoints.iter().map(|end| (end.node_id.0, end.host.as_str(), end.port));
    assert_eq!(named.collect::<Vec<_>>(), [wanted]);

    // A follower serves readers that know the present epoch.
    let mut request = fetch_request(id, 0, 100);
    request.topics[0].partitions[0].current_leader_epoch = epoch - 1;
    let answer = connection.call(id.fetch_version(), &request)?;
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, FENCED_LEADER_EPOCH);
    assert_eq!(
        (partition.current_leader.leader_id.0, partition.current_leader.leader_epoch),
        (leader, epoch)
    );
    let named = answer.node_endpoints.iter().map(|end| (end.node_id.0, end.host.as_str(), end.port));
    assert_eq!(named.collect::<Vec<_>>(), [wanted]);
    Ok(())
}

/// Until every broker says the same: the old leader says yes until it hears of the election.
fn wait_for_all(kafka: &Kafka, topic: &kafka::Topic, leader: i32) -> Result<()> {
    wait_for("every broker knows the new leader", || {
        Ok((1..=3).all(|id| kafka.leader(id, topic, 0).is_ok_and(|known| known == leader)))
    })
}
