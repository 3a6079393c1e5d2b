//! A mirror that somebody else has written to.

use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Draft, Place, Produce};

use crate::site::{Site, until_mirror};

#[test]
fn a_foreign_write_is_told_and_stays_told_until_a_person_has_seen_to_it() {
    let mut site = Site::start();
    let topics = site.topics(&[1, 1]);
    let home = MirrorHome::new().unwrap();
    let link = format!("topics: [{}, {}]", topics[0], topics[1]);
    home.write(&site.config("{type: SQLITE}", &link)).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topics[0], 1);
    assert_eq!(site.compare(&topics[0], &topics[0], 1), 0);
    let place = Place::new(&topics[0], 0);
    let end = site.mirror.list_offsets(&place, Ask::LogEnd).offset;
    let foreign = Draft::of(1, site.mirror.now());
    site.mirror.produce(&[(place.clone(), Produce::of(foreign.bytes()))]);
    site.write(&topics[0], 1);
    let offset = format!("offset {end}");
    let has_failed = |mirror: &serde_json::Value| {
        let why = mirror["why"].as_str().unwrap_or_default();
        mirror["status"] == "FAILED" && mirror["error"] == "ILLEGAL_STATE" && why.contains(&offset)
    };
    until_mirror(&daemon, &topics[0], "it has failed", has_failed);
    let log_end = site.mirror.list_offsets(&place, Ask::LogEnd).offset;

    // Another start does not make it good, and the other topic goes on.
    daemon.kill9();
    let daemon = MirrorDaemon::start(&home).unwrap();
    until_mirror(&daemon, &topics[0], "it has failed still", has_failed);
    site.write(&topics[1], 1);
    assert_eq!(site.compare(&topics[1], &topics[1], 1), 0);
    assert_eq!(site.mirror.list_offsets(&place, Ask::LogEnd).offset, log_end, "nothing came behind it");

    // A store in a file belongs to the daemon.
    let resume = ["resume", "a-to-b", topics[0].as_str()];
    let refused = home.run("tidegate-mirror", &resume).unwrap();
    assert!(!refused.status.success());
    assert!(daemon.stop().unwrap().success());
    let resumed = home.run("tidegate-mirror", &resume).unwrap();
    assert!(resumed.status.success(), "{}", resumed.stderr);
    // Nobody has seen to it: it is found again.
    let daemon = MirrorDaemon::start(&home).unwrap();
    until_mirror(&daemon, &topics[0], "it has failed again", |mirror| mirror["status"] == "FAILED");
    assert!(daemon.stop().unwrap().success());
    let (status, found) = home.verify("a-to-b").unwrap();
    assert_eq!(status.code(), Some(2));
    let verdict = &found.iter().find(|found| found["topic"] == topics[0]).unwrap()["verdict"];
    assert_eq!((&verdict["name"], &verdict["start"]), (&"DIVERGED".into(), &end.into()), "{verdict}");
}

#[test]
fn a_topic_of_somebody_else_is_left_as_it_is() {
    let mut site = Site::start();
    let topic = site.topics(&[1]).remove(0);
    site.write(&topic, 1);
    site.mirror.kafka.create_named(&["theirs".to_owned(), "unused".to_owned()], &[1, 1]).unwrap();
    let place = Place::new("theirs", 0);
    let draft = Draft::of(1, site.mirror.now());
    site.mirror.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
    let home = MirrorHome::new().unwrap();
    let link = format!("topics: [{{source: {topic}, mirror: theirs}}, {{source: {topic}, mirror: unused}}]");
    home.write(&site.config("{type: SQLITE}", &link)).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    until_mirror(&daemon, "theirs", "it is refused", |mirror| {
        let why = mirror["why"].as_str().unwrap_or_default();
        mirror["status"] == "FAILED" && why.contains("choose another name")
    });
    assert_eq!(site.compare(&topic, "unused", 1), 0, "one without records is taken");
    assert_eq!(site.mirror.list_offsets(&place, Ask::LogEnd).offset, 1);
}

/// With a store in Kafka nobody has to stop: what is still wrong is told again.
#[test]
fn a_mirror_is_resumed_beside_its_daemon() {
    let mut site = Site::start();
    let topic = site.topics(&[1]).remove(0);
    let home = MirrorHome::new().unwrap();
    let store = "{type: KAFKA, cluster: b, topic: store-of-the-resumed}";
    home.write(&site.config(store, &format!("topics: [{topic}]"))).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topic, 1);
    assert_eq!(site.compare(&topic, &topic, 1), 0);
    let foreign = Draft::of(1, site.mirror.now());
    site.mirror.produce(&[(Place::new(&topic, 0), Produce::of(foreign.bytes()))]);
    site.write(&topic, 1);
    until_mirror(&daemon, &topic, "it has failed", |mirror| mirror["status"] == "FAILED");
    for _ in 0..2 {
        let resumed = home.run("tidegate-mirror", &["resume", "a-to-b", &topic]).unwrap();
        assert!(resumed.status.success(), "{}", resumed.stderr);
        until_mirror(&daemon, &topic, "it is tried again", |mirror| mirror["status"] != "FAILED");
        until_mirror(&daemon, &topic, "it has failed again", |mirror| mirror["status"] == "FAILED");
    }
}
