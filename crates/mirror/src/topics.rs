//! Mirror topics as a whole: looked at on both sides, made, grown and configured as `tidegate_link::topic` plans it.

use std::collections::BTreeMap;

use thiserror::Error;
use tidegate_client::{AskError, ConnectError};
use tidegate_link::topic::{Action, Blocked, Mirror, Source};
use tidegate_wire::error_code::ErrorCode;
use tokio::time::Duration;

use crate::calls::alter_configs::{Alteration, ConfigChange, alter_configs};
use crate::calls::create_partitions::{Growth, create_partitions};
use crate::calls::create_topics::{NewTopic, create_topics};
use crate::calls::describe_configs::{ConfigsOf, PRODUCER_ID_EXPIRATION_MS, Resource, describe_configs};
use crate::calls::list_offsets::{Spot, list_offsets};
use crate::calls::{LedPartition, Refusal, Topic, TopicPartition};
use crate::cluster::{Cluster, ClusterError};

/// How long a broker may take for a topic.
const WAIT: Duration = Duration::from_secs(15);

/// Kafka's default of `producer.id.expiration.ms`.
const DAY_MS: i64 = 86_400_000;

/// Why a mirror topic is not as it should be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TopicError {
    /// Somebody has to decide.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// There is no such topic at the source; it is looked for again.
    #[error("the source has no topic {topic}: create it, or take it out of the link")]
    NoSource {
        /// Its name.
        topic: String,
    },
    /// The source cannot be asked or says no; all else is about the mirror.
    #[error("the source: {0}")]
    Source(Box<Self>),
    /// Both are one topic of one cluster.
    #[error(
        "topic {topic} would be its own mirror: source and destination are the same cluster, under two names"
    )]
    Itself {
        /// Its name.
        topic: String,
    },
    /// A cluster cannot be asked; it is tried again.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A broker cannot be reached; it is tried again.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A broker does not answer; it is tried again.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The cluster refuses: its words say why, most often a right that the link's user has not.
    #[error("{what} of topic {topic}: {refusal}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The topic.
        topic: String,
        /// What it says.
        refusal: Refusal,
    },
}

impl TopicError {
    pub(crate) fn of_source(self) -> Self {
        Self::Source(Box::new(self))
    }
}

/// A topic with what its plan needs.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) topic: Topic,
    pub(crate) partitions: i32,
    pub(crate) configs: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn as_source(&self) -> Source {
        Source { id: self.topic.id(), partitions: self.partitions, configs: self.configs.clone() }
    }

    pub(crate) fn as_mirror(&self) -> Mirror {
        Mirror { partitions: self.partitions, configs: self.configs.clone() }
    }

    /// Whether records may go from the middle of its log.
    pub(crate) fn is_compacted(&self) -> bool {
        self.configs.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"))
    }
}

/// The topic as it is; none when there is none.
pub(crate) async fn look(cluster: &Cluster, name: &str) -> Result<Option<Seen>, TopicError> {
    let told = cluster.topic(name).await?;
    match told.error {
        ErrorCode::NONE => {}
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => return Ok(None),
        code => return Err(ClusterError::Partition { at: name.to_owned(), code }.into()),
    }
    let configs = configs(cluster, Resource::Topic(name.to_owned()), None).await?;
    let configs = configs.map_err(refused("describing the configs", name))?;
    let partitions = i32::try_from(told.partitions.len()).unwrap_or(i32::MAX);
    Ok(Some(Seen { topic: Topic::new(name, told.id), partitions, configs }))
}

/// Whether no record was ever written to a topic.
pub(crate) async fn is_empty(cluster: &Cluster, seen: &Seen) -> Result<bool, TopicError> {
    for partition in 0..seen.partitions {
        let at = TopicPartition::new(seen.topic.clone(), partition);
        let mut connection = cluster.connect(&cluster.leader(&at).await?).await?;
        let led = LedPartition { at, leader_epoch: None };
        let end = first(list_offsets(&mut connection, Spot::HighWatermark, &[led]).await?);
        if end.map_err(refused("looking for the end", seen.topic.name()))?.offset > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// For how long brokers of a cluster know a producer, as the first that can be asked says.
pub(crate) async fn producer_expiration_ms(cluster: &Cluster) -> Result<i64, TopicError> {
    let Some(broker) = cluster.any_id().await? else { return Ok(DAY_MS) };
    let names = vec![PRODUCER_ID_EXPIRATION_MS.to_owned()];
    let configs = configs(cluster, Resource::Broker(broker), Some(names)).await?;
    // Who may not see it has to do with the default, which is the shortest that is common.
    let value = configs.ok().and_then(|configs| configs.get(PRODUCER_ID_EXPIRATION_MS)?.parse().ok());
    Ok(value.unwrap_or(DAY_MS))
}

/// Does what was planned for a mirror, in its order.
pub(crate) async fn carry_out(
    cluster: &Cluster,
    name: &str,
    replication_factor: Option<i16>,
    actions: Vec<Action>,
) -> Result<(), TopicError> {
    if actions.is_empty() {
        return Ok(());
    }
    let mut connection = cluster.connect(&cluster.any().await?).await?;
    for action in actions {
        match action {
            Action::Create { partitions, configs } => {
                let topic = NewTopic { name: name.to_owned(), partitions, replication_factor, configs };
                let made = create_topics(&mut connection, &[topic], WAIT).await?;
                first(made).map_err(refused("creation", name))?;
            }
            Action::Grow { to } => {
                let growth = Growth { topic: name.to_owned(), partitions: to };
                let grown = create_partitions(&mut connection, &[growth], WAIT).await?;
                first(grown).map_err(refused("growth", name))?;
            }
            Action::Alter { configs } => {
                let changes = configs.into_iter().map(|(name, value)| (name, ConfigChange::Set(value)));
                let alteration = Alteration { topic: name.to_owned(), changes: changes.collect() };
                let altered = alter_configs(&mut connection, &[alteration]).await?;
                first(altered).map_err(refused("change of configs", name))?;
            }
        }
    }
    Ok(())
}

/// Asked over the connection that is kept for questions: a thousand topics are looked at again and again.
async fn configs(
    cluster: &Cluster,
    resource: Resource,
    names: Option<Vec<String>>,
) -> Result<Result<BTreeMap<String, String>, Refusal>, TopicError> {
    let line = cluster.line(&cluster.any().await?);
    let mut turn = line.turn(cluster).await.ok_or(ClusterError::Unreachable(None))?;
    let told = describe_configs(turn.kept.ready().await, &[ConfigsOf { resource, names }]).await;
    turn.end();
    let by_name = |configs: Vec<crate::calls::describe_configs::Config>| {
        configs.into_iter().filter_map(|config| Some((config.name, config.value?))).collect()
    };
    Ok(first(told?).map(by_name))
}

/// The one answer to a question about one topic; calls give as many as were asked for.
fn first<T>(answers: Vec<Result<T, Refusal>>) -> Result<T, Refusal> {
    let none = Refusal { code: ErrorCode::UNKNOWN_SERVER_ERROR, message: String::new() };
    answers.into_iter().next().unwrap_or(Err(none))
}

fn refused(what: &'static str, topic: &str) -> impl Fn(Refusal) -> TopicError {
    move |refusal| TopicError::Refused { what, topic: topic.to_owned(), refusal }
}
