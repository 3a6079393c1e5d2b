//! Workers that share partitions out among themselves: one comes, one is killed, and what it had goes on elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidegate_e2e::jars::Version;
use tidegate_mirror::{Group, GroupEvent, GroupSpec, Lease, Link, Pair};
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Draft, Place, Produce};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::site::{Gaps, Site, cluster, until_led};

const PARTITIONS: i32 = 8;

/// The shortest that brokers allow by default.
const SESSION: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(60);

type Units = Arc<Mutex<BTreeSet<String>>>;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_had_goes_on_elsewhere() {
    let mut site = Site::start(Version::V4_1_1, Version::V3_9_1);
    let topic = site.source.kafka.create_topic(PARTITIONS).unwrap();
    site.mirror.kafka.create_named(std::slice::from_ref(&topic.name), &[PARTITIONS]).unwrap();
    let places: Vec<_> = (0..PARTITIONS).map(|partition| Place::new(&topic.name, partition)).collect();
    let mut pairs = BTreeMap::new();
    for place in &places {
        until_led(&mut site.mirror, place);
        pairs.insert(place.partition.to_string(), site.pair(place, place, Gaps::Records, false).await);
    }
    write(&mut site, &places);
    let first = Worker::start(&site, &pairs);
    until("the first has all", || first.has() == 8).await;
    let second = Worker::start(&site, &pairs);
    until("each has its half", || (first.has(), second.has()) == (4, 4)).await;
    write(&mut site, &places);
    // As by kill -9: it does not leave, and says nothing.
    drop(first);
    let killed = Instant::now();
    write(&mut site, &places);
    until("the second has all", || second.has() == 8).await;
    assert!(killed.elapsed() > SESSION / 3, "a lease lasts as long as that");
    for place in &places {
        let end = site.source.list_offsets(place, Ask::StableEnd).offset;
        until("it is copied", || site.mirror.list_offsets(place, Ask::LogEnd).offset == end).await;
        assert_eq!(site.compare(place, place), 0);
    }
    second.stop().await;
}

struct Worker {
    tasks: JoinSet<()>,
    units: Units,
    stop: watch::Sender<bool>,
    // The leader shares out what it hears of here.
    _all: watch::Sender<BTreeSet<String>>,
}

impl Worker {
    fn start(site: &Site, pairs: &BTreeMap<String, Pair>) -> Self {
        let (source, mirror, lease) = (cluster(&site.source), cluster(&site.mirror), Lease::new());
        let (all, known) = watch::channel(pairs.keys().cloned().collect());
        let (events, mut told) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let spec = GroupSpec {
            group: "mirror-workers".to_owned(),
            session_timeout: SESSION,
            rebalance_timeout: Duration::from_secs(10),
        };
        let group = Group::new(Arc::clone(&mirror), spec, lease.clone(), known, events, stopped);
        let units = Units::default();
        let (has, pairs) = (Arc::clone(&units), pairs.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(group.run());
        tasks.spawn(async move {
            let link = || Link::new(Arc::clone(&source), Arc::clone(&mirror), lease.clone());
            let mut working = link();
            while let Some(event) = told.recv().await {
                match event {
                    GroupEvent::Assigned(units) => {
                        units.iter().for_each(|unit| drop(working.copy(pairs[unit].clone())));
                        *has.lock().unwrap() = units;
                    }
                    GroupEvent::Revoked(done) => {
                        std::mem::replace(&mut working, link()).stop().await;
                        has.lock().unwrap().clear();
                        let _ = done.send(());
                    }
                }
            }
        });
        Self { tasks, units, stop, _all: all }
    }

    fn has(&self) -> usize {
        self.units.lock().unwrap().len()
    }

    async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

fn write(site: &mut Site, places: &[Place]) {
    for (count, place) in (1..).zip(places) {
        let draft = Draft::of(count, site.source.now()).keyed();
        let answers = site.source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
        assert!(answers[0].1.error_code.is_none(), "{answers:?}");
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
