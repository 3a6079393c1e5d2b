//! Three brokers, a gateway before them, and two zones.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tidegate_e2e::clients::ClientConfig;
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::markers::Markers;
use tidegate_e2e::recorder::Recorder;

pub(crate) const PARTNER: &str = "partner";
pub(crate) const RIVAL: &str = "rival";
pub(crate) const PASSWORD: &str = "partner-password";

/// Two names of one topic with one partition.
pub(crate) const TWINS: [&str; 2] = ["first-twin", "second-twin"];

/// Aliases of topics with three partitions each.
pub(crate) const ALIASES: [&str; 5] = ["orders", "payments", "copies", "events", "bills"];

pub(crate) struct Site {
    pub(crate) kafka: Kafka,
    pub(crate) home: Home,
    gateway: Option<Gateway>,
    recorder: Recorder,
    /// Behind [`ALIASES`].
    topics: Vec<Topic>,
    twins: Topic,
}

impl Site {
    pub(crate) fn start(version: Version) -> Result<Self> {
        let kafka = Kafka::builder(version).brokers(3).start()?;
        let mut topics = kafka.create_topics(&[3, 3, 3, 3, 3, 1])?;
        let twins = topics.pop().context("topics were created")?;
        let (home, recorder) = (Home::create(&kafka)?, Recorder::default());
        home.ports().record(&recorder)?;
        let alias = |name: &str, topic: &Topic, permission| Alias {
            name: name.to_owned(),
            backing: topic.name.clone(),
            permission,
        };
        let mut aliases: Vec<Alias> =
            ALIASES.iter().zip(&topics).map(|(name, topic)| alias(name, topic, Permission::Write)).collect();
        aliases.push(alias(TWINS[0], &twins, Permission::Write));
        aliases.push(alias(TWINS[1], &twins, Permission::Read));
        let rival = [alias(TWINS[0], &twins, Permission::Write)];
        for (account, aliases) in [(PARTNER, &aliases[..]), (RIVAL, &rival)] {
            home.add_account(account, PASSWORD)?;
            home.add_zone(account, account, aliases)?;
        }
        let gateway = Some(Gateway::start(&home)?);
        Ok(Self { kafka, home, gateway, recorder, topics, twins })
    }

    /// How the partner connects.
    pub(crate) fn partner(&self) -> ClientConfig {
        gateway::client_config(&self.home, "SCRAM-SHA-256", PARTNER, PASSWORD)
    }

    /// Kills the gateway with SIGKILL and starts it on the same files after `pause`.
    pub(crate) fn kill_gateway(&mut self, pause: Duration) -> Result<()> {
        self.gateway.take().context("a gateway runs")?.kill9();
        thread::sleep(pause);
        self.gateway = Some(Gateway::start(&self.home)?);
        Ok(())
    }

    /// The real name behind an alias.
    pub(crate) fn backing(&self, alias: &str) -> Result<&str> {
        let at = ALIASES.iter().position(|name| *name == alias);
        Ok(&at.map_or(&self.twins, |at| &self.topics[at]).name)
    }

    /// What moved meanwhile was told to the partner under its own names only, and the gateway never fell over.
    pub(crate) fn nothing_leaked(&mut self) -> Result<()> {
        let mut markers = Markers::default();
        for topic in self.topics.iter().chain([&self.twins]) {
            markers.text("backing topic", &topic.name);
            markers.id("topic id", topic.id);
        }
        for host in self.kafka.hosts() {
            markers.text("broker", &host);
        }
        let hits = self.recorder.search(&markers);
        ensure!(hits.is_empty() && self.recorder.recorded() > 0, "leaked to the partner: {hits:?}");
        ensure!(!self.home.log().contains("panicked"), "{}", self.home.log());
        Ok(())
    }
}
