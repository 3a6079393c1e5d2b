//! What is changed in the configuration while the daemon runs.

use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Place};

use crate::site::{Site, until, until_mirror, verdicts};

#[test]
fn topics_wait_go_on_and_are_added() {
    let mut site = Site::start();
    let topics = site.topics(&[2, 1]);
    let home = MirrorHome::new().unwrap();
    let write = |link: &str| home.write(&site.config("{type: SQLITE}", link)).unwrap();
    let first = format!("topics: [{}]", topics[0]);
    write(&first);
    let waits = format!("topics: [{{source: {}, paused: true}}, {}]", topics[0], topics[1]);
    let (waiting, broken) =
        (site.config("{type: SQLITE}", &waits), site.config("{type: SQLITE}", "topics: []"));
    let other_store = site.config("{type: KAFKA, cluster: b}", &first);
    let all = site.config("{type: SQLITE}", &format!("topics: [{}, {}]", topics[0], topics[1]));
    let link_waits = site.config("{type: SQLITE}", &format!("paused: true, topics: [{}]", topics[1]));

    let daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topics[0], 2);
    assert_eq!(site.compare(&topics[0], &topics[0], 2), 0);

    home.write(&waiting).unwrap();
    daemon.signal("HUP").unwrap();
    until_mirror(&daemon, &topics[0], "it waits", |mirror| mirror["status"] == "PAUSED");
    let end = |site: &mut Site| site.mirror.list_offsets(&Place::new(&topics[0], 0), Ask::LogEnd).offset;
    let before = end(&mut site);
    site.write(&topics[0], 2);
    site.write(&topics[1], 1);
    assert_eq!(site.compare(&topics[1], &topics[1], 1), 0, "the one that was added");
    assert_eq!(end(&mut site), before, "nothing is written to one that waits");

    // What cannot be done changes nothing.
    for (config, why) in [(&broken, "the list is empty"), (&other_store, "start the daemon anew")] {
        home.write(config).unwrap();
        daemon.signal("HUP").unwrap();
        until("it says why", || home.log().contains(why));
        assert_eq!(daemon.mirror(&topics[0]).unwrap().unwrap()["status"], "PAUSED");
    }

    home.write(&all).unwrap();
    daemon.signal("HUP").unwrap();
    assert_eq!(site.compare(&topics[0], &topics[0], 2), 0, "it goes on where it was");
    until_mirror(&daemon, &topics[0], "it says so", |mirror| mirror["status"] == "ACTIVE");

    // One that is taken out waits, and so does all of a link that is to.
    home.write(&link_waits).unwrap();
    daemon.signal("HUP").unwrap();
    until("the link has let go", || daemon.mirror(&topics[0]).unwrap().is_none());
    let before = end(&mut site);
    site.write(&topics[0], 2);
    site.write(&topics[1], 1);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(end(&mut site), before);
    home.write(&all).unwrap();
    daemon.signal("HUP").unwrap();
    assert_eq!(site.compare(&topics[0], &topics[0], 2), 0);
    assert_eq!(site.compare(&topics[1], &topics[1], 1), 0);
    assert_eq!(verdicts(&home), ["EXACT"; 3]);
}

#[test]
fn a_source_that_grows_is_followed() {
    let mut site = Site::start();
    let topic = site.source.kafka.create_topic(1).unwrap();
    let home = MirrorHome::new().unwrap();
    home.write(&site.config("{type: SQLITE}", &format!("topics: [{}]", topic.name))).unwrap();
    let _daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topic.name, 1);
    assert_eq!(site.compare(&topic.name, &topic.name, 1), 0);
    site.source.kafka.add_partitions(&topic, 3).unwrap();
    site.write(&topic.name, 3);
    assert_eq!(site.compare(&topic.name, &topic.name, 3), 0);
}
