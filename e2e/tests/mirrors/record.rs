//! The record of a mirror in the store of a gateway.

use anyhow::Result;
use ring::rand::SystemRandom;
use tidegate_core::records::{MirrorRecord, MirrorStatus, Moment, Recorded, Sealing, Stopping, Unknown};
use tidegate_core::store::Change;
use tidegate_core::{LinkName, MirrorTopic, SourceTopic};
use tidegate_e2e::gateway::Home;
use tidegate_e2e::kafka::Topic;
use tidegate_e2e::site::{Site, read};
use tidegate_gateway::config;
use tidegate_gateway::stored::open_store;

use crate::kafka;
use crate::log::LINK;

/// A gateway on the topic whose store knows that it was a mirror until just now.
pub(crate) fn mirror_site(alias: &str, topic: &Topic) -> Result<Site> {
    Site::start_with(kafka(), &[read(alias, topic)], |home| {
        home.use_store("{type: SQLITE}")?;
        home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
        put(home, topic, MirrorStatus::PendingStopped(Stopping::Promoted))
    })
}

/// Says in the store that the topic is a mirror, or was one.
pub(crate) fn put(home: &Home, topic: &Topic, status: MirrorStatus) -> Result<()> {
    let record = MirrorRecord {
        link: LinkName::parse("a-link")?,
        link_id: LINK,
        topic: MirrorTopic::parse(&topic.name)?,
        source: SourceTopic::parse("source")?,
        source_id: None,
        fetched: vec![None],
        caught_up: std::collections::BTreeSet::new(),
        status,
        why: None,
        since: Moment(1),
        unknown: Unknown::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let parts = open_store(&config::load(&home.file("tidegate.yaml"))?).await?;
        let sealing = Sealing { sealer: &parts.sealer, random: &SystemRandom::new() };
        let change = Change::new().create(record.key()?, record.to_body(&sealing)?);
        parts.store.commit(change).await?;
        Ok(())
    })
}
