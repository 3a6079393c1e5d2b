//! Follows the end of the topic, on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use tidegate_wire::error_code::ErrorCode;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::KafkaStoreOptions;
use super::cluster;
use super::error::KafkaStoreError;
use super::fetch::{Fetched, Isolation, fetch};

/// How long a broker holds a Fetch back for which there is nothing. Each answer confirms that the end is known.
const WAIT: Duration = Duration::from_millis(500);

/// First and longest time between attempts to reach the cluster.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the follower tells.
#[derive(Debug)]
pub(super) enum Followed {
    /// The next part of the topic, or that there is none.
    Fetched(Fetched),
    /// The position is not in the topic: it was cut or made anew.
    Gone,
}

/// A follower; dropping it ends it.
pub(super) struct Follower {
    task: JoinHandle<()>,
    pub(super) followed: Receiver<Followed>,
}

/// What a follower may have read ahead.
const AHEAD: usize = 1;

impl Follower {
    /// Follows from `position` on.
    pub(super) fn start(options: Arc<KafkaStoreOptions>, isolation: Isolation, position: i64) -> Self {
        let (to, followed) = channel(AHEAD);
        Self { task: tokio::spawn(follow(options, isolation, position, to)), followed }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows from `position` on, until nobody listens.
async fn follow(
    options: Arc<KafkaStoreOptions>,
    isolation: Isolation,
    mut position: i64,
    to: Sender<Followed>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        match run(&options, isolation, &mut position, &to, &mut pause).await {
            Ok(()) => return,
            Err(error) => {
                let topic = &options.topic;
                tracing::warn!(%error, topic, position, "cannot read the store; trying again");
                if error.code() == Some(ErrorCode::OFFSET_OUT_OF_RANGE)
                    && to.send(Followed::Gone).await.is_err()
                {
                    return;
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn run(
    options: &KafkaStoreOptions,
    isolation: Isolation,
    position: &mut i64,
    to: &Sender<Followed>,
    pause: &mut Duration,
) -> Result<(), KafkaStoreError> {
    let mut leader = cluster::leader(options).await?;
    loop {
        let fetched = fetch(&mut leader, &options.topic, *position, isolation, WAIT).await?;
        *pause = FIRST_PAUSE;
        *position = fetched.next;
        if to.send(Followed::Fetched(fetched)).await.is_err() {
            return Ok(());
        }
    }
}
