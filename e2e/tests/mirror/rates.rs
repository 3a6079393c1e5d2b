//! Links that must not read too fast: as they were told themselves, or as brokers want it.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_link::copy::Phase;
use tidegate_mirror::{Copying, Lease, Link, LinkOptions};
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Place, Produce};

use crate::site::{Gaps, Site, cluster, until_led};

const PARTITIONS: i32 = 4;
const BATCHES: i64 = 20;
/// Records of a batch, and bytes of a value.
const RECORDS: i64 = 100;
const VALUE: usize = 1_000;

/// Records of all partitions together, and their bytes without headers and lengths.
const ROWS: i64 = PARTITIONS as i64 * BATCHES * RECORDS;
const ALL: f64 = ROWS as f64 * VALUE as f64;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_link_reads_as_fast_as_it_may_and_all_partitions_alike() {
    const RATE: u64 = 1_000_000;
    let (mut site, places) = site();
    let options = LinkOptions::new().bytes_per_second(NonZeroU64::new(RATE).unwrap());
    let (link, copied) = copy(&mut site, &places, options).await;
    let begin = Instant::now();
    let mut seen_half_way = false;
    until_done(&copied, |positions| {
        let (least, most) = (positions.iter().min().unwrap(), positions.iter().max().unwrap());
        let sum: i64 = positions.iter().sum();
        // Some wait for the answer to their first append a little longer than others.
        if sum > ROWS / 4 {
            assert!(most - least <= 6 * RECORDS, "one runs ahead of the others: {positions:?}");
        }
        seen_half_way |= sum > ROWS / 2;
    })
    .await;
    let took = begin.elapsed().as_secs_f64();
    assert!(seen_half_way && took > ALL / RATE as f64 * 0.9, "{took} s");
    println!("{took:.1} s for {:.1} MB at {:.1} MB/s", ALL / 1e6, RATE as f64 / 1e6);
    compare(&mut site, &places);
    link.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_throttle_are_waited_for_and_nothing_is_lost() {
    let (mut site, places) = site();
    site.source.kafka.set_client_quota("consumer_byte_rate", Some(500_000.0)).unwrap();
    site.mirror.kafka.set_client_quota("producer_byte_rate", Some(500_000.0)).unwrap();
    let (link, copied) = copy(&mut site, &places, LinkOptions::new()).await;
    let begin = Instant::now();
    until_done(&copied, |_| {}).await;
    // What came in the ten seconds before counts, too, and so the first five million bytes cost nothing.
    let took = begin.elapsed().as_secs_f64();
    assert!(took > 3.0, "nobody was throttled: {took} s");
    println!("{took:.1} s for {:.1} MB at a quota of 0.5 MB/s", ALL / 1e6);
    site.source.kafka.set_client_quota("consumer_byte_rate", None).unwrap();
    compare(&mut site, &places);
    link.stop().await;
}

/// Two clusters with a topic of the same name, which is full at the source.
fn site() -> (Site, Vec<Place>) {
    let mut site = Site::start(Version::V4_1_1, Version::V3_9_1);
    let topic = site.source.kafka.create_topic(PARTITIONS).unwrap();
    site.mirror.kafka.create_named(std::slice::from_ref(&topic.name), &[PARTITIONS]).unwrap();
    let places: Vec<_> = (0..PARTITIONS).map(|partition| Place::new(&topic.name, partition)).collect();
    for place in &places {
        until_led(&mut site.mirror, place);
        until_led(&mut site.source, place);
        write(&mut site.source, place);
    }
    (site, places)
}

fn write(source: &mut Asked, place: &Place) {
    for _ in 0..BATCHES {
        let value = || Some(Bytes::from(vec![b'v'; VALUE]));
        let draft = Draft::holding((0..RECORDS).map(|_| (None, value())), source.now());
        let answers = source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
        assert!(answers[0].1.error_code.is_none(), "{answers:?}");
    }
}

async fn copy(site: &mut Site, places: &[Place], options: LinkOptions) -> (Link, Vec<Copying>) {
    let (source, mirror) = (cluster(&site.source), cluster(&site.mirror));
    let link = Link::with_options(source, mirror, Lease::forever(), options);
    let mut copied = Vec::new();
    for place in places {
        copied.push(link.copy(site.pair(place, place, Gaps::Records, false).await));
    }
    (link, copied)
}

/// Waits until all is there; nothing may be lost on the way, since that is what a broker does with whoever does not wait.
async fn until_done(copied: &[Copying], mut look: impl FnMut(&[i64])) {
    let (begin, end) = (Instant::now(), BATCHES * RECORDS);
    loop {
        let statuses: Vec<_> = copied.iter().map(Copying::status).collect();
        let begun = statuses.iter().all(|status| status.phase == Phase::Copying);
        if begun {
            assert!(statuses.iter().all(|status| status.facts.obstacle.is_none()), "{statuses:?}");
            let positions: Vec<_> = statuses.iter().map(|status| status.position.unwrap_or(0)).collect();
            look(&positions);
            if positions.iter().all(|position| *position == end) {
                return;
            }
        }
        assert!(begin.elapsed() < PATIENCE, "{statuses:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn compare(site: &mut Site, places: &[Place]) {
    for place in places {
        assert_eq!(site.compare(place, place), 0);
    }
}
