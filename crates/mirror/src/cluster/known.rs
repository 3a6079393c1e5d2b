//! What is known of a cluster. Whoever looks into it never waits for a broker.

use std::collections::HashMap;

use tidegate_client::Endpoint;
use tidegate_client::metadata::{ClusterMetadata, TopicMetadata};
use tidegate_wire::error_code::ErrorCode;
use tokio::time::{Duration, Instant};

use super::ClusterError;
use crate::calls::TopicPartition;

/// Topics that nobody has looked up for so long are not asked for any more; producers of Kafka do the same (`metadata.max.idle.ms`).
const UNUSED: Duration = Duration::from_secs(300);

/// What the cluster was last told to be.
///
/// Questions are numbered from 1 on, so that each part of it can say to which one it was told.
#[derive(Debug, Default)]
pub(super) struct Known {
    brokers: HashMap<i32, Endpoint>,
    brokers_told: u64,
    topics: HashMap<String, Told>,
    wanted: HashMap<String, Wanted>,
    failed: HashMap<Endpoint, Failed>,
    now: Questions,
}

/// How far questions have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Questions {
    /// The last that was begun.
    pub(super) begun: u64,
    /// The last that came to an end, whatever came of it.
    pub(super) ended: u64,
}

/// A topic, and the question that it was told to.
#[derive(Debug)]
struct Told {
    to: u64,
    topic: TopicMetadata,
}

/// A topic that somebody looks up.
#[derive(Debug)]
struct Wanted {
    used: Instant,
    /// What was told to this question or one before it is out of date.
    outdated: u64,
}

/// A broker that could not be reached, or was slower than others.
#[derive(Debug)]
struct Failed {
    at: Instant,
    /// What was told to this question or one before it may be out of date: it need not lead any more what it led.
    doubted: u64,
}

/// A question to the cluster.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) number: u64,
    pub(super) topics: Vec<String>,
    /// Whom to ask, the most promising first.
    pub(super) brokers: Vec<Endpoint>,
}

impl Known {
    /// Has a topic asked for from the next question on.
    pub(super) fn want(&mut self, topic: &str) {
        let wanted = Wanted { used: Instant::now(), outdated: 0 };
        self.wanted.entry(topic.to_owned()).or_insert(wanted).used = Instant::now();
    }

    pub(super) fn now(&self) -> Questions {
        self.now
    }

    /// Begins a question about all that is wanted.
    pub(super) fn begin(&mut self, bootstrap: &[Endpoint]) -> Question {
        self.now.begun += 1;
        self.wanted.retain(|_, wanted| wanted.used.elapsed() < UNUSED);
        let topics = self.wanted.keys().cloned().collect();
        Question { number: self.now.begun, topics, brokers: self.candidates(bootstrap) }
    }

    /// Takes what was told to a question, if it was.
    pub(super) fn end(&mut self, to: u64, told: Option<ClusterMetadata>) {
        self.now.ended = to;
        let Some(ClusterMetadata { brokers, topics, .. }) = told else { return };
        self.brokers = brokers.into_iter().map(|broker| (broker.id, broker.endpoint)).collect();
        self.brokers_told = to;
        let is_new = |topic: &TopicMetadata| self.wanted.get(&topic.name).is_none_or(|it| it.outdated < to);
        let topics = topics.into_iter().filter(is_new);
        self.topics = topics.map(|topic| (topic.name.clone(), Told { to, topic })).collect();
    }

    /// Who leads the partitions of a topic is not believed any more.
    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
        if let Some(wanted) = self.wanted.get_mut(topic) {
            wanted.outdated = self.now.begun;
        }
    }

    /// A broker could not be reached, so that what it is said to lead has to be asked for anew.
    pub(super) fn failed(&mut self, broker: &Endpoint) {
        self.failed_before(broker, self.now.begun + 1);
    }

    /// A broker could not be asked this question; what another one tells is believed.
    pub(super) fn failed_before(&mut self, broker: &Endpoint, question: u64) {
        let failed = Failed { at: Instant::now(), doubted: question.saturating_sub(1) };
        self.failed.insert(broker.clone(), failed);
    }

    pub(super) fn reached(&mut self, broker: &Endpoint) {
        self.failed.remove(broker);
    }

    pub(super) fn leader(&mut self, at: &TopicPartition) -> Option<Endpoint> {
        let name = at.topic.name();
        if let Some(wanted) = self.wanted.get_mut(name) {
            wanted.used = Instant::now();
        }
        let Told { to, topic } = self.topics.get(name)?;
        // A topic that was made anew is another one.
        if at.topic.id().is_some_and(|id| !topic.id.is_nil() && id != topic.id) {
            return None;
        }
        let partition = topic.partitions.iter().find(|partition| partition.index == at.partition)?;
        self.brokers.get(&partition.leader?).filter(|broker| !self.is_doubted(broker, *to)).cloned()
    }

    /// The topic, if it was told to a question behind that number.
    pub(super) fn topic_behind(&self, number: u64, name: &str) -> Option<TopicMetadata> {
        self.topics.get(name).filter(|told| told.to > number).map(|told| told.topic.clone())
    }

    /// A broker that can be asked, as far as one knows.
    pub(super) fn any(&self) -> Option<(i32, Endpoint)> {
        let (id, broker) = self.brokers.iter().min_by_key(|(_, broker)| self.failed_at(broker))?;
        (!self.is_doubted(broker, self.brokers_told)).then(|| (*id, broker.clone()))
    }

    pub(super) fn missing(&self, at: &TopicPartition) -> ClusterError {
        let topic = self.topics.get(at.topic.name()).map(|told| &told.topic);
        let code = match topic.map(|topic| topic.error) {
            Some(ErrorCode::NONE)
                if at.topic.id().is_some_and(|id| topic.is_some_and(|topic| topic.id != id)) =>
            {
                ErrorCode::UNKNOWN_TOPIC_ID
            }
            Some(ErrorCode::NONE) => ErrorCode::LEADER_NOT_AVAILABLE,
            Some(code) => code,
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        };
        ClusterError::Partition { at: at.to_string(), code }
    }

    /// Those of the configuration and those that were told, each once; whoever has just failed is last.
    fn candidates(&mut self, bootstrap: &[Endpoint]) -> Vec<Endpoint> {
        let mut candidates: Vec<Endpoint> = Vec::new();
        for broker in bootstrap.iter().chain(self.brokers.values()) {
            if !candidates.contains(broker) {
                candidates.push(broker.clone());
            }
        }
        self.failed.retain(|broker, _| candidates.contains(broker));
        // None is less than any time, and the order of equals stays.
        candidates.sort_by_key(|broker| self.failed_at(broker));
        candidates
    }

    fn failed_at(&self, broker: &Endpoint) -> Option<Instant> {
        self.failed.get(broker).map(|failed| failed.at)
    }

    fn is_doubted(&self, broker: &Endpoint, told: u64) -> bool {
        self.failed.get(broker).is_some_and(|failed| failed.doubted >= told)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_client::metadata::{Broker, PartitionMetadata};

    use super::*;
    use crate::calls::testing::at;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint::new("broker", port)
    }

    /// One topic of one partition, led by the broker of that number, which listens there.
    fn told(leader: u16) -> ClusterMetadata {
        let at = at("t", 0);
        let broker = Broker { id: leader.into(), endpoint: endpoint(leader), rack: None };
        let partition = PartitionMetadata {
            index: 0,
            error: ErrorCode::NONE,
            leader: Some(leader.into()),
            leader_epoch: 0,
            replicas: Vec::new(),
            isr: Vec::new(),
            offline: Vec::new(),
        };
        let topic = TopicMetadata {
            name: "t".to_owned(),
            id: at.topic.id().unwrap(),
            error: ErrorCode::NONE,
            partitions: vec![partition],
        };
        ClusterMetadata { cluster_id: None, controller: None, brokers: vec![broker], topics: vec![topic] }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_under_way_does_not_bring_back_what_was_forgotten() {
        let mut known = Known::default();
        known.want("t");
        let first = known.begin(&[]);
        assert_eq!(first.topics, ["t"]);
        known.forget("t");
        known.end(first.number, Some(told(1)));
        assert_eq!(known.leader(&at("t", 0)), None);
        let second = known.begin(&[]);
        known.end(second.number, Some(told(2)));
        assert_eq!(known.leader(&at("t", 0)), Some(endpoint(2)));
        assert!(known.topic_behind(first.number, "t").is_some());
        assert!(known.topic_behind(second.number, "t").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn topics_that_nobody_looks_up_are_not_asked_for_again() {
        let mut known = Known::default();
        known.want("t");
        known.want("unused");
        let question = known.begin(&[]);
        known.end(question.number, Some(told(1)));
        for _ in 0..2 {
            tokio::time::advance(UNUSED / 2).await;
            assert!(known.leader(&at("t", 0)).is_some());
        }
        assert_eq!(known.begin(&[]).topics, ["t"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_failed_last_is_asked_last() {
        let mut known = Known::default();
        let bootstrap = [endpoint(7), endpoint(8), endpoint(1)];
        let question = known.begin(&bootstrap);
        assert_eq!(question.brokers, bootstrap);
        known.end(question.number, Some(told(1)));
        for port in [7, 1] {
            known.failed(&endpoint(port));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(known.begin(&bootstrap).brokers, [endpoint(8), endpoint(7), endpoint(1)]);
        known.reached(&endpoint(7));
        assert_eq!(known.begin(&bootstrap).brokers, [endpoint(7), endpoint(8), endpoint(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_cannot_be_reached_is_asked_for_anew() {
        let mut known = Known::default();
        known.want("t");
        let question = known.begin(&[]);
        known.end(question.number, Some(told(1)));
        known.failed(&endpoint(1));
        assert_eq!((known.leader(&at("t", 0)), known.any()), (None, None));
        // It is still said to lead: it is tried again.
        let question = known.begin(&[]);
        known.failed_before(&endpoint(1), question.number);
        known.end(question.number, Some(told(1)));
        assert_eq!(known.leader(&at("t", 0)), Some(endpoint(1)));
        assert_eq!(known.any(), Some((1, endpoint(1))));
    }
}
