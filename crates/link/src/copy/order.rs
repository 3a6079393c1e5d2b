//! What a copy machine asks for.

use tidegate_wire::stamp::Stamped;

/// How often a machine has begun anew. What was asked for in an earlier attempt is of no interest any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Attempt(pub u64);

/// What is to be done. Each is answered by one [`Event`](super::Event) of the same attempt, in any order. Appends are written in the
/// order in which they come out, over one connection; once one of them is lost, those behind it are lost, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Look at the mirror's log: [`Event::Seen`](super::Event::Seen).
    Look,
    /// Ask the source where it begins and ends: [`Event::Bounds`](super::Event::Bounds).
    Bounds,
    /// Read the mirror itself from an offset on, uncommitted: [`Event::Scanned`](super::Event::Scanned).
    Scan {
        /// From here on.
        offset: i64,
    },
    /// Read what is committed at the source: [`Event::Fetched`](super::Event::Fetched).
    Fetch {
        /// From here on.
        offset: i64,
        /// The epoch of the record before it, where it is known (KIP-595).
        last_epoch: Option<i32>,
        /// At least so many bytes, however little is asked for by default: a batch did not fit.
        wants: Option<usize>,
    },
    /// Append a batch: [`Event::Appended`](super::Event::Appended).
    Append(Append),
    /// Write marks, then ask for the end of the log: [`Event::Marked`](super::Event::Marked).
    Mark(Mark),
    /// Delete what lies before an offset: [`Event::Deleted`](super::Event::Deleted).
    Delete {
        /// The offset that the log is to begin with.
        before: i64,
    },
    /// Wake the machine: [`Event::Woken`](super::Event::Woken).
    Wake {
        /// When, in milliseconds since 1970.
        at: i64,
    },
}

/// One batch for the end of the mirror's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where it has to lie.
    pub base_offset: i64,
    /// What keeps it from lying anywhere else.
    pub guarding: Guarding,
    /// The batch.
    pub batch: Stamped,
}

/// Marks of transactions that never were, one for each offset of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// How many.
    pub count: u32,
    /// The producer id that they are of, in epoch 0.
    pub producer_id: i64,
    /// The epoch of whoever writes them.
    pub coordinator_epoch: i32,
}

/// What keeps an append from being done twice or at another offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarding {
    /// The broker: it knows the producer and takes no other sequence.
    Sequence,
    /// The lease alone, which has to be looked at right before the bytes go out. The broker does not know the producer, or may
    /// forget it at any time, since its last records are old.
    Lease,
}
