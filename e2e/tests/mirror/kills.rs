//! Brokers that are killed, workers that are killed, and two at once: the mirror is exact after each.

use std::time::{Duration, Instant};

use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_link::verify::Verdict;
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Place, Produce, Restart};

use crate::site::{Gaps, Site};

/// Kills of the mirror's broker in one run, and of workers.
const BROKERS: usize = 3;
const WORKERS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_the_mirror_that_is_killed_loses_and_doubles_nothing() {
    for version in [Version::V4_1_1, Version::V3_9_1] {
        let mut site = Site::start(version, version);
        let (source, mirror) = topics(&mut site);
        let mut copied = site.copy(&source, &mirror, Gaps::Markers, false).await;
        for _ in 0..BROKERS {
            write(&mut site.source, &source, 60);
            site.mirror.restart(Restart::Killed);
        }
        write(&mut site.source, &source, 5);
        copied.until_done(&mut site.source, &source).await;
        assert_eq!(site.compare(&source, &mirror), 0);
        copied.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_killed_and_two_at_once_lose_and_double_nothing() {
    let mut site = Site::start(Version::V4_1_1, Version::V4_1_1);
    let (source, mirror) = topics(&mut site);
    let mut copied = site.copy(&source, &mirror, Gaps::Records, false).await;
    for round in 0..WORKERS {
        write(&mut site.source, &source, 20);
        let next = site.copy(&source, &mirror, Gaps::Records, false).await;
        if round % 2 == 0 {
            // Both go on for a while.
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        // As by a kill: whatever is under way stays where it is.
        drop(std::mem::replace(&mut copied, next));
    }
    write(&mut site.source, &source, 5);
    copied.until_done(&mut site.source, &source).await;
    let visible = site.compare(&source, &mirror);
    assert_eq!(copied.verify().await.verdict, Verdict::ExactWithFillers(visible as u64));
    copied.stop().await;
}

fn topics(site: &mut Site) -> (Place, Place) {
    (site.source.create_topic(&[]), site.mirror.create_topic(&crate::site::MIRROR))
}

/// Batches with a gap behind each third: a transaction that is given up.
fn write(source: &mut Asked, place: &Place, batches: usize) {
    let begin = Instant::now();
    let id = format!("{}-{begin:?}", place.topic);
    for round in 0..batches {
        let draft = Draft::of(1 + round % 9, source.now()).keyed();
        source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
        if round % 20 == 0 {
            give_up(source, place, &id);
        }
    }
}

fn give_up(source: &mut Asked, place: &Place, id: &str) {
    let who = tidegate_sim::Transactional { identity: source.init_producer_id(Some(id)), id: id.to_owned() };
    source.add_to_transaction(&who, std::slice::from_ref(place));
    let draft =
        Draft::of(2, source.now()).transactional().by(who.identity.producer_id, who.identity.epoch, 0);
    let produce = Produce { transactional_id: Some(id.to_owned()), ..Produce::of(draft.bytes()) };
    source.produce(&[(place.clone(), produce)]);
    source.end_transaction(3, &who, false);
}
