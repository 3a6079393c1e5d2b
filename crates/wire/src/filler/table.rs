//! The table of record sections that are fillers.

use super::sections::{KEYED, PLAIN};

/// The key of every record that needs one. Nobody else has it, and all have the same, so that compaction keeps one at most.
pub const KEY: &[u8] = b"tidegate.filler.5c54f4b5-0ae4-404c-a4cf-4bab5bdf1a43";

/// Which records a topic takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Without a key: seven bytes each, before they are compressed.
    Plain,
    /// With [`KEY`] and no value: a compacted topic takes no record without a key.
    Keyed,
}

impl Kind {
    /// Its entries, the largest first; the last one stands for one offset.
    #[must_use]
    pub fn entries(self) -> &'static [Entry] {
        match self {
            Self::Plain => &PLAIN,
            Self::Keyed => &KEYED,
        }
    }
}

/// The records of one filler. They are in logs, so they never change.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    count: u32,
    codec: u8,
    checksum: u32,
    records: &'static [u8],
}

impl Entry {
    pub(super) const fn new(count: u32, codec: u8, checksum: u32, records: &'static [u8]) -> Self {
        Self { count, codec, checksum, records }
    }

    /// How many records, and so offsets.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Compression codec number.
    #[must_use]
    pub fn codec(&self) -> u8 {
        self.codec
    }

    /// The records, as they are in a batch behind its header.
    #[must_use]
    pub fn records(&self) -> &'static [u8] {
        self.records
    }

    /// CRC-32C of the records.
    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }
}

/// Records as they are.
pub(super) const CODEC_NONE: u8 = 0;
