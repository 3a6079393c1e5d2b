//! A partition as its leader has it.

use crate::log::Log;
use crate::producers::Producers;

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partition {
    pub(crate) log: Log,
    pub(crate) producers: Producers,
    /// Transactions that were aborted, in the order of their markers.
    pub(crate) aborted: Vec<Aborted>,
    /// Whether a follower that counts does not fetch: appends for all replicas time out.
    pub(crate) lags: bool,
}

/// A transaction that was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted {
    /// Whose it was.
    pub producer_id: i64,
    /// Its first offset.
    pub first_offset: i64,
    /// The offset of its marker.
    pub last_offset: i64,
}

impl Partition {
    /// What it holds.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Whom it knows.
    #[must_use]
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    /// The end of what readers see who want no record of a transaction that is open (read_committed).
    #[must_use]
    pub fn stable_end(&self) -> i64 {
        let open = self.producers.first_open().unwrap_or(i64::MAX);
        self.log.high_watermark().min(open)
    }

    /// What is appended is on all replicas, unless one does not fetch.
    pub(crate) fn replicate(&mut self) {
        if !self.lags {
            self.log.raise_high_watermark();
        }
    }

    /// Reads the log again, as a broker does that has lost its memory: what nobody wrote into the log is forgotten.
    pub(crate) fn remember_from_log(&mut self) {
        let end = self.log.end();
        self.producers = Producers::default();
        for stored in self.log.physical() {
            self.producers.replay(&stored.header, &stored.bytes);
        }
        self.aborted.retain(|aborted| aborted.last_offset < end);
    }
}
