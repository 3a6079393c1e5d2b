//! Brokers die, are missed, and come back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::clients::{Client, Step};
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

/// Records that one client writes or reads.
const BATCH: usize = 200;

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

#[test]
fn a_rolling_restart_loses_and_repeats_nothing() -> Result<()> {
    let mut kafka = kafka();
    let topic = kafka.create_topic(3)?;
    let site = Site::start(&kafka, &[write("orders", &topic)])?;
    site.hide(&topic);
    let (read_enough, wrote_enough, config) = (AtomicBool::new(false), AtomicBool::new(false), site.config());
    // One client after another: each has to find leaders and coordinator as they are by then.
    let write = || {
        let mut written = 0;
        while !wrote_enough.load(Ordering::Relaxed) {
            let keys = format!("k{written}-");
            let step = Step::Produce { topic: "orders", count: BATCH, keys: &keys };
            written += Client::Librdkafka.run(&config, step)?.accepted()?.produced.len();
        }
        anyhow::Ok(written)
    };
    let read = |count| {
        let step = Step::Consume { topic: "orders", group: "readers", count };
        anyhow::Ok(Client::FranzGo.run(&config, step)?.accepted()?.pairs())
    };
    let read_on = || {
        let mut pairs = Vec::new();
        while !read_enough.load(Ordering::Relaxed) {
            pairs.extend(read(BATCH)?);
        }
        anyhow::Ok(pairs)
    };
    let (written, mut pairs) = thread::scope(|scope| {
        let (writer, reader) = (scope.spawn(write), scope.spawn(read_on));
        let restarted = kafka.restart_one_by_one();
        // The reader first: it waits for what the writer writes.
        read_enough.store(true, Ordering::Relaxed);
        let pairs = reader.join();
        wrote_enough.store(true, Ordering::Relaxed);
        let written = writer.join();
        restarted?;
        anyhow::Ok((written.expect("the writer ends")?, pairs.expect("the reader ends")?))
    })?;
    println!("{written} records written and {} read meanwhile", pairs.len());
    ensure!(written >= 2 * BATCH && pairs.len() >= 2 * BATCH, "it was over too soon");
    if written > pairs.len() {
        pairs.extend(read(written - pairs.len())?);
    }
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), written);
    let end = (0..3).map(|partition| {
        let leader = door(kafka.leader(1, &topic, partition)?)?;
        kafka.end_offset(leader, &topic, partition)
    });
    assert_eq!(usize::try_from(end.sum::<Result<i64>>()?)?, written);
    site.finish(&kafka)
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
