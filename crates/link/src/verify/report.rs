//! What a comparison has found.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use super::side::Record;

/// What a mirror is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Each record of the source is in the mirror, at its offset, and nothing else is.
    Exact,
    /// So it is, but readers who come to the mirror directly see empty records in gaps of the source.
    ExactWithFillers(u64),
    /// All records are there, so many offsets further on.
    Shifted(i64),
    /// Source and mirror differ between these offsets.
    Diverged(Range<i64>),
}

/// What a comparison has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// The offsets that were compared.
    pub offsets: Range<i64>,
    /// Records that both have.
    pub same: u64,
    /// Records that only the mirror has: the source's cleaner has taken them.
    pub cleaned_source: u64,
    /// Records that only the source has: the mirror's cleaner has taken them.
    pub cleaned_mirror: u64,
    /// Offsets that fillers take, which are to be seen.
    pub fillers: u64,
    /// Offsets that markers take, which nobody sees.
    pub markers: u64,
    /// A digest of every record of the source with its offset.
    pub source_digest: u128,
    /// The same of the mirror: equal, but for what the cleaner has taken.
    pub mirror_digest: u128,
}

#[derive(Debug, Default)]
pub(super) struct Findings {
    same: u64,
    cleaned_source: u64,
    cleaned_mirror: u64,
    pub(super) fillers: u64,
    pub(super) markers: u64,
    /// Offsets where the two differ, the first and the last.
    differs: Option<Range<i64>>,
    shift: Shift,
}

/// Whether the records that differ are the same ones somewhere else.
#[derive(Debug, Default)]
struct Shift {
    /// Those of the source that were not met in the mirror yet, as digests in a row. One is enough to find out.
    waiting: VecDeque<Record>,
    by: Option<i64>,
    broken: bool,
}

/// Records that may wait for their like: a shift by more than so many records is called a difference.
const WAITING: usize = 100_000;

impl Findings {
    pub(super) fn both(&mut self, source: Record, mirror: Record) {
        if source == mirror {
            self.same = self.same.saturating_add(1);
            // Whoever is at the right place after others were not is no shift.
            self.shift.broken |= self.differs.is_some();
        } else {
            self.differ(source.offset);
            self.shift.source(source);
            self.shift.mirror(mirror);
        }
    }

    pub(super) fn only_source(&mut self, source: Record, compacted: bool) {
        if compacted && self.differs.is_none() {
            self.cleaned_mirror = self.cleaned_mirror.saturating_add(1);
        } else {
            self.differ(source.offset);
            self.shift.source(source);
        }
    }

    pub(super) fn only_mirror(&mut self, mirror: Record, compacted: bool) {
        if compacted && self.differs.is_none() {
            self.cleaned_source = self.cleaned_source.saturating_add(1);
        } else {
            self.differ(mirror.offset);
            self.shift.mirror(mirror);
        }
    }

    fn differ(&mut self, offset: i64) {
        let end = offset.saturating_add(1);
        let differs = self.differs.get_or_insert(offset..end);
        differs.end = differs.end.max(end);
    }

    pub(super) fn report(self, offsets: Range<i64>, source_digest: u128, mirror_digest: u128) -> Report {
        let Self { same, cleaned_source, cleaned_mirror, fillers, markers, differs, shift } = self;
        let verdict = match (differs, shift.found()) {
            (None, _) if fillers > 0 => Verdict::ExactWithFillers(fillers),
            (None, _) => Verdict::Exact,
            (Some(_), Some(by)) => Verdict::Shifted(by),
            (Some(differs), None) => Verdict::Diverged(differs),
        };
        Report {
            verdict,
            offsets,
            same,
            cleaned_source,
            cleaned_mirror,
            fillers,
            markers,
            source_digest,
            mirror_digest,
        }
    }
}

impl Shift {
    fn source(&mut self, record: Record) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(record);
        } else {
            self.broken = true;
        }
    }

    /// Records come in the same order, if they are but shifted.
    fn mirror(&mut self, record: Record) {
        match self.waiting.pop_front() {
            Some(source) if source.content == record.content => {
                let by = record.offset.saturating_sub(source.offset);
                self.broken |= *self.by.get_or_insert(by) != by;
            }
            _ => self.broken = true,
        }
    }

    /// By how much, if all that differs is shifted by it. What is still waiting lies behind the end of what was compared.
    fn found(&self) -> Option<i64> {
        self.by.filter(|by| !self.broken && *by > 0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::ExactWithFillers(fillers) => write!(f, "exact with {fillers} visible fillers"),
            Self::Shifted(by) => write!(f, "shifted by {by}"),
            Self::Diverged(offsets) => write!(f, "diverged in [{},{})", offsets.start, offsets.end),
        }
    }
}
