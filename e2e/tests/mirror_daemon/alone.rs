//! One worker: it is killed, it is stopped, and it goes on where its logs say.

use std::time::{Duration, Instant};

use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};

use crate::site::{Site, until_mirror, verdicts};

#[test]
fn topics_are_mirrored_through_kills_and_stops() {
    let mut site = Site::start();
    let topics = site.topics(&[3, 1]);
    let home = MirrorHome::new().unwrap();
    let link = format!("topics: [{}, {{source: {}, mirror: other}}]", topics[0], topics[1]);
    home.write(&site.config("{type: SQLITE}", &link)).unwrap();
    let mut daemon = MirrorDaemon::start(&home).unwrap();
    for _ in 0..3 {
        site.write(&topics[0], 3);
        site.write(&topics[1], 1);
        assert_eq!(site.compare(&topics[0], &topics[0], 3), 0, "gaps are filled with markers");
        daemon.kill9();
        site.write(&topics[0], 3);
        daemon = MirrorDaemon::start(&home).unwrap();
    }
    assert_eq!(site.compare(&topics[0], &topics[0], 3), 0);
    assert_eq!(site.compare(&topics[1], "other", 1), 0);
    assert_eq!(verdicts(&home), ["EXACT"; 4]);
    until_mirror(&daemon, "other", "it is active", |mirror| {
        let partition = &mirror["partitions"][0];
        mirror["status"] == "ACTIVE" && partition["guard"] == "SEQUENCE" && partition["lag"] == 0
    });
    let begin = Instant::now();
    let ended = daemon.stop().unwrap();
    assert!(ended.success(), "{}", home.log());
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    // The store is free again, and tells the link's id to who compares.
    assert_eq!(verdicts(&home), ["EXACT"; 4]);
}

#[test]
fn gaps_are_filled_with_records_where_that_is_wanted() {
    let mut site = Site::start();
    let topic = site.topics(&[1]).remove(0);
    let home = MirrorHome::new().unwrap();
    home.write(&site.config("{type: SQLITE}", &format!("gaps: RECORDS, topics: [{topic}]"))).unwrap();
    let _daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topic, 1);
    // Two records that were given up, and the marker behind them.
    assert_eq!(site.compare(&topic, &topic, 1), 3);
    let (status, found) = home.verify("a-to-b").unwrap();
    assert!(status.success());
    assert_eq!(found[0]["verdict"], serde_json::json!({"name": "EXACT_WITH_FILLERS", "fillers": 3}));
}

#[test]
fn a_source_that_is_not_there_is_waited_for() {
    let mut site = Site::start();
    let home = MirrorHome::new().unwrap();
    home.write(&site.config("{type: SQLITE}", "topics: [later]")).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    site.source.kafka.create_named(&["later".to_owned()], &[2]).unwrap();
    site.write("later", 2);
    assert_eq!(site.compare("later", "later", 2), 0);
    until_mirror(&daemon, "later", "it is active", |mirror| mirror["status"] == "ACTIVE");
}
