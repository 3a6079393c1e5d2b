//! Every step that a stock client can do, in a zone.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use tidegate_e2e::clients::{Client, End, Step};
use tidegate_e2e::jars::Version;
use tidegate_e2e::play::{self, Player};
use tidegate_e2e::random;

use crate::partner::{Partner, READ_ALIAS};

/// Topics that one client may use up, by their number of partitions.
const TOPICS: [(i32, usize); 3] = [(1, 8), (2, 2), (3, 1)];

pub(crate) fn every_client_plays_every_step_it_can(version: Version) -> Result<()> {
    let clients = Client::every();
    let names: Vec<(String, i32)> = TOPICS
        .into_iter()
        .flat_map(|(partitions, each)| {
            (0..each * clients.len()).map(move |n| (format!("work-{partitions}-{n}"), partitions))
        })
        .collect();
    let write: Vec<(&str, i32)> =
        names.iter().map(|(name, partitions)| (name.as_str(), *partitions)).collect();
    let mut partner = Partner::create_with(version, &write)?;
    partner.somebody_else_works()?;
    let mut unused: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (name, partitions) in names {
        unused.entry(partitions).or_default().push(name);
    }
    let unused = Mutex::new(unused);
    let topic = |partitions: i32| {
        let mut unused = unused.lock().expect("no client panics while it takes a topic");
        unused.get_mut(&partitions).and_then(Vec::pop).context("no topic is left")
    };
    play::each(&clients, |client| {
        let config = partner.config(client);
        // Released 3.9 brokers do not have the groups of KIP-848 switched on.
        Player { client, config: &config, knows_next: version == Version::V4_1_1, topic: &topic }.play()
    })?;
    partner.finish()
}

pub(crate) fn steps_on_foreign_topics_are_refused(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders"])?;
    let hidden = partner.hidden.name.clone();
    let foreign = hidden.as_str();
    play::each(&Client::every(), |client| {
        let config = partner.config(client);
        let (group, id) = (random::name("group-"), random::name("tx-"));
        let transact =
            |topic| Step::Transact { topic, transactional_id: &id, count: 1, keys: "k", end: End::Commit };
        let mut steps = vec![
            Step::ConsumeCommitted { topic: foreign, group: &group, count: 1 },
            Step::ReadFromBeginning { topic: foreign, count: 1 },
            Step::ReadFromTime { topic: foreign, timestamp: 0, count: 1 },
            transact(foreign),
            transact(READ_ALIAS),
        ];
        if version == Version::V4_1_1 {
            steps.push(Step::ConsumeNext { topic: foreign, group: &group, count: 1 });
        }
        // kafka-python keeps a refused subscription to itself and reads nothing.
        let silent =
            |step: Step<'_>| client == Client::KafkaPython && matches!(step, Step::ConsumeCommitted { .. });
        for step in steps.into_iter().filter(|&step| client.can(step) && !silent(step)) {
            let outcome = client.run(&config, step)?;
            let refusal = outcome.refused_with();
            assert_eq!(refusal, Some("TOPIC_AUTHORIZATION_FAILED"), "{client}: {step:?}: {outcome:?}");
        }
        Ok(())
    })?;
    partner.finish_after_asking_for(std::slice::from_ref(&hidden), &[])
}
