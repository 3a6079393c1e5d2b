//! The records as this replica has read them.

use std::sync::Arc;
use std::time::Duration;

use tidegate_client::Connection;
use tidegate_core::store::{ChangeId, Image, Lost, Replay, Revision, StoreKeys, Taken};
use tokio::time::Instant;

use super::error::KafkaStoreError;
use super::fetch::{Fetched, Isolation, Line, earliest, fetch};
use super::format;

/// How long a transaction that somebody has open may keep a reader from the end: the store's take milliseconds.
pub(super) const BLOCKED: Duration = Duration::from_secs(2);

/// How long one Fetch waits for it.
const WAIT: Duration = Duration::from_millis(100);

/// The topic up to a position, as records.
#[derive(Debug)]
pub(super) struct Log {
    replay: Replay,
    position: i64,
    /// When the end of the topic was known last.
    confirmed: Option<Instant>,
    watched: Option<Watched>,
}

/// A change of ours that may have been made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) revision: Revision,
    pub(super) change: ChangeId,
    /// Whose attempt was made, as soon as that is known.
    pub(super) made: Option<ChangeId>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Made,
    NotMade,
    /// Compaction has dropped the trace of it.
    Unknown,
}

impl Log {
    /// Reads the whole topic.
    pub(super) async fn load(
        leader: &mut Connection,
        topic: &str,
        keys: StoreKeys,
        watched: Option<Watched>,
    ) -> Result<Self, KafkaStoreError> {
        let position = earliest(leader, topic).await?;
        let mut log = Self { replay: Replay::new(keys), position, confirmed: None, watched };
        log.catch_up(leader, topic).await?;
        let image = log.replay.loaded().map_err(|lost| of(topic, lost))?;
        // Compaction leaves the beginning where it is: somebody cut everything off.
        if position > 0 && image.revision() == Revision::default() {
            return Err(of(topic, Lost::NoHead));
        }
        Ok(log)
    }

    /// The newest image.
    pub(super) fn image(&self) -> &Arc<Image> {
        self.replay.image()
    }

    /// The records that a change is made of.
    pub(super) fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Where the next Fetch begins.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// When it was certain last that nothing later exists.
    pub(super) fn confirmed(&self) -> Option<Instant> {
        self.confirmed
    }

    /// Reads to the end.
    pub(super) async fn catch_up(
        &mut self,
        leader: &mut Connection,
        topic: &str,
    ) -> Result<(), KafkaStoreError> {
        let begin = Instant::now();
        let mut wait = Duration::ZERO;
        loop {
            let fetched = fetch(leader, topic, self.position, Isolation::Committed, wait).await?;
            let (is_end, is_blocked) = (fetched.is_end, fetched.is_blocked);
            self.take(fetched).map_err(|lost| of(topic, lost))?;
            if is_end {
                return Ok(());
            }
            if is_blocked && begin.elapsed() > BLOCKED {
                return Err(KafkaStoreError::Blocked(topic.to_owned()));
            }
            wait = if is_blocked { WAIT } else { Duration::ZERO };
        }
    }

    /// Takes what was read, wherever that began; what is known already is passed over.
    pub(super) fn take(&mut self, fetched: Fetched) -> Result<(), Lost> {
        for line in fetched.lines {
            if line.offset >= self.position {
                self.take_line(&line)?;
            }
        }
        // An answer from before this position says nothing of what came after.
        if fetched.next >= self.position {
            self.position = fetched.next;
            if fetched.is_end {
                self.confirmed = self.confirmed.max(Some(fetched.asked));
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: &Line) -> Result<(), Lost> {
        let record = match &line.record {
            Ok(record) => record,
            Err(error) => {
                let offset = line.offset;
                let what = format!(
                    "the batch at offset {offset} is not the store's: {error}; somebody else writes into its topic"
                );
                self.replay.alarm(&format!("offset {offset}"), what);
                return Ok(());
            }
        };
        let signed = match format::read(record, line.producer) {
            Ok(signed) => signed,
            Err((name, what)) => {
                self.replay.alarm(&name, what);
                return Ok(());
            }
        };
        let (revision, change) = (signed.revision, signed.change);
        if let Ok(Taken::Changed(_)) = self.replay.take(signed)?
            && let Some(watched) = &mut self.watched
            && watched.revision == revision
        {
            watched.made = Some(change);
        }
        Ok(())
    }

    /// From now on looks out for a change of ours.
    pub(super) fn watch(&mut self, revision: Revision, change: ChangeId) {
        self.watched = Some(Watched { revision, change, made: None });
    }

    /// The change of ours that is looked out for.
    pub(super) fn watched(&self) -> Option<Watched> {
        self.watched
    }

    /// What became of it, now that everything is read; it is no longer looked out for.
    pub(super) fn settle(&mut self) -> Option<(Revision, Outcome)> {
        let watched = self.watched.take()?;
        let outcome = match watched.made {
            Some(made) if made == watched.change => Outcome::Made,
            Some(_) => Outcome::NotMade,
            None if self.image().revision() < watched.revision => Outcome::NotMade,
            None => Outcome::Unknown,
        };
        Some((watched.revision, outcome))
    }
}

fn of(topic: &str, lost: Lost) -> KafkaStoreError {
    KafkaStoreError::Lost { topic: topic.to_owned(), lost }
}
