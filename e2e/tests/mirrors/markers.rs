//! Two libraries know no control batch, whoever wrote it: what they make of a hidden filler is what they make of a marker of a
//! transaction. Their users cannot read topics with transactions either.

use anyhow::{Context, Result, ensure};
use tidegate_e2e::clients::{Client, ClientConfig, End, Step};

use crate::kafka;
use crate::log::MirrorLog;
use crate::record::mirror_site;

const ALIAS: &str = "orders";

#[test]
fn a_hidden_filler_is_to_every_library_what_a_marker_of_a_broker_is() -> Result<()> {
    let [marked, mirror] = &kafka().create_topics(&[1, 1])?[..] else { panic!("two topics") };
    let direct = kafka().client_config("PLAIN");
    let (topic, transactional_id) = (marked.name.as_str(), "somebody");
    let transact = Step::Transact { topic, transactional_id, count: 1, keys: "k", end: End::Commit };
    Client::Librdkafka.run(&direct, transact)?.accepted()?;
    let mut log = MirrorLog::of(kafka(), mirror)?;
    log.data(1)?;
    log.gap(100_000)?;
    let site = mirror_site(ALIAS, mirror)?;
    for (config, topic, kind) in [(&direct, topic, 1), (&site.config(), ALIAS, 0)] {
        rskafka_stumbles(config, topic)?;
        kafka_go_shows_it(config, topic, kind)?;
    }
    site.finish(kafka())
}

/// Version 0.6 takes the length of the control record for its version.
fn rskafka_stumbles(config: &ClientConfig, topic: &str) -> Result<()> {
    let read = Client::Rskafka.run(config, Step::ReadFromBeginning { topic, count: 2 });
    let error = format!("{:#}", read.err().context("rskafka has learnt to read markers")?);
    ensure!(error.contains("Unknown control batch record version: 8192"), "{error}");
    Ok(())
}

/// Version 0.4 gives the control record to its user: one for a whole filler.
fn kafka_go_shows_it(config: &ClientConfig, topic: &str, kind: u8) -> Result<()> {
    let read = Client::KafkaGo.run(config, Step::ReadFromBeginning { topic, count: 2 })?.accepted()?;
    let [data, marker] = &read.records[..] else { panic!("{read:?}") };
    ensure!((data.offset, marker.offset) == (0, 1), "{read:?}");
    ensure!(marker.key.as_bytes() == [0, 0, 0, kind] && marker.value.len() == 6, "{read:?}");
    Ok(())
}
