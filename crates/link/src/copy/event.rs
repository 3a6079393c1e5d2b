//! What a copy machine is told.

use bytes::Bytes;
use tidegate_wire::error_code::ErrorCode;

use crate::source::Aborted;

/// The answer to an [`Order`](super::Order).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What the log of the mirror is.
    Seen(Result<Seen, Trouble>),
    /// Where the source begins and ends.
    Bounds(Result<Bounds, Trouble>),
    /// What the mirror holds: whole batches, the last one may be cut.
    Scanned(Result<Bytes, Trouble>),
    /// What the source holds.
    Fetched(Result<Fetched, Trouble>),
    /// What became of an append.
    Appended {
        /// Which one: [`Append::base_offset`](super::Append::base_offset).
        base_offset: i64,
        /// The offset that the broker gave it.
        answer: Result<i64, Trouble>,
    },
    /// The end of the log after the marks.
    Marked(Result<i64, Trouble>),
    /// The start of the log after the deletion.
    Deleted(Result<i64, Trouble>),
    /// It is the time that was asked for, or later.
    Woken,
}

/// Why there is no answer to speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The broker refused.
    Refused(ErrorCode),
    /// Nobody knows whether it was done: the connection is gone, or it took too long, and the connection was closed.
    Lost,
    /// It was not even tried: no broker, or no lease.
    NotSent,
}

/// The log of the mirror. What it says is taken for true when it says the same twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What the broker knows of the link's producer (DescribeProducers); nothing once it has forgotten it.
    pub producer: Option<Producer>,
    /// The first offset.
    pub start: i64,
    /// The end of the leader's log, as replicas are told it.
    pub end: i64,
    /// The end of what all replicas have.
    pub committed: i64,
}

/// What a broker knows of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// Its epoch.
    pub epoch: i16,
    /// The sequence of its last record.
    pub last_sequence: i32,
    /// The greatest timestamp of its last batch, in milliseconds since 1970.
    pub last_timestamp: i64,
}

/// Where a source begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset.
    pub start: i64,
    /// The end of what is committed (the last stable offset).
    pub end: i64,
}

/// What a source answers to a Fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The end of what is committed (the last stable offset).
    pub stable_end: i64,
    /// Where the source is no longer the log that was copied (KIP-595): the end of what is common.
    pub diverging: Option<i64>,
    /// Transactions that were given up.
    pub aborted: Vec<Aborted>,
    /// Batches, the last one may be cut.
    pub records: Bytes,
}
