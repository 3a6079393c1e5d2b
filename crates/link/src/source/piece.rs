//! Pieces of a log.

use std::ops::Range;

use crate::rewrite::Run;

/// Some offsets one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// There is a record at each of them.
    Data(Data),
    /// Readers see nothing at any of them.
    Gap(Range<i64>),
}

impl Piece {
    /// Its offsets.
    #[must_use]
    pub fn offsets(&self) -> Range<i64> {
        match self {
            Self::Data(data) => data.offsets(),
            Self::Gap(offsets) => offsets.clone(),
        }
    }

    /// Its records, if it has any.
    #[must_use]
    pub fn data(&self) -> Option<&Data> {
        match self {
            Self::Data(data) => Some(data),
            Self::Gap(_) => None,
        }
    }
}

/// Records to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The batch, which `tidegate_wire::stamp` takes if its checksum is right, and its offsets at the source: they are the same
    /// at the mirror.
    pub run: Run,
    /// The epoch of the source's leader that wrote the batch it comes from, or -1 if that is not known.
    pub leader_epoch: i32,
}

impl Data {
    /// Its offsets.
    #[must_use]
    pub fn offsets(&self) -> Range<i64> {
        let begin = self.run.base_offset;
        begin..begin.saturating_add(self.run.count.into())
    }

    /// How many bytes it is to send.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.run.batch.len()
    }
}

/// What is known of a log from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// In order, each begins where the one before ends; the first begins at the offset that was asked for. There are never two
    /// gaps one behind the other.
    pub pieces: Vec<Piece>,
    /// Where the last one ends, and the next Fetch begins.
    pub next: i64,
    /// The epoch of the source's leader that wrote the last batch before that, whatever the batch is: what a Fetch that goes on
    /// there says to be told where the source is another log by then (KIP-595). None without a batch that says it.
    pub last_epoch: Option<i32>,
    /// How many bytes an answer has to hold at least for there to be a piece at all. The first batch was cut off, so that the
    /// same Fetch would never get further; it is the batch's own word, and may be more than anybody should ask for.
    pub wants: Option<usize>,
}

impl Pieces {
    /// None as yet.
    pub(super) fn from(from: i64) -> Self {
        Self { pieces: Vec::new(), next: from, last_epoch: None, wants: None }
    }

    /// Whatever is before `end` and not known has nothing for readers.
    pub(super) fn gap_to(&mut self, end: i64) {
        if end <= self.next {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Gap(gap)) => gap.end = end,
            _ => self.pieces.push(Piece::Gap(self.next..end)),
        }
        self.next = end;
    }

    /// Records behind everything else, maybe after a gap.
    pub(super) fn data(&mut self, data: Data) {
        self.gap_to(data.run.base_offset);
        self.next = data.offsets().end;
        self.pieces.push(Piece::Data(data));
    }
}

/// The offsets of a batch, if a log has them.
pub(super) fn range(base_offset: i64, last_offset_delta: i32) -> Option<Range<i64>> {
    let last_offset = base_offset.checked_add(last_offset_delta.into())?;
    let end = last_offset.checked_add(1)?;
    (base_offset >= 0 && last_offset_delta >= 0).then_some(base_offset..end)
}
