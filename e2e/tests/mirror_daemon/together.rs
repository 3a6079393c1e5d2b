//! Workers that share a store in Kafka, and the partitions of a link.

use serde_json::Value;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};

use crate::site::{Site, until, verdicts};

const PARTITIONS: i32 = 8;

#[test]
fn workers_share_partitions_out_and_take_over_from_one_that_is_killed() {
    let mut site = Site::start();
    let topic = site.topics(&[PARTITIONS]).remove(0);
    let config = site.config("{type: KAFKA, cluster: b}", &format!("topics: [{topic}]"));
    let first_home = MirrorHome::new().unwrap();
    let second_home = first_home.beside().unwrap();
    first_home.write(&config).unwrap();
    second_home.write(&config).unwrap();
    let first = MirrorDaemon::start(&first_home).unwrap();
    site.write(&topic, PARTITIONS);
    assert_eq!(site.compare(&topic, &topic, PARTITIONS), 0);
    let second = MirrorDaemon::start(&second_home).unwrap();
    let has =
        |daemon: &MirrorDaemon| daemon.mirror(&topic).ok().flatten().map_or(0, |mirror| partitions(&mirror));
    until("each has its half", || has(&first) == 4 && has(&second) == 4);
    site.write(&topic, PARTITIONS);
    assert_eq!(site.compare(&topic, &topic, PARTITIONS), 0);
    first.kill9();
    site.write(&topic, PARTITIONS);
    until("the second has all", || has(&second) == 8);
    assert_eq!(site.compare(&topic, &topic, PARTITIONS), 0);
    // One that comes back gets its part again, and one that leaves says so.
    let first = MirrorDaemon::start(&first_home).unwrap();
    until("each has its half again", || has(&first) == 4 && has(&second) == 4);
    assert!(second.stop().unwrap().success());
    until("the first has all", || has(&first) == 8);
    site.write(&topic, PARTITIONS);
    assert_eq!(site.compare(&topic, &topic, PARTITIONS), 0);
    assert_eq!(verdicts(&first_home), ["EXACT"; 8]);
}

/// After a power cut everything starts in any order.
#[test]
fn a_daemon_waits_for_a_store_that_is_not_there_yet() {
    let mut store = Kafka::builder(Version::V4_1_1).start().unwrap();
    let mut site = Site::start();
    let topic = site.topics(&[1]).remove(0);
    let clusters = format!("clusters:\n- {{name: c, bootstrap: [\"{}\"]}}\n", store.bootstrap());
    let config = site.config("{type: KAFKA, cluster: c}", &format!("topics: [{topic}]"));
    let home = MirrorHome::new().unwrap();
    home.write(&config.replacen("clusters:\n", &clusters, 1)).unwrap();
    store.stop(1).unwrap();
    let waits = || {
        let daemon = MirrorDaemon::spawn(&home).unwrap();
        until("it says what it waits for", || home.log().contains("cannot be opened yet"));
        daemon
    };
    assert!(waits().stop().unwrap().success(), "who waits can be stopped");
    let _daemon = waits();
    store.restart(1).unwrap();
    site.write(&topic, 1);
    assert_eq!(site.compare(&topic, &topic, 1), 0);
}

fn partitions(mirror: &Value) -> usize {
    mirror["partitions"].as_array().map_or(0, Vec::len)
}
