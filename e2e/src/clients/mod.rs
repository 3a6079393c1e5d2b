//! Stock clients that all play the same scenario: list, produce, consume with a group.
//!
//! Each client is a small program in its own language that prints one JSON object per line; see [`Outcome`].

mod abilities;
mod console;
mod go;
mod kcat;
mod node;
mod outcome;
mod python;
mod rskafka;
mod sources;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::jars::Version;
use crate::{java, process};

pub use self::outcome::{Group, Outcome, Produced, Record, Refusal, Topic};
pub use self::python::program as python;

/// What a step has, unless a test gives it more: then every client gives up by itself.
const STEP: Duration = Duration::from_secs(30);
/// Tells the clients of [`Client::run_within`] how many seconds a step has.
const STEP_VARIABLE: &str = "TIDEGATE_STEP_SECONDS";
/// How much longer its process may take, with its start and its end on a busy machine.
const MARGIN: Duration = Duration::from_secs(60);
/// No scenario takes longer.
const LIMIT: Duration = STEP.saturating_add(MARGIN);

/// A stock client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Kafka 4.1's Java producer, and its classic consumer with a group.
    Java,
    /// Kafka 4.1's console tools, as a partner starts them.
    Console,
    /// librdkafka, in confluent-kafka for Python.
    Librdkafka,
    /// kafka-python.
    KafkaPython,
    /// aiokafka.
    Aiokafka,
    /// franz-go.
    FranzGo,
    /// sarama.
    Sarama,
    /// segmentio's kafka-go.
    KafkaGo,
    /// kafkajs.
    KafkaJs,
    /// rskafka, which has no groups.
    Rskafka,
    /// kcat, Debian's librdkafka.
    Kcat,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Lists all topics.
    List,
    /// Sends `count` records with an idempotent producer; keys are `keys` and a number.
    Produce {
        /// The topic.
        topic: &'a str,
        /// How many records.
        count: usize,
        /// What every key begins with.
        keys: &'a str,
    },
    /// Reads `count` records with a group, from where it stopped last or from the start, and commits.
    Consume {
        /// The topic.
        topic: &'a str,
        /// The consumer group.
        group: &'a str,
        /// How many records.
        count: usize,
    },
    /// As [`Step::Consume`], with the group protocol of KIP-848.
    ConsumeNext {
        /// The topic.
        topic: &'a str,
        /// The consumer group.
        group: &'a str,
        /// How many records.
        count: usize,
    },
    /// As [`Step::Consume`], with `isolation.level=read_committed`.
    ConsumeCommitted {
        /// The topic.
        topic: &'a str,
        /// The consumer group.
        group: &'a str,
        /// How many records.
        count: usize,
    },
    /// Assigns itself every partition, without a group, seeks to the beginning and reads `count` records.
    ReadFromBeginning {
        /// The topic.
        topic: &'a str,
        /// How many records.
        count: usize,
    },
    /// As [`Step::ReadFromBeginning`], from the first offsets whose timestamp is `timestamp` or later.
    ReadFromTime {
        /// The topic.
        topic: &'a str,
        /// Milliseconds since 1970.
        timestamp: i64,
        /// How many records.
        count: usize,
    },
    /// Sends `count` records in one transaction and ends it.
    Transact {
        /// The topic.
        topic: &'a str,
        /// The transactional id.
        transactional_id: &'a str,
        /// How many records.
        count: usize,
        /// What every key begins with.
        keys: &'a str,
        /// How the transaction ends.
        end: End,
    },
    /// Reads `count` records with a group and sends them on, keys and values unchanged, the group's offsets in the same
    /// transaction.
    Copy {
        /// The topic to read.
        from: &'a str,
        /// The topic to write.
        to: &'a str,
        /// The consumer group.
        group: &'a str,
        /// The transactional id.
        transactional_id: &'a str,
        /// How many records.
        count: usize,
    },
    /// Lists all groups.
    ListGroups,
    /// Describes a group and its committed offsets.
    DescribeGroup {
        /// The consumer group.
        group: &'a str,
    },
    /// Sets the offsets of an empty group on a topic to the beginning.
    ResetOffsets {
        /// The consumer group.
        group: &'a str,
        /// The topic.
        topic: &'a str,
    },
    /// Deletes an empty group.
    DeleteGroup {
        /// The consumer group.
        group: &'a str,
    },
    /// As [`Step::Consume`], from every topic whose whole name matches a pattern.
    ConsumePattern {
        /// The regular expression.
        pattern: &'a str,
        /// The consumer group.
        group: &'a str,
        /// How many records.
        count: usize,
        /// Whether with the group protocol of KIP-848, where the broker evaluates the pattern.
        next: bool,
    },
    /// Runs a stateless Kafka Streams application, exactly once, until it has copied `count` records.
    Stream {
        /// The topic to read.
        from: &'a str,
        /// The topic to write.
        to: &'a str,
        /// The application id: also the consumer group, and what the transactional ids begin with.
        application: &'a str,
        /// How many records.
        count: usize,
    },
    /// Describes a topic.
    DescribeTopic {
        /// The topic.
        topic: &'a str,
    },
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its records count.
    Commit,
    /// Its records do not.
    Abort,
}

/// How a client reaches a cluster or a gateway.
#[derive(Clone, Debug, Serialize)]
pub struct ClientConfig {
    /// `host:port`, several joined by commas.
    pub bootstrap: String,
    /// Kafka's `security.protocol`.
    pub protocol: String,
    /// Kafka's `sasl.mechanism`, where there is a login.
    pub mechanism: Option<String>,
    /// The user name, where there is a login.
    pub user: Option<String>,
    /// The password, where there is a login.
    pub password: Option<String>,
    /// Where Java and librdkafka get a token with user name and password as client credentials, for OAUTHBEARER.
    pub token_endpoint: Option<String>,
    /// The authority to trust, where the connection is encrypted.
    pub ca: Option<PathBuf>,
    /// Certificate chain and key of the client itself in one PEM file; Java and librdkafka alone know what to do with it.
    pub keystore: Option<PathBuf>,
    /// A file of addresses and names, as `/etc/hosts`, by which Java alone resolves.
    pub hosts: Option<PathBuf>,
}

impl Client {
    /// The clients that every machine has and that list, produce and consume with a group.
    pub const ALL: [Self; 9] = [
        Self::Java,
        Self::Console,
        Self::Librdkafka,
        Self::KafkaPython,
        Self::Aiokafka,
        Self::FranzGo,
        Self::Sarama,
        Self::KafkaGo,
        Self::KafkaJs,
    ];

    /// [`Client::ALL`], and kcat, of the distribution, where it is installed.
    pub fn installed() -> Vec<Self> {
        let kcat = kcat::is_installed().then_some(Self::Kcat);
        Self::ALL.into_iter().chain(kcat).collect()
    }

    /// [`Client::installed`], and those that lack a part of it: ask [`Client::can`] before each step.
    pub fn every() -> Vec<Self> {
        Self::installed().into_iter().chain([Self::Rskafka]).collect()
    }

    /// Makes the client ready to run: on a new machine its libraries are fetched and built, which takes minutes. For
    /// tests that wait for what a client does in a while.
    pub fn prepare(self) -> Result<()> {
        match self {
            Self::Console | Self::Kcat | Self::Rskafka => Ok(()),
            _ => self.program(&[]).map(drop),
        }
    }

    /// Runs one step to its end. A refusal by the other side is an [`Outcome`]; a broken client is an error.
    pub fn run(self, config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
        self.run_within(STEP, config, step)
    }

    /// As [`Client::run`], with another time that the step has. The clients of Java, librdkafka and franz-go know of
    /// it, to each other one it is 30 s.
    pub fn run_within(self, limit: Duration, config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
        let begin = Instant::now();
        let outcome = self.try_run(limit, config, step).with_context(|| format!("{self}: {step:?}"));
        println!("{self}: {step:?} took {:?}", begin.elapsed());
        outcome
    }

    fn try_run(self, limit: Duration, config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
        match self {
            Self::Console => return console::run(config, step),
            Self::Kcat => return kcat::run(config, step),
            Self::Rskafka => return rskafka::run(config, step),
            _ => {}
        }
        let file = tempfile::NamedTempFile::new()?;
        serde_json::to_writer(&file, config)?;
        let hosts = config.hosts.as_ref().map(|file| format!("-Djdk.net.hosts.file={}", file.display()));
        // Java asks no address for a token that is not allowed by name.
        let tokens = config.token_endpoint.as_ref();
        let tokens = tokens.map(|url| format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}"));
        let options: Vec<&str> =
            [&hosts, &tokens].into_iter().filter_map(|option| option.as_deref()).collect();
        let mut program = self.program(&options)?;
        program.arg(file.path()).args(arguments(step)).env(STEP_VARIABLE, limit.as_secs().to_string());
        outcome::parse(&process::run_ok(&program, limit + MARGIN)?.stdout)
    }

    /// The program, with options for a Java machine, should it be one.
    fn program(self, java_options: &[&str]) -> Result<Command> {
        let options = [&["-Xmx128m", "-XX:TieredStopAtLevel=1"], java_options].concat();
        match self {
            Self::Librdkafka => python::program("confluent"),
            Self::KafkaPython => python::program("pure"),
            Self::Aiokafka => python::program("aio"),
            Self::FranzGo | Self::Sarama | Self::KafkaGo => go::program(&self.to_string()),
            Self::KafkaJs => node::program(),
            _ => java::program(Version::V4_1_1, &options, "client.Client"),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Java => "java",
            Self::Console => "console",
            Self::Librdkafka => "librdkafka",
            Self::KafkaPython => "kafka-python",
            Self::Aiokafka => "aiokafka",
            Self::FranzGo => "franz-go",
            Self::Sarama => "sarama",
            Self::KafkaGo => "kafka-go",
            Self::KafkaJs => "kafkajs",
            Self::Rskafka => "rskafka",
            Self::Kcat => "kcat",
        })
    }
}

/// The command line of a client program.
fn arguments(step: Step<'_>) -> Vec<String> {
    let number = |count: usize| count.to_string();
    match step {
        Step::List => vec!["list".to_owned()],
        Step::ListGroups => vec!["list-groups".to_owned()],
        Step::Produce { topic, count, keys } => {
            ["produce", topic, &number(count), keys].map(str::to_owned).into()
        }
        Step::Consume { topic, group, count } => {
            ["consume", topic, group, &number(count)].map(str::to_owned).into()
        }
        Step::ConsumeNext { topic, group, count } => {
            ["consume-next", topic, group, &number(count)].map(str::to_owned).into()
        }
        Step::ConsumeCommitted { topic, group, count } => {
            ["consume-committed", topic, group, &number(count)].map(str::to_owned).into()
        }
        Step::ReadFromBeginning { topic, count } => {
            ["read-from-beginning", topic, &number(count)].map(str::to_owned).into()
        }
        Step::ReadFromTime { topic, timestamp, count } => {
            ["read-from-time", topic, &timestamp.to_string(), &number(count)].map(str::to_owned).into()
        }
        Step::Transact { topic, transactional_id, count, keys, end } => {
            let end = if end == End::Commit { "commit" } else { "abort" };
            ["transact", topic, transactional_id, &number(count), keys, end].map(str::to_owned).into()
        }
        Step::Copy { from, to, group, transactional_id, count } => {
            ["copy", from, to, group, transactional_id, &number(count)].map(str::to_owned).into()
        }
        Step::DescribeGroup { group } => ["describe-group", group].map(str::to_owned).into(),
        Step::ResetOffsets { group, topic } => ["reset-offsets", group, topic].map(str::to_owned).into(),
        Step::DeleteGroup { group } => ["delete-group", group].map(str::to_owned).into(),
        Step::ConsumePattern { pattern, group, count, next } => {
            let command = if next { "consume-pattern-next" } else { "consume-pattern" };
            [command, pattern, group, &number(count)].map(str::to_owned).into()
        }
        Step::Stream { from, to, application, count } => {
            ["stream", from, to, application, &number(count)].map(str::to_owned).into()
        }
        Step::DescribeTopic { topic } => ["describe-topic", topic].map(str::to_owned).into(),
    }
}

/// The values that every client sends, as `(key, value)`.
pub fn records(keys: &str, count: usize) -> Vec<(String, String)> {
    (0..count).map(|i| (format!("{keys}{i}"), format!("value of {keys}{i}"))).collect()
}
