//! Fetches from one broker of the source, over two connections: one asks for partitions that have just had something, and is
//! answered at once; the other waits with all of the rest until one of them has something.
//!
//! So a thousand partitions that hardly ever have anything take one request at a time, and none waits for another. The broker
//! remembers them (KIP-227): neither a request nor its answer names what has not changed.

mod answer;
mod asker;
mod lane;
mod patience;
#[cfg(test)]
mod tests;
mod turns;

use std::sync::Arc;

use tidegate_client::Endpoint;
use tokio::sync::mpsc;

use crate::budget::Budget;
use crate::calls::TopicPartition;
use crate::cluster::Cluster;
use crate::rate::Rate;
use crate::reply::Reply;
use asker::Asker;
use lane::Lane;
use patience::Patience;

/// What a partition wants of its source.
pub(crate) struct Want {
    pub(crate) at: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) last_epoch: Option<i32>,
    /// At least so many bytes.
    pub(crate) wants: Option<usize>,
    /// The end of the source that the partition knows; it is told of another one.
    pub(crate) end: Option<i64>,
    pub(crate) reply: Reply,
}

/// Begins to take wants for a broker; it ends with the last sender.
pub(crate) fn start(
    cluster: Arc<Cluster>,
    broker: Endpoint,
    budget: Budget,
    rate: Rate,
) -> mpsc::UnboundedSender<Want> {
    let (busy, to_busy) = mpsc::unbounded_channel();
    let (idle, to_idle) = mpsc::unbounded_channel();
    let lane = |asker, wants, patience| Lane::new(asker, budget.clone(), rate.share(), wants, patience);
    let asker = Asker::of_all(Arc::clone(&cluster), broker.clone());
    tokio::spawn(lane(asker, to_busy, Patience::None { quiet: idle }).run());
    tokio::spawn(lane(Asker::of_news(cluster, broker), to_idle, Patience::waits()).run());
    busy
}
