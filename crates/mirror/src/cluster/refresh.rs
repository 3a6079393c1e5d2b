//! Asking a cluster what it is: one question at a time, and one answer for all who wait.

use std::sync::Arc;

use tidegate_client::metadata::{self, ClusterMetadata};
use tidegate_client::{ConnectOptions, Endpoint, connect};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::known::{Known, Question};
use super::{Cluster, ClusterError};

/// What a broker says about its cluster is asked again at the earliest after this: elections take about as long.
pub(super) const REFRESH: Duration = Duration::from_millis(250);

/// Who has not answered by then is not waited for alone: the next one is asked as well. A login over half the world, with TLS, takes
/// about as long.
const NEXT: Duration = Duration::from_secs(1);

/// Whoever asks has it; the others wait for what comes of it.
#[derive(Debug, Default)]
pub(super) struct Refreshes(Mutex<Last>);

/// The last question.
#[derive(Debug)]
struct Last {
    asked: Option<Instant>,
    /// The last that came to an end, and what came of it.
    ended: u64,
    outcome: Result<(), ClusterError>,
}

/// When a question may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Not too soon after another.
    Common,
    AtOnce,
}

impl Cluster {
    /// What is read of what is known, which is asked for if there is no such thing; none if the cluster does not tell.
    pub(super) async fn look_up<T>(
        &self,
        topic: Option<&str>,
        pace: Pace,
        read: impl Fn(&mut Known) -> Option<T>,
    ) -> Result<Option<T>, ClusterError> {
        let before = {
            let mut known = self.known();
            if let Some(found) = read(&mut known) {
                return Ok(Some(found));
            }
            if let Some(topic) = topic {
                known.want(topic);
            }
            known.now()
        };
        let mut last = self.refreshes.0.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(found) = read(&mut self.known()) {
            return Ok(Some(found));
        }
        match &last.outcome {
            // What could not be asked while this one waited need not be tried by each of a thousand.
            Err(error) if last.ended > before.ended => return Err(error.clone()),
            // It was asked for, and there is no such thing.
            Ok(()) if last.ended > before.begun => {}
            _ => self.refresh(&mut last, pace).await?,
        }
        Ok(read(&mut self.known()))
    }

    async fn refresh(&self, last: &mut Last, pace: Pace) -> Result<(), ClusterError> {
        if let (Pace::Common, Some(asked)) = (pace, last.asked) {
            sleep_until(asked + REFRESH).await;
        }
        last.asked = Some(Instant::now());
        let Question { number, topics, brokers } = self.known().begin(&self.bootstrap);
        let told = self.ask(number, &topics.into(), brokers).await;
        let (told, outcome) = told.map_or_else(|error| (None, Err(error)), |told| (Some(told), Ok(())));
        self.known().end(number, told);
        (last.ended, last.outcome) = (number, outcome);
        last.outcome.clone()
    }

    /// What the first broker tells that tells anything. Who is slow is not given up, but the next one is asked beside it.
    async fn ask(
        &self,
        question: u64,
        topics: &Arc<[String]>,
        brokers: Vec<Endpoint>,
    ) -> Result<ClusterMetadata, ClusterError> {
        let mut why = ClusterError::Unreachable(None);
        let mut asked = JoinSet::new();
        let mut brokers = brokers.into_iter();
        let mut next = brokers.next();
        loop {
            if let Some(broker) = next.clone() {
                asked.spawn(ask_one(broker, Arc::clone(&self.options), Arc::clone(topics)));
            }
            let patience = if brokers.len() > 0 { NEXT } else { Duration::MAX };
            match timeout(patience, asked.join_next()).await {
                Ok(Some(Ok((broker, Ok(told))))) => {
                    self.known().reached(&broker);
                    return Ok(told);
                }
                Ok(Some(Ok((broker, Err(error))))) => {
                    self.known().failed_before(&broker, question);
                    why = error;
                }
                Ok(Some(Err(error))) => tracing::error!(%error, "asking a broker has failed"),
                Ok(None) => return Err(why),
                Err(_) => next.iter().for_each(|slow| self.known().failed_before(slow, question)),
            }
            next = brokers.next();
        }
    }
}

async fn ask_one(
    broker: Endpoint,
    options: Arc<ConnectOptions>,
    topics: Arc<[String]>,
) -> (Endpoint, Result<ClusterMetadata, ClusterError>) {
    let told = async {
        let unreachable = |error| ClusterError::Unreachable(Some(Arc::new(error)));
        let mut connection = connect(&broker, &options).await.map_err(unreachable)?;
        let told = metadata::fetch(&mut connection, &topics).await;
        told.map_err(|error| ClusterError::Metadata(Arc::new(error)))
    };
    let told = told.await;
    (broker, told)
}

impl Default for Last {
    fn default() -> Self {
        Self { asked: None, ended: 0, outcome: Ok(()) }
    }
}
