//! A session (KIP-227): the broker remembers what was asked for. Requests name only what has changed, answers only what is new, so that many
//! partitions in which nothing happens cost next to nothing on either side.

use std::collections::HashMap;
use std::mem;

use tidegate_client::{AskError, Connection};
use tidegate_wire::messages::FetchRequest;
use tidegate_wire::messages::fetch_request::ForgottenTopic;

use super::{Fetch, FetchNews, FetchPartition, answer, is_by_id, limit, request, version_for};
use crate::calls::TopicPartition;
use crate::calls::order::by_topic;

/// What one broker remembers of a reader. It may be dropped at any time: the broker forgets what is not used.
#[derive(Debug, Default)]
pub struct FetchSession {
    /// None as long as the broker has not given one, because it never was asked or has too many.
    open: Option<Open>,
}

#[derive(Debug, PartialEq, Eq)]
struct Open {
    id: i32,
    /// The number of the next request.
    epoch: i32,
    version: i16,
    /// What the broker knows, and the epoch of the last request for which it was wanted.
    known: HashMap<TopicPartition, (Wanted, i32)>,
}

/// What is asked of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    offset: i64,
    max_bytes: i32,
    leader_epoch: Option<i32>,
    last_fetched_epoch: Option<i32>,
}

impl FetchSession {
    /// Reads as [`fetch`](super::fetch) does, but tells only of partitions where something is new since the last time: records, another end, or
    /// an error. A partition that was not named in the last call is told of in any case.
    ///
    /// # Errors
    /// As [`fetch`](super::fetch). The next call begins a new session.
    pub async fn fetch(&mut self, connection: &mut Connection, fetch: &Fetch) -> Result<FetchNews, AskError> {
        let version = version_for(connection, fetch)?;
        // Gone if the call is dropped half way: nobody knows then what the broker remembers.
        if let Some(open) = mem::take(self).open.filter(|open| open.version == version) {
            match self.go_on(open, connection, fetch).await {
                // It has forgotten the session.
                Err(AskError::Refused { .. }) => {}
                done => return done,
            }
        }
        self.begin(version, connection, fetch).await
    }

    async fn begin(
        &mut self,
        version: i16,
        connection: &mut Connection,
        fetch: &Fetch,
    ) -> Result<FetchNews, AskError> {
        let request =
            request::request(version, fetch).with_session_epoch(if version < SINCE { NONE } else { FIRST });
        let answer = connection.call_within(limit(connection, fetch), version, &request).await?;
        let id = answer.session_id;
        let news = answer::news(version, fetch, answer)?;
        let known = |wanted: &FetchPartition| (wanted.at.clone(), (Wanted::from(wanted), FIRST));
        let known = fetch.partitions.iter().map(known).collect();
        self.open = (id != 0).then_some(Open { id, epoch: FIRST + 1, version, known });
        Ok(news)
    }

    async fn go_on(
        &mut self,
        mut open: Open,
        connection: &mut Connection,
        fetch: &Fetch,
    ) -> Result<FetchNews, AskError> {
        let request = open.request(fetch);
        let answer = connection.call_within(limit(connection, fetch), open.version, &request).await?;
        let news = answer::news(open.version, fetch, answer)?;
        open.epoch = open.epoch.checked_add(1).unwrap_or(FIRST + 1);
        self.open = Some(open);
        Ok(news)
    }
}

impl Open {
    /// What is new and what is no longer wanted, which is known from then on.
    fn request(&mut self, fetch: &Fetch) -> FetchRequest {
        let mut partitions = Vec::new();
        for wanted in &fetch.partitions {
            let now = (Wanted::from(wanted), self.epoch);
            let before = match self.known.get_mut(&wanted.at) {
                Some(known) => Some(mem::replace(known, now)),
                None => self.known.insert(wanted.at.clone(), now),
            };
            if before.is_none_or(|(before, _)| before != now.0) {
                partitions.push(wanted.clone());
            }
        }
        let forgotten = self.forgotten(fetch.partitions.len());
        let Fetch { isolation, max_wait, min_bytes, max_bytes, .. } = *fetch;
        request::request(self.version, &Fetch { isolation, max_wait, min_bytes, max_bytes, partitions })
            .with_session_id(self.id)
            .with_session_epoch(self.epoch)
            .with_forgotten_topics_data(forgotten)
    }

    /// What this request does not name; it names so many.
    fn forgotten(&mut self, named: usize) -> Vec<ForgottenTopic> {
        if self.known.len() == named {
            return Vec::new();
        }
        let epoch = self.epoch;
        let gone = self.known.extract_if(|_, (_, last)| *last != epoch);
        let gone: Vec<TopicPartition> = gone.map(|(at, _)| at).collect();
        let topics = by_topic(&gone).into_iter().map(|(topic, same)| {
            let forgotten =
                ForgottenTopic::default().with_partitions(same.iter().map(|at| at.partition).collect());
            match topic.id().filter(|_| is_by_id(self.version)) {
                Some(id) => forgotten.with_topic_id(id),
                None => forgotten.with_topic(topic.wire_name()),
            }
        });
        topics.collect()
    }
}

impl From<&FetchPartition> for Wanted {
    fn from(partition: &FetchPartition) -> Self {
        let FetchPartition { offset, max_bytes, leader_epoch, last_fetched_epoch, .. } = *partition;
        Self { offset, max_bytes, leader_epoch, last_fetched_epoch }
    }
}

/// The first version that knows sessions.
const SINCE: i16 = 7;

/// The epoch of a request without a session, and of one that wants one.
const NONE: i32 = -1;
const FIRST: i32 = 0;
