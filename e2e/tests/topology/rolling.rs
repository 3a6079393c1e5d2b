//! Every broker is restarted in turn while clients write and read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use tidegate_e2e::clients::{Client, Step};
use tidegate_e2e::site::{Site, write};

use crate::{door, kafka};

/// Records that one client writes or reads.
const BATCH: usize = 200;

#[test]
fn a_rolling_restart_loses_and_repeats_nothing() -> Result<()> {
    let mut kafka = kafka();
    let topic = kafka.create_topic(3)?;
    let site = Site::start(&kafka, &[write("orders", &topic)])?;
    site.hide(&topic);
    let (read_enough, wrote_enough, config) = (AtomicBool::new(false), AtomicBool::new(false), site.config());
    // One client after another: each has to find leaders and coordinator as they are by then.
    let write = || {
        let mut written = 0;
        while !wrote_enough.load(Ordering::Relaxed) {
            let keys = format!("k{written}-");
            let step = Step::Produce { topic: "orders", count: BATCH, keys: &keys };
            written += Client::Librdkafka.run(&config, step)?.accepted()?.produced.len();
        }
        anyhow::Ok(written)
    };
    let read = |count| {
        let step = Step::Consume { topic: "orders", group: "readers", count };
        anyhow::Ok(Client::FranzGo.run(&config, step)?.accepted()?.pairs())
    };
    let read_on = || {
        let mut pairs = Vec::new();
        while !read_enough.load(Ordering::Relaxed) {
            pairs.extend(read(BATCH)?);
        }
        anyhow::Ok(pairs)
    };
    let (written, mut pairs) = thread::scope(|scope| {
        let (writer, reader) = (scope.spawn(write), scope.spawn(read_on));
        let restarted = kafka.restart_one_by_one();
        // The reader first: it waits for what the writer writes.
        read_enough.store(true, Ordering::Relaxed);
        let pairs = reader.join();
        wrote_enough.store(true, Ordering::Relaxed);
        let written = writer.join();
        restarted?;
        anyhow::Ok((written.expect("the writer ends")?, pairs.expect("the reader ends")?))
    })?;
    println!("{written} records written and {} read meanwhile", pairs.len());
    ensure!(written >= 2 * BATCH && pairs.len() >= 2 * BATCH, "it was over too soon");
    if written > pairs.len() {
        pairs.extend(read(written - pairs.len())?);
    }
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), written);
    let end = (0..3).map(|partition| {
        let leader = door(kafka.leader(1, &topic, partition)?)?;
        kafka.end_offset(leader, &topic, partition)
    });
    assert_eq!(usize::try_from(end.sum::<Result<i64>>()?)?, written);
    site.finish(&kafka)
}
