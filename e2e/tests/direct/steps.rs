//! Every client plays every step that it can, each on topics and groups of its own.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tidegate_e2e::clients::{Client, ClientConfig, End, Group, Outcome, Step, records};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;

#[test]
fn kafka_4_1_every_client_plays_every_step_it_can() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    for client in Client::every() {
        let topics = kafka.create_topics(&[2, 2, 2])?;
        let [source, written, copied] = [&topics[0].name, &topics[1].name, &topics[2].name];
        let player = Player { client, config: kafka.client_config("PLAIN") };
        player.reads(source)?;
        player.reads_with_the_next_protocol(source)?;
        player.administers_groups(source)?;
        player.transacts(written)?;
        player.copies(source, copied)?;
    }
    Ok(())
}

/// Every other step of somebody who may do nothing. Which right a client misses first is its own affair.
pub(super) fn are_refused(client: Client, config: &ClientConfig, topic: &str) -> Result<()> {
    let (group, transactional_id, keys) = ("g", "tx", "k");
    let steps = [
        Step::ConsumeNext { topic, group, count: 1 },
        Step::ConsumeCommitted { topic, group, count: 1 },
        Step::ReadFromBeginning { topic, count: 1 },
        Step::ReadFromTime { topic, timestamp: 0, count: 1 },
        Step::Transact { topic, transactional_id, count: 1, keys, end: End::Commit },
        Step::Copy { from: topic, to: topic, group, transactional_id, count: 1 },
        Step::DescribeGroup { group },
        Step::ResetOffsets { group, topic },
        Step::DeleteGroup { group },
    ];
    for step in steps.into_iter().filter(|&step| client.can(step)) {
        let outcome = client.run(config, step)?;
        let refusal = outcome.refused_with().unwrap_or_default();
        assert!(refusal.ends_with("_AUTHORIZATION_FAILED"), "{client}: {step:?}: {outcome:?}");
    }
    if client.can(Step::ListGroups) {
        assert_eq!(client.run(config, Step::ListGroups)?.accepted()?.groups, [""; 0], "{client}");
    }
    Ok(())
}

struct Player {
    client: Client,
    config: ClientConfig,
}

impl Player {
    /// Leaves ten records in the topic.
    fn reads(&self, topic: &str) -> Result<()> {
        self.play(Step::Produce { topic, count: 5, keys: "early" })?;
        let timestamp = now_between_records()?;
        self.play(Step::Produce { topic, count: 5, keys: "late" })?;
        if let Some(read) = self.try_play(Step::ReadFromBeginning { topic, count: 10 })? {
            assert_eq!(read.pairs(), both(), "{}", self.client);
        }
        if let Some(read) = self.try_play(Step::ReadFromTime { topic, timestamp, count: 5 })? {
            assert_eq!(read.pairs(), records("late", 5), "{}", self.client);
        }
        Ok(())
    }

    fn reads_with_the_next_protocol(&self, topic: &str) -> Result<()> {
        let group = &random::name("group-");
        let Some(read) = self.try_play(Step::ConsumeNext { topic, group, count: 10 })? else { return Ok(()) };
        assert_eq!(read.pairs(), both(), "{}", self.client);
        // sarama only knows classic groups, and to those who ask for one any other group is dead.
        assert_eq!(self.described_by(Client::FranzGo, group)?.state, "Empty", "{}", self.client);
        assert_eq!(self.described_by(Client::Sarama, group)?.state, "Dead", "{}", self.client);
        Ok(())
    }

    fn administers_groups(&self, topic: &str) -> Result<()> {
        let group = &random::name("group-");
        let consume = Step::Consume { topic, group, count: 10 };
        let Some(read) = self.try_play(consume)? else { return Ok(()) };
        assert_eq!(read.pairs(), both(), "{}", self.client);
        if let Some(listed) = self.try_play(Step::ListGroups)? {
            assert!(listed.groups.contains(group), "{}: {listed:?}", self.client);
        }
        if self.client.can(Step::DescribeGroup { group }) {
            let described = self.described_by(self.client, group)?;
            assert_eq!((described.name.as_str(), described.members), (group.as_str(), 0), "{}", self.client);
            assert_eq!(described.state.to_lowercase(), "empty", "{}", self.client);
            assert_eq!(described.topics, [topic], "{}", self.client);
        }
        if self.try_play(Step::ResetOffsets { group, topic })?.is_some() {
            assert_eq!(self.play(consume)?.pairs(), both(), "{}", self.client);
        }
        if self.try_play(Step::DeleteGroup { group })?.is_some() {
            let listed = Client::FranzGo.run(&self.config, Step::ListGroups)?.accepted()?;
            assert!(!listed.groups.contains(group), "{}: {listed:?}", self.client);
        }
        Ok(())
    }

    /// An aborted and a committed transaction, of which a reader of committed records sees the second.
    fn transacts(&self, topic: &str) -> Result<()> {
        let (group, id) = (&random::name("group-"), &random::name("tx-"));
        let consume = Step::ConsumeCommitted { topic, group, count: 3 };
        let transact = |keys, end| Step::Transact { topic, transactional_id: id, count: 3, keys, end };
        let (abort, commit) = (transact("dropped", End::Abort), transact("kept", End::Commit));
        let [writer, reader] = [self.client.can(abort), self.client.can(consume)];
        if !writer && !reader {
            return Ok(());
        }
        let or_franz = |can| if can { self.client } else { Client::FranzGo };
        or_franz(writer).run(&self.config, abort)?.accepted()?;
        or_franz(writer).run(&self.config, commit)?.accepted()?;
        let read = or_franz(reader).run(&self.config, consume)?.accepted()?;
        assert_eq!(read.pairs(), records("kept", 3), "{}", self.client);
        Ok(())
    }

    fn copies(&self, from: &str, to: &str) -> Result<()> {
        let (group, transactional_id) = (&random::name("group-"), &random::name("tx-"));
        let copy = Step::Copy { from, to, group, transactional_id, count: 10 };
        if self.try_play(copy)?.is_none() {
            return Ok(());
        }
        let check = &random::name("group-");
        let copied = Step::ConsumeCommitted { topic: to, group: check, count: 10 };
        assert_eq!(Client::FranzGo.run(&self.config, copied)?.accepted()?.pairs(), both(), "{}", self.client);
        // The group's offsets came with the records: it goes on behind them.
        self.play(Step::Produce { topic: from, count: 1, keys: "more" })?;
        let rest = self.play(Step::Consume { topic: from, group, count: 1 })?;
        assert_eq!(rest.pairs(), records("more", 1), "{}", self.client);
        Ok(())
    }

    fn try_play(&self, step: Step<'_>) -> Result<Option<Outcome>> {
        if self.client.can(step) { self.play(step).map(Some) } else { Ok(None) }
    }

    fn play(&self, step: Step<'_>) -> Result<Outcome> {
        self.client.run(&self.config, step)?.accepted()
    }

    fn described_by(&self, client: Client, group: &str) -> Result<Group> {
        let described = client.run(&self.config, Step::DescribeGroup { group })?.accepted()?;
        described.group.with_context(|| format!("{client} described no group"))
    }
}

/// Records before and after it have other timestamps, at a clock's resolution of a millisecond.
fn now_between_records() -> Result<i64> {
    let pause = Duration::from_millis(20);
    thread::sleep(pause);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    thread::sleep(pause);
    Ok(i64::try_from(now.as_millis())?)
}

fn both() -> Vec<(String, String)> {
    [records("early", 5), records("late", 5)].concat()
}
