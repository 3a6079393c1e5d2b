//! Batches that other programs wrote, with the records that Kafka's own reader shows of them (`fixtures/Fixtures.java`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use std::collections::BTreeMap;

use tidegate_link::rewrite::{Limits, Run, rewrite};
use tidegate_wire::Bytes;
use tidegate_wire::batch::BatchHeader;

mod hand;

use hand::{Seen, batches, read};

#[test]
fn the_java_client_and_the_cleaner() {
    let cases = cases(include_str!("fixtures/java.txt"));
    assert_eq!(cases.len(), 44);
    for (name, case) in &cases {
        let runs = rewritten(&case.bytes);
        let count = if name.ends_with("whole") { 1 } else { 3 };
        // Uncompressed messages of old formats are cut apart here.
        let single = name.starts_with("v0-none") || name.starts_with("v1-none");
        assert!(runs.len() == count || single, "{name}");
        assert_eq!(seen(&runs), case.records, "{name}");
    }
}

#[test]
fn a_set_of_messages_becomes_one_batch_for_each_row_without_a_gap() {
    let cases = cases(include_str!("fixtures/java.txt"));
    for name in ["v0-none-create", "v1-none-create", "v1-none-append"] {
        for (kind, count) in [("whole", 1), ("gaps", 3)] {
            let case = &cases[&format!("{name}-{kind}")];
            let runs = rewrite(&case.bytes, 0, &Limits::default()).unwrap();
            assert_eq!(runs.len(), count, "{name}-{kind}");
            assert_eq!(seen(&runs), case.records, "{name}-{kind}");
        }
    }
}

#[test]
fn librdkafka() {
    let cases = cases(include_str!("fixtures/librdkafka.txt"));
    assert_eq!(cases.len(), 5);
    for (name, case) in &cases {
        let runs = rewritten(&case.bytes);
        assert_eq!(runs.len(), 1, "{name}");
        assert_eq!(seen(&runs), case.records, "{name}");
    }
}

/// A batch of a broker and what it shows.
#[derive(Default)]
struct Case {
    bytes: Bytes,
    records: Vec<Seen>,
}

fn cases(text: &str) -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        if kind == "case" {
            name = rest;
        }
        let case: &mut Case = cases.entry(name.to_owned()).or_default();
        match kind {
            "bytes" => case.bytes = hex(rest).unwrap(),
            "record" => case.records.push(record(rest)),
            _ => {}
        }
    }
    cases
}

fn record(line: &str) -> Seen {
    let fields: Vec<_> = line.split(' ').collect();
    let [offset, timestamp, key, value, headers @ ..] = &fields[..] else { panic!("{line}") };
    let header = |header: &&str| {
        let (name, value) = header.split_once('=').unwrap();
        (name.to_owned().into(), hex(value))
    };
    Seen {
        offset: offset.parse().unwrap(),
        timestamp: timestamp.parse().unwrap(),
        key: hex(key),
        value: hex(value),
        headers: headers.iter().filter(|header| !header.is_empty()).map(header).collect(),
    }
}

fn hex(text: &str) -> Option<Bytes> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (text != "-").then(|| (0..text.len()).step_by(2).map(byte).collect())
}

fn rewritten(bytes: &Bytes) -> Vec<Run> {
    let one = |batch| rewrite(&batch, 0, &Limits::default()).unwrap();
    batches(bytes).into_iter().flat_map(one).collect()
}

/// What another reader sees in runs, of which each is as it has to be.
fn seen(runs: &[Run]) -> Vec<Seen> {
    for run in runs {
        let header = BatchHeader::read(&run.batch).unwrap();
        assert_eq!((header.base_offset, header.record_count), (run.base_offset, run.count));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (-1, -1, -1));
        assert_eq!((header.leader_epoch, header.attributes & !0b111), (-1, 0));
    }
    runs.iter().flat_map(|run| read(&run.batch)).collect()
}
