//! A partner before a gateway before a shared cluster.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use tidegate_e2e::clients::{Client, ClientConfig, End, Step};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Topic};
use tidegate_e2e::markers::Markers;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use uuid::Uuid;

/// The account of every partner here.
const PASSWORD: &str = "partner-password";

/// The alias that partners may only read; it holds [`PRICES`] records.
pub(crate) const READ_ALIAS: &str = "prices";

/// How many records [`READ_ALIAS`] holds.
pub(crate) const PRICES: usize = 6;

/// A cluster of three brokers that all cases of a file share; it dies with the test process.
pub(crate) fn shared_kafka(version: Version) -> &'static Kafka {
    static CLUSTERS: [OnceLock<Kafka>; 2] = [const { OnceLock::new() }; 2];
    let cluster = match version {
        Version::V4_1_1 => &CLUSTERS[0],
        Version::V3_9_1 => &CLUSTERS[1],
    };
    cluster.get_or_init(|| {
        Kafka::builder(version)
            .brokers(3)
            .protocol(Protocol::SaslPlaintext)
            .authorizer()
            .racks()
            .start()
            .expect("Kafka starts")
    })
}

/// One zone with an account, its gateway, and everything that the gateway sends to the partner.
pub(crate) struct Partner {
    pub(crate) kafka: &'static Kafka,
    pub(crate) home: Home,
    gateway: Option<Gateway>,
    recorder: Recorder,
    account: String,
    aliases: Vec<Alias>,
    topics: Vec<Topic>,
    /// A topic of the cluster that is in no zone.
    pub(crate) hidden: Topic,
    /// What belongs to somebody else on the cluster, by what it is.
    others: Vec<(&'static str, String)>,
}

impl Partner {
    /// A zone with [`READ_ALIAS`] and one WRITE alias for each of `write`.
    pub(crate) fn create(version: Version, write: &[&str]) -> Result<Self> {
        let write: Vec<_> = write.iter().map(|&name| (name, 2)).collect();
        Self::create_with(version, &write)
    }

    /// As [`Partner::create`], with the number of partitions of each WRITE alias.
    pub(crate) fn create_with(version: Version, write: &[(&str, i32)]) -> Result<Self> {
        let kafka = shared_kafka(version);
        let partitions: Vec<i32> = write.iter().map(|(_, partitions)| *partitions).chain([2, 2]).collect();
        let mut topics = kafka.create_topics(&partitions)?;
        let hidden = topics.pop().context("a topic was created")?;
        let mut aliases: Vec<Alias> = write
            .iter()
            .zip(&topics)
            .map(|((name, _), topic)| alias(name, topic, Permission::Write))
            .collect();
        let prices = topics.last().context("a topic was created")?;
        aliases.push(alias(READ_ALIAS, prices, Permission::Read));
        let fill = Step::Produce { topic: &prices.name, count: PRICES, keys: "price" };
        Client::Librdkafka.run(&kafka.client_config("PLAIN"), fill)?.accepted()?;

        let (home, account, recorder) = (Home::create(kafka)?, random::name("partner-"), Recorder::default());
        home.add_account(&account, PASSWORD)?;
        home.add_zone(&random::name("zone-"), &account, &aliases)?;
        home.ports().record(&recorder)?;
        let gateway = Some(Gateway::start(&home)?);
        Ok(Self { kafka, home, gateway, recorder, account, aliases, topics, hidden, others: Vec::new() })
    }

    /// Somebody else works on the same cluster, as another zone does: its group and its transactional id must not show.
    pub(crate) fn somebody_else_works(&mut self) -> Result<()> {
        let config = self.kafka.client_config("PLAIN");
        let (topic, group, id) = (&self.hidden.name, random::name("other-group-"), random::name("other-tx-"));
        let transact =
            Step::Transact { topic, transactional_id: &id, count: 2, keys: "theirs", end: End::Commit };
        Client::Librdkafka.run(&config, transact)?.accepted()?;
        let consume = Step::Consume { topic, group: &group, count: 2 };
        Client::Librdkafka.run(&config, consume)?.accepted()?;
        self.others.extend([("group of another", group), ("transactional id of another", id)]);
        Ok(())
    }

    /// Every alias of the zone, sorted.
    pub(crate) fn aliases(&self) -> Vec<String> {
        let mut names: Vec<String> = self.aliases.iter().map(|alias| alias.name.clone()).collect();
        names.sort();
        names
    }

    /// The real name behind an alias.
    pub(crate) fn backing(&self, alias: &str) -> &str {
        let found = self.aliases.iter().find(|known| known.name == alias);
        &found.expect("the alias is in the zone").backing
    }

    /// How `client` logs in; the mechanisms are spread over the clients.
    pub(crate) fn config(&self, client: Client) -> ClientConfig {
        let mechanism = match client {
            Client::Java => "SCRAM-SHA-512",
            Client::Librdkafka | Client::FranzGo => "SCRAM-SHA-256",
            _ => "PLAIN",
        };
        gateway::client_config(&self.home, mechanism, &self.account, PASSWORD)
    }

    /// A raw connection that is logged in, through the recorder.
    pub(crate) fn raw(&self) -> Result<Connection> {
        let limit = std::time::Duration::from_secs(20);
        let mut connection = Connection::open(self.home.ports().advertised(), limit)?;
        connection.log_in(&self.account, PASSWORD)?;
        Ok(connection)
    }

    /// Kills the gateway and starts it anew on the same files.
    pub(crate) fn restart_gateway(&mut self) -> Result<()> {
        if let Some(gateway) = self.gateway.take() {
            gateway.kill9();
        }
        self.gateway = Some(Gateway::start(&self.home)?);
        Ok(())
    }

    /// Ends the case: nothing that the gateway ever sent holds a marker, and no topic came to life.
    pub(crate) fn finish(self) -> Result<()> {
        self.finish_after_asking_for(&[], &[])
    }

    /// As [`Partner::finish`], when the partner itself asked for these real names and ids: a refusal echoes
    /// what it refuses.
    pub(crate) fn finish_after_asking_for(self, names: &[String], ids: &[Uuid]) -> Result<()> {
        let recorded = self.recorder.recorded();
        ensure!(recorded > 0, "nothing went through the recorder");
        let hits: Vec<String> =
            self.recorder.search(&self.markers(names, ids)).iter().map(ToString::to_string).collect();
        ensure!(hits.is_empty(), "leaked to the partner:\n{}", hits.join("\n"));
        println!("{recorded} bytes to the partner, no marker in them");
        let names = self.kafka.topic_names()?;
        let created: Vec<&String> =
            names.iter().filter(|name| !name.starts_with("backing.") && !name.starts_with("__")).collect();
        ensure!(created.is_empty(), "came to life on the cluster: {created:?}");
        Ok(())
    }

    fn markers(&self, asked_names: &[String], asked_ids: &[Uuid]) -> Markers {
        let mut markers = cluster_markers(self.kafka);
        for topic in self.topics.iter().chain([&self.hidden]) {
            if !asked_names.contains(&topic.name) {
                markers.text("backing topic", &topic.name);
            }
            if !asked_ids.contains(&topic.id) {
                markers.id("topic id", topic.id);
            }
        }
        for (what, text) in &self.others {
            markers.text(what, text);
        }
        markers
    }
}

/// What a partner may not learn about the cluster itself.
pub(crate) fn cluster_markers(kafka: &Kafka) -> Markers {
    let mut markers = Markers::default();
    for host in kafka.hosts() {
        markers.text("upstream host", &host);
    }
    for rack in kafka.racks() {
        markers.text("upstream rack", rack);
    }
    markers.cluster_id(kafka.cluster_id());
    markers.text("upstream user", &kafka.admin().name);
    markers.text("upstream password", &kafka.admin().password);
    markers
}

fn alias(name: &str, topic: &Topic, permission: Permission) -> Alias {
    Alias { name: name.to_owned(), backing: topic.name.clone(), permission }
}
