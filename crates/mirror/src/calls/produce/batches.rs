//! What goes into one request.

use std::collections::HashSet;

use tidegate_wire::StrBytes;
use tidegate_wire::stamp::Stamped;

use crate::calls::TopicPartition;
use crate::calls::order::About;

/// The batches of one request, no partition twice: a broker loses the first of two without a word.
#[derive(Debug, Clone, Default)]
pub struct Batches {
    entries: Vec<Entry>,
    // By name: of two topics with one name only one can be there.
    taken: HashSet<(StrBytes, i32)>,
    bytes: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: TopicPartition,
    pub(super) batch: Stamped,
}

impl Batches {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a batch. The base offset in its header has to be 0, wherever it is meant to land: brokers refuse any other
    /// (INVALID_RECORD).
    ///
    /// # Errors
    /// The batch itself, when the partition has one already: it has to wait for the next request.
    pub fn add(&mut self, at: TopicPartition, batch: Stamped) -> Result<(), Stamped> {
        if !self.taken.insert((at.topic.wire_name().0, at.partition)) {
            return Err(batch);
        }
        self.bytes += batch.header.len() + batch.records.len();
        self.entries.push(Entry { at, batch });
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all of them, headers and records. Brokers close on a request above `socket.request.max.bytes`, 100 MiB by default.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl About for Entry {
    fn at(&self) -> &TopicPartition {
        &self.at
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::calls::testing::at;

    #[test]
    fn a_partition_has_one_batch() {
        let batch = |records| Stamped { header: [0; 61], records: Bytes::from_static(records) };
        let mut batches = Batches::new();
        batches.add(at("t", 0), batch(b"first")).unwrap();
        batches.add(at("t", 1), batch(b"other")).unwrap();
        assert_eq!(batches.add(at("t", 0), batch(b"second")).unwrap_err(), batch(b"second"));
        assert_eq!((batches.len(), batches.bytes()), (2, 2 * 66));
    }
}
