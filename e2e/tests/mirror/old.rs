//! Sources whose brokers were older once: message sets of formats 0 and 1, as Kafka's own library has written them.

use bytes::Bytes;
use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_sim::Place;
use tidegate_sim::table::Subject;

use crate::site::{Gaps, MIRROR, Site};

const CASES: &str = include_str!("../../../crates/link/tests/fixtures/java.txt");

/// Their records are old.
const KEPT: [(&str, &str); 1] = [("retention.ms", "-1")];

/// Where the log of each begins, inside of a set or before its first record.
const BEGIN: i64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn old_message_sets_of_kafka_3_9_are_mirrored() {
    mirror(Version::V3_9_1, Version::V4_1_1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_message_sets_of_kafka_4_1_are_mirrored() {
    mirror(Version::V4_1_1, Version::V3_9_1).await;
}

async fn mirror(from: Version, to: Version) {
    let mut site = Site::of(Asked::start(from, &[]), Asked::start(to, &[]));
    let cases = cases();
    assert!(cases.len() > 20, "{}", cases.len());
    let places: Vec<Place> = cases.iter().map(|_| site.source.create_topic(&KEPT)).collect();
    let logs = places.iter().cloned().zip(&cases).map(|(place, (_, set))| (place, BEGIN, set.clone()));
    site.source.put_logs(&logs.collect::<Vec<_>>());
    let mut all = Vec::new();
    for ((name, _), place) in cases.iter().zip(places) {
        let copy = site.mirror.create_topic(&MIRROR);
        let copied = site.copy(&place, &copy, Gaps::Markers, false).await;
        all.push((name, place, copy, copied));
    }
    for (name, place, copy, mut copied) in all {
        println!("{name}");
        copied.until_done(&mut site.source, &place).await;
        // Nobody sees a filler.
        assert_eq!(site.compare(&place, &copy), 0);
        copied.stop().await;
    }
}

/// Each message set of a format before v2, and what it is called.
fn cases() -> Vec<(&'static str, Bytes)> {
    let (mut cases, mut name) = (Vec::new(), "");
    for line in CASES.lines() {
        match line.split_once(' ') {
            Some(("case", case)) => name = case,
            Some(("bytes", hex)) if name.starts_with("v0") || name.starts_with("v1") => {
                cases.push((name, bytes(hex)));
            }
            _ => {}
        }
    }
    cases
}

fn bytes(hex: &str) -> Bytes {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
