//! Every step of the scenario, played by one client on topics of its own: the same before Kafka and before a gateway.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};

use crate::clients::{Client, ClientConfig, End, Group, Outcome, Step, records};
use crate::random;

/// Clients that play at a time: a test machine has two cores.
const AT_A_TIME: usize = 2;

/// Lets every client do something; the first failure ends it.
pub fn each(clients: &[Client], act: impl Fn(Client) -> Result<()> + Sync) -> Result<()> {
    let waiting = Mutex::new(clients.iter().rev().copied().collect::<Vec<_>>());
    let next = || waiting.lock().expect("no client panics while it takes its turn").pop();
    let take_turns = || {
        while let Some(client) = next() {
            act(client).with_context(|| client.to_string())?;
        }
        anyhow::Ok(())
    };
    thread::scope(|scope| {
        let players: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(take_turns)).collect();
        players.into_iter().try_for_each(|player| player.join().expect("a player says what failed"))
    })
}

/// One client before one cluster or gateway.
pub struct Player<'a> {
    /// The client.
    pub client: Client,
    /// How it logs in.
    pub config: &'a ClientConfig,
    /// Whether the brokers know the groups of KIP-848.
    pub knows_next: bool,
    /// Gives a new, empty topic with so many partitions.
    pub topic: &'a (dyn Fn(i32) -> Result<String> + Sync),
}

impl Player<'_> {
    /// Plays every step that the client can.
    pub fn play(&self) -> Result<()> {
        self.describes_topics()?;
        self.reads()?;
        self.reads_by_pattern()?;
        self.looks_after_groups()?;
        self.sees_a_live_member()?;
        self.works_in_transactions()
    }

    fn describes_topics(&self) -> Result<()> {
        let topic = (self.topic)(3)?;
        if let Some(described) = self.try_run(Step::DescribeTopic { topic: &topic })? {
            let described = described.topic.context("no topic was described")?;
            assert_eq!((described.name, described.partitions), (topic, 3));
        }
        Ok(())
    }

    fn reads(&self) -> Result<()> {
        let topic = (self.topic)(2)?;
        let topic = topic.as_str();
        self.run(Step::Produce { topic, count: 6, keys: "k" })?;
        // Timestamps are whole milliseconds: one apart on both sides.
        thread::sleep(Duration::from_millis(2));
        let later = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?;
        thread::sleep(Duration::from_millis(2));
        self.run(Step::Produce { topic, count: 4, keys: "late" })?;
        let all = both(&records("k", 6), &records("late", 4));

        if let Some(read) = self.try_run(Step::ReadFromBeginning { topic, count: 10 })? {
            assert_eq!(read.pairs(), all, "{}", self.client);
        }
        if let Some(read) = self.try_run(Step::ReadFromTime { topic, timestamp: later, count: 4 })? {
            assert_eq!(read.pairs(), records("late", 4), "{}", self.client);
        }
        let group = random::name("group-");
        let next = Step::ConsumeNext { topic, group: &group, count: 5 };
        if self.knows_next
            && let Some(first) = self.try_run(next)?
        {
            let second = self.run(next)?;
            assert_eq!(both(&first.pairs(), &second.pairs()), all, "{}", self.client);
        }
        Ok(())
    }

    fn reads_by_pattern(&self) -> Result<()> {
        for next in [false, self.knows_next] {
            let topics = [(self.topic)(1)?, (self.topic)(1)?];
            let [first, second] = [topics[0].as_str(), topics[1].as_str()];
            let (pattern, group) = (format!("({first}|{second})"), random::name("group-"));
            let consume = Step::ConsumePattern { pattern: &pattern, group: &group, count: 4, next };
            if !self.client.can(consume) {
                continue;
            }
            self.run(Step::Produce { topic: first, count: 2, keys: "one" })?;
            self.run(Step::Produce { topic: second, count: 2, keys: "two" })?;
            let read = self.run(consume)?.pairs();
            assert_eq!(read, both(&records("one", 2), &records("two", 2)), "{}", self.client);
        }
        Ok(())
    }

    fn looks_after_groups(&self) -> Result<()> {
        if !self.client.can(Step::ListGroups) {
            return Ok(());
        }
        let topic = (self.topic)(2)?;
        let (topic, group) = (topic.as_str(), random::name("group-"));
        let consume = Step::Consume { topic, group: &group, count: 6 };
        self.run(Step::Produce { topic, count: 6, keys: "k" })?;
        assert_eq!(self.run(consume)?.pairs(), records("k", 6), "{}", self.client);
        assert!(self.run(Step::ListGroups)?.groups.contains(&group), "{}", self.client);

        let described =
            self.run(Step::DescribeGroup { group: &group })?.group.context("no group was described")?;
        assert_eq!(
            (described.name.as_str(), described.state.to_lowercase().as_str()),
            (group.as_str(), "empty")
        );
        assert_eq!((described.members, described.topics), (0, vec![topic.to_owned()]));

        if let Some(reset) = self.try_run(Step::ResetOffsets { group: &group, topic })? {
            assert!(reset.committed, "{}", self.client);
            assert_eq!(self.run(consume)?.pairs(), records("k", 6), "{}", self.client);
        }
        let delete = Step::DeleteGroup { group: &group };
        if self.try_run(delete)?.is_some() {
            assert!(!self.run(Step::ListGroups)?.groups.contains(&group), "{}", self.client);
            let again = self.client.run(self.config, delete)?;
            assert_eq!(again.refused_with(), Some("GROUP_ID_NOT_FOUND"), "{}", self.client);
        }
        Ok(())
    }

    /// A group with a consumer that waits for its only record until it has been described.
    fn sees_a_live_member(&self) -> Result<()> {
        let (topic, group) = ((self.topic)(1)?, random::name("group-"));
        let (topic, group) = (topic.as_str(), group.as_str());
        let describe = Step::DescribeGroup { group };
        // kafka-go 0.4 cannot read what a member of today's librdkafka says of itself, whoever tells it.
        if !self.client.can(describe) || self.client == Client::KafkaGo {
            return Ok(());
        }
        let config = self.config;
        thread::scope(|scope| {
            let consume = Step::Consume { topic, group, count: 1 };
            let consumer = scope.spawn(move || Client::Librdkafka.run(config, consume));
            let described = self.describe_when_stable(describe);
            Client::Librdkafka.run(config, Step::Produce { topic, count: 1, keys: "k" })?.accepted()?;
            assert_eq!(consumer.join().unwrap()?.accepted()?.pairs(), records("k", 1));
            let described = described?;
            assert_eq!((described.members, described.topics), (1, vec![topic.to_owned()]), "{}", self.client);
            Ok(())
        })
    }

    fn describe_when_stable(&self, describe: Step<'_>) -> Result<Group> {
        // The consumer gives up after 30 s.
        let until = Instant::now() + Duration::from_secs(25);
        loop {
            let described = self.client.run(self.config, describe)?;
            match described.group {
                Some(group) if group.state.eq_ignore_ascii_case("stable") => return Ok(group),
                _ => ensure!(Instant::now() < until, "the group never became stable: {described:?}"),
            }
        }
    }

    /// One partition, so that an aborted record that is read takes the place of a later one.
    fn works_in_transactions(&self) -> Result<()> {
        let topic = (self.topic)(1)?;
        let topic = topic.as_str();
        let transactional_id = random::name("transaction-");
        let transact = |count, keys, end| Step::Transact {
            topic,
            transactional_id: &transactional_id,
            count,
            keys,
            end,
        };
        self.run(Step::Produce { topic, count: 4, keys: "k" })?;
        // A client without transactions still reads them.
        let writer =
            if self.client.can(transact(0, "", End::Abort)) { self.client } else { Client::Librdkafka };
        writer.run(self.config, transact(3, "gone", End::Abort))?.accepted()?;
        writer.run(self.config, transact(4, "stays", End::Commit))?.accepted()?;
        let all = both(&records("k", 4), &records("stays", 4));

        let group = random::name("group-");
        let consume = Step::ConsumeCommitted { topic, group: &group, count: 8 };
        let reader = if self.client.can(consume) { self.client } else { Client::Librdkafka };
        let read = reader.run(self.config, consume)?.accepted()?;
        assert_eq!(read.pairs(), all, "{}", self.client);
        self.copies(topic, &all)?;
        self.streams(topic, &all)
    }

    /// In two halves: the second begins where the first transaction has put the group.
    fn copies(&self, from: &str, all: &[(String, String)]) -> Result<()> {
        let to = (self.topic)(1)?;
        let (group, transactional_id) = (random::name("group-"), random::name("transaction-"));
        let (group, transactional_id) = (group.as_str(), transactional_id.as_str());
        let copy = |count| Step::Copy { from, to: &to, group, transactional_id, count };
        let Some(first) = self.try_run(copy(5))? else { return Ok(()) };
        let second = self.run(copy(3))?;
        assert!(first.committed && second.committed, "{}", self.client);
        assert_eq!(both(&first.pairs(), &second.pairs()), all, "{}", self.client);
        self.holds(&to, all)
    }

    fn streams(&self, from: &str, all: &[(String, String)]) -> Result<()> {
        let to = (self.topic)(1)?;
        let application = random::name("application-");
        let stream = Step::Stream { from, to: &to, application: &application, count: 8 };
        let Some(streamed) = self.try_run(stream)? else { return Ok(()) };
        assert!(streamed.committed, "{}", self.client);
        assert_eq!(streamed.pairs(), all, "{}", self.client);
        self.holds(&to, all)
    }

    /// Whether the committed records of a topic with one partition are these and no others.
    fn holds(&self, topic: &str, all: &[(String, String)]) -> Result<()> {
        let marked = Step::Produce { topic, count: 1, keys: "behind" };
        Client::Librdkafka.run(self.config, marked)?.accepted()?;
        let group = random::name("group-");
        let read = Step::ConsumeCommitted { topic, group: &group, count: all.len() + 1 };
        let read = Client::Librdkafka.run(self.config, read)?.accepted()?;
        assert_eq!(read.pairs(), both(all, &records("behind", 1)), "{}", self.client);
        Ok(())
    }

    fn run(&self, step: Step<'_>) -> Result<Outcome> {
        self.client.run(self.config, step)?.accepted()
    }

    /// Nothing if the client cannot do it.
    fn try_run(&self, step: Step<'_>) -> Result<Option<Outcome>> {
        self.client.can(step).then(|| self.run(step)).transpose()
    }
}

fn both(first: &[(String, String)], second: &[(String, String)]) -> Vec<(String, String)> {
    let mut all = [first, second].concat();
    all.sort();
    all
}
