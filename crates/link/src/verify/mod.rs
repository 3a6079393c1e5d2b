//! Whether a mirror is its source, from both logs alone: each record of the one is held against the other's.
//!
//! Whoever reads the logs asks [`Verifier::next`] which of them to read where, and brings what a Fetch answers. Of a record
//! nothing is kept but its offset and a digest of the rest, so that neither the size of a log nor how far one side is ahead
//! takes memory to speak of. There is no I/O in here.

mod report;
mod side;
#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;
use tidegate_wire::filler::is_filler;
use tidegate_wire::record::batches;

use crate::rewrite::{Limits, RewriteError};
use crate::source::{self, Answer, Piece, SourceError};

pub use report::{Report, Verdict};

use report::Findings;
use side::{Record, Side};

/// What is compared.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The offsets: from where both logs begin to where both end.
    pub offsets: Range<i64>,
    /// The link's producer id for data and fillers.
    pub producer_id: i64,
    /// Whether a record that only one side has may be one that the other's cleaner has taken.
    pub compacted: bool,
    /// What may be taken of one batch.
    pub limits: Limits,
}

/// What to read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The source from an offset on, what is committed: [`Verifier::source`].
    Source(i64),
    /// The mirror from an offset on: [`Verifier::mirror`].
    Mirror(i64),
    /// Nothing: [`Verifier::finish`].
    Done,
}

/// Why a log cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The source cannot be read.
    #[error("the source cannot be read")]
    Source(#[from] SourceError),
    /// A batch cannot be opened.
    #[error("a batch of the {side} cannot be opened")]
    Batch {
        /// Of which side.
        side: &'static str,
        /// What is wrong with it.
        source: RewriteError,
    },
}

/// A comparison under way.
#[derive(Debug)]
pub struct Verifier {
    spec: Spec,
    source: Side,
    mirror: Side,
    findings: Findings,
}

impl Verifier {
    /// Nothing is compared yet.
    #[must_use]
    pub fn new(spec: Spec) -> Self {
        let side = || Side::new(spec.offsets.clone());
        Self { source: side(), mirror: side(), findings: Findings::default(), spec }
    }

    /// What to read next: the side that is behind.
    #[must_use]
    pub fn next(&self) -> Next {
        let end = self.spec.offsets.end;
        match (self.source.known_to(), self.mirror.known_to()) {
            (source, mirror) if source >= end && mirror >= end => Next::Done,
            (source, mirror) if source <= mirror => Next::Source(source),
            (_, mirror) => Next::Mirror(mirror),
        }
    }

    /// All before this offset has been compared.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.source.known_to().min(self.mirror.known_to()).min(self.spec.offsets.end)
    }

    /// Takes what the source answered to a Fetch at the offset that was asked for. An answer with nothing in it takes nothing.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn source(&mut self, answer: Answer) -> Result<(), VerifyError> {
        let pieces = source::pieces(answer, self.source.known_to(), &self.spec.limits)?;
        for piece in &pieces.pieces {
            if let Piece::Data(data) = piece {
                let opened = self.source.open(&data.run.batch, &self.spec.limits);
                opened.map_err(|source| VerifyError::Batch { side: "source", source })?;
            }
        }
        self.source.know(pieces.next);
        self.compare();
        Ok(())
    }

    /// Takes what the mirror answered to a Fetch at the offset that was asked for, of which the last batch may be cut.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn mirror(&mut self, records: &Bytes) -> Result<(), VerifyError> {
        for (header, batch) in batches(records) {
            let offsets = header.offsets();
            let taken = self.inside(&offsets);
            if header.is_control() {
                self.findings.markers = self.findings.markers.saturating_add(taken);
            } else if is_filler(&batch, &|id| id == self.spec.producer_id) {
                self.findings.fillers = self.findings.fillers.saturating_add(taken);
            } else {
                let opened = self.mirror.open(&batch, &self.spec.limits);
                opened.map_err(|source| VerifyError::Batch { side: "mirror", source })?;
            }
            self.mirror.know(offsets.end);
        }
        self.compare();
        Ok(())
    }

    /// What came out.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self { spec, source, mirror, findings } = self;
        findings.report(spec.offsets, source.digest(), mirror.digest())
    }

    /// How many offsets of a batch count that were not known yet.
    fn inside(&self, offsets: &Range<i64>) -> u64 {
        let start = offsets.start.max(self.mirror.known_to());
        let end = offsets.end.min(self.spec.offsets.end);
        u64::try_from(end.saturating_sub(start)).unwrap_or_default()
    }

    /// Compares what is known of both sides.
    fn compare(&mut self) {
        loop {
            match (self.source.first(), self.mirror.first()) {
                (Some(source), Some(mirror)) if source.offset == mirror.offset => {
                    self.findings.both(source, mirror);
                    self.source.pop();
                    self.mirror.pop();
                }
                (Some(source), mirror) if is_alone(&source, mirror, self.mirror.known_to()) => {
                    self.findings.only_source(source, self.spec.compacted);
                    self.source.pop();
                }
                (source, Some(mirror)) if is_alone(&mirror, source, self.source.known_to()) => {
                    self.findings.only_mirror(mirror, self.spec.compacted);
                    self.mirror.pop();
                }
                _ => return,
            }
        }
    }
}

/// Whether the other side has nothing at the offset of a record.
fn is_alone(record: &Record, other: Option<Record>, known_to: i64) -> bool {
    match other {
        Some(other) => record.offset < other.offset,
        None => record.offset < known_to,
    }
}
