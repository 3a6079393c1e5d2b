//! Whole topics: made, grown, configured, and not mistaken for others of the same name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tidegate_core::{LinkId, MirrorTopic};
use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_link::copy::CopyLimits;
use tidegate_link::topic::Blocked;
use tidegate_mirror::calls::describe_configs::{ConfigsOf, Resource, describe_configs};
use tidegate_mirror::{Cluster, Lease, Link, Mirror, MirrorSpec, Share, TopicError};
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Place, Produce};
use uuid::Uuid;

use crate::site::{Site, cluster};

const PATIENCE: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// More than a broker has threads, and than a fetch has turns.
const PARTITIONS: i32 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_made_copied_grown_and_then_is_as_its_source() {
    let mut site = Site::start(Version::V3_9_1, Version::V4_1_1);
    let topic = site.source.kafka.create_topic(PARTITIONS).unwrap();
    let place = |partition| Place::new(&topic.name, partition);
    site.source.set_config(&place(0), "retention.ms", "86400000");
    for partition in 0..PARTITIONS {
        crate::site::until_led(&mut site.source, &place(partition));
        write(&mut site.source, &place(partition), 3);
    }
    let (link, mut mirror) = mirrored(&site, &topic.name);
    until(&mut mirror, &link, "all is there", |mirror| {
        mirror.partitions().count() == 64 && mirror.caught_up()
    })
    .await;
    (0..PARTITIONS).step_by(21).for_each(|partition| {
        assert_eq!(site.compare(&place(partition), &place(partition)), 0);
    });
    // The next look gives the mirror what it had to wait for.
    mirror.tend(&link, &Share::all()).await.unwrap();
    until_config(&site, &topic.name, "retention.ms", "86400000").await;
    site.source.kafka.add_partitions(&topic, PARTITIONS + 2).unwrap();
    let new = place(PARTITIONS + 1);
    crate::site::until_led(&mut site.source, &new);
    write(&mut site.source, &new, 5);
    until(&mut mirror, &link, "the new ones are copied", |mirror| {
        mirror.partitions().count() == 66 && mirror.caught_up()
    })
    .await;
    assert_eq!(site.compare(&new, &new), 0);
    link.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_not_copied_into_the_old_mirror() {
    let mut site = Site::start(Version::V4_1_1, Version::V3_9_1);
    let topic = site.source.kafka.create_topic(1).unwrap();
    let place = Place::new(&topic.name, 0);
    write(&mut site.source, &place, 3);
    let (link, mut mirror) = mirrored(&site, &topic.name);
    until(&mut mirror, &link, "all is there", Mirror::caught_up).await;
    site.source.kafka.delete_topic(&topic).unwrap();
    let begin = Instant::now();
    while !matches!(mirror.tend(&link, &Share::all()).await, Err(TopicError::NoSource { .. })) {
        assert!(begin.elapsed() < PATIENCE);
    }
    site.source.kafka.create_named(std::slice::from_ref(&topic.name), &[1]).unwrap();
    crate::site::until_led(&mut site.source, &place);
    write(&mut site.source, &place, 7);
    let begin = Instant::now();
    let blocked = loop {
        match mirror.tend(&link, &Share::all()).await {
            Err(TopicError::Blocked(blocked)) => break blocked,
            _ => assert!(begin.elapsed() < PATIENCE),
        }
    };
    assert_eq!((blocked, mirror.partitions().count()), (Blocked::Replaced, 0));
    link.stop().await;
    let end = site.mirror.list_offsets(&place, tidegate_sim::Ask::LogEnd).offset;
    assert_eq!(end, 3, "nothing of the new one");
}

/// Records of a month ago, which the mirror's retention would delete within a second; the broker knows no producer of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn retention_does_not_eat_a_mirror_that_is_behind() {
    let quick = [("log.retention.check.interval.ms", 300), ("log.initial.task.delay.ms", 300)];
    let mut site = Site::start_with(Version::V3_9_1, Version::V4_1_1, &quick);
    let source = site.source.create_topic(&[("retention.ms", "-1")]);
    for count in 0..200 {
        let draft = Draft::of(1 + count % 5, site.source.now() - 30 * DAY_MS).keyed();
        site.source.produce(&[(source.clone(), Produce::of(draft.bytes()))]);
    }
    let (link, mut mirror) = mirrored(&site, &source.topic);
    until(&mut mirror, &link, "all is there", Mirror::caught_up).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(site.compare(&source, &source), 0);
    link.stop().await;
}

fn write(source: &mut Asked, place: &Place, count: usize) {
    crate::site::until_led(source, place);
    let draft = Draft::of(count, source.now()).keyed();
    let answers = source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
    assert!(answers[0].1.error_code.is_none(), "{answers:?}");
}

/// A link that keeps the names of topics.
fn mirrored(site: &Site, topic: &str) -> (Link, Mirror) {
    let spec = MirrorSpec {
        link: LinkId::from_bytes(*Uuid::new_v4().as_bytes()),
        source: topic.to_owned(),
        mirror: MirrorTopic::parse(topic).unwrap(),
        replication_factor: Some(1),
        marker_epoch: Some(1),
        limits: CopyLimits::default(),
    };
    let link = Link::new(cluster(&site.source), cluster(&site.mirror), Lease::forever());
    (link, Mirror::new(spec))
}

async fn until(mirror: &mut Mirror, link: &Link, what: &str, holds: impl Fn(&Mirror) -> bool) {
    let begin = Instant::now();
    loop {
        let tended = mirror.tend(link, &Share::all()).await;
        if tended.is_ok() && holds(mirror) {
            return;
        }
        let statuses: Vec<_> = mirror.partitions().map(|(_, status)| status).take(3).collect();
        assert!(begin.elapsed() < PATIENCE, "waited until {what}: {tended:?} {statuses:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_config(site: &Site, topic: &str, name: &str, value: &str) {
    let begin = Instant::now();
    let cluster: std::sync::Arc<Cluster> = cluster(&site.mirror);
    loop {
        let mut connection = cluster.connect(&cluster.any().await.unwrap()).await.unwrap();
        let of = ConfigsOf { resource: Resource::Topic(topic.to_owned()), names: None };
        let configs = describe_configs(&mut connection, &[of]).await.unwrap().remove(0).unwrap();
        let configs: BTreeMap<_, _> =
            configs.into_iter().map(|config| (config.name, config.value.unwrap_or_default())).collect();
        if configs.get(name).map(String::as_str) == Some(value) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{name} is {:?}", configs.get(name));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
