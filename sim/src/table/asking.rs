//! What rows ask with, and where they note what they see.

use std::fmt::Display;

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::record::batches;

use super::subject::{Described, Subject};
use crate::draft::Draft;
use crate::fetch::{Fetch, Fetched};
use crate::markers::Marker;
use crate::offsets::Ask;
use crate::produce::{Answer, Produce};
use crate::topics::Place;

/// A producer id that no broker gives away.
pub const P: i64 = 0x4000_0000_0000_1234;

/// One row being asked.
pub struct Asking<'a> {
    /// Who is asked.
    pub subject: &'a mut dyn Subject,
    /// When it began.
    pub now: i64,
    place: Option<Place>,
    seen: Vec<String>,
}

impl std::fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("place", &self.place).field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl<'a> Asking<'a> {
    /// Nothing was asked yet.
    pub fn new(subject: &'a mut dyn Subject) -> Self {
        let now = subject.now();
        Self { subject, now, place: None, seen: Vec::new() }
    }

    /// Everything that was seen.
    pub fn seen(&self) -> String {
        self.seen.join(", ")
    }

    /// Notes something.
    pub fn see(&mut self, what: impl Display) {
        self.seen.push(what.to_string());
    }

    /// Goes on at a new topic with these configurations.
    pub fn topic(&mut self, configs: &[(&str, &str)]) -> Place {
        let place = self.subject.create_topic(configs);
        self.place = Some(place.clone());
        place
    }

    /// Goes on at a topic that there is.
    pub fn at(&mut self, place: &Place) -> &mut Self {
        self.place = Some(place.clone());
        self
    }

    /// Where it asks; a topic of its own with the defaults, unless it made one.
    pub fn place(&mut self) -> Place {
        match &self.place {
            Some(place) => place.clone(),
            None => self.topic(&[]),
        }
    }

    /// Records of now by [`P`] at this sequence.
    pub fn guarded(&self, sequence: i32, count: usize) -> Draft {
        Draft::of(count, self.now).by(P, 0, sequence)
    }

    /// Produces a batch and notes the answer.
    pub fn produce(&mut self, draft: &Draft) {
        self.produce_bytes(draft.bytes());
    }

    /// Produces bytes and notes the answer.
    pub fn produce_bytes(&mut self, records: Bytes) {
        let answer = self.answer(Produce::of(records));
        self.see(told(&answer));
    }

    /// Produces a batch and notes nothing.
    pub fn write(&mut self, draft: &Draft) {
        self.answer(Produce::of(draft.bytes()));
    }

    /// One entry alone.
    pub fn answer(&mut self, produce: Produce) -> Answer {
        let place = self.place();
        let answers = self.subject.produce(&[(place, produce)]);
        answers.first().map_or(NO_ANSWER, |(_, answer)| *answer)
    }

    /// A marker for here.
    pub fn marker(&mut self, producer_id: i64, producer_epoch: i16, coordinator_epoch: i32) -> Marker {
        Marker { producer_id, producer_epoch, coordinator_epoch, commit: false, places: vec![self.place()] }
    }

    /// Writes a marker and notes the answer.
    pub fn mark(&mut self, producer_id: i64, producer_epoch: i16, coordinator_epoch: i32) {
        let marker = self.marker(producer_id, producer_epoch, coordinator_epoch);
        self.mark_all(&[marker]);
    }

    /// Writes markers and notes the answers.
    pub fn mark_all(&mut self, markers: &[Marker]) {
        match self.subject.write_markers(markers) {
            Some(answers) => answers.iter().for_each(|marked| self.see(named(marked.error_code))),
            None => self.see("no answer"),
        }
    }

    /// Notes the first offset and the end.
    pub fn range(&mut self) {
        let start = self.offset(Ask::Start);
        let end = self.offset(Ask::LogEnd);
        self.see(format!("{start} to {end}"));
    }

    /// An offset.
    pub fn offset(&mut self, ask: Ask) -> i64 {
        let place = self.place();
        self.subject.list_offsets(&place, ask).offset
    }

    /// The epoch of the leader.
    pub fn leader_epoch(&mut self) -> i32 {
        let place = self.place();
        self.subject.list_offsets(&place, Ask::HighWatermark).leader_epoch
    }

    /// Deletes what lies before an offset, and notes the answer.
    pub fn delete(&mut self, before: i64) {
        let place = self.place();
        let (code, start) = self.subject.delete_records(&place, before);
        match code {
            ErrorCode::NONE => self.see(format!("starts at {start}")),
            code => self.see(named(code)),
        }
    }

    /// Reads.
    pub fn fetch(&mut self, fetch: &Fetch) -> Fetched {
        let place = self.place();
        self.subject.fetch(&place, fetch)
    }

    /// Every batch from an offset on, in as many answers as it takes.
    pub fn batches(&mut self, from: i64) -> Vec<(BatchHeader, Bytes)> {
        let (mut all, mut offset) = (Vec::new(), from);
        loop {
            let records = self.fetch(&Fetch::from(offset)).records;
            let found: Vec<_> = batches(&records).collect();
            let Some((last, _)) = found.last() else { return all };
            offset = last.base_offset + i64::from(last.last_offset_delta) + 1;
            all.extend(found);
        }
    }

    /// Notes the range, count and codec of every batch from an offset on.
    pub fn shapes(&mut self, from: i64) {
        for (header, batch) in self.batches(from) {
            let last = header.base_offset + i64::from(header.last_offset_delta);
            let size =
                if header.record_count == 0 { format!(" {} bytes", batch.len()) } else { String::new() };
            let (base, count, codec) = (header.base_offset, header.record_count, header.codec());
            self.see(format!("[{base}..{last}] count {count} codec {codec}{size}"));
        }
    }

    /// Whom the broker knows.
    pub fn known(&mut self) -> Vec<Described> {
        let place = self.place();
        self.subject.describe_producers(&place)
    }

    /// Notes what the broker knows of its producers, but for times.
    pub fn producers(&mut self) {
        let known = self.known();
        if known.is_empty() {
            self.see("nobody");
        }
        for Described { epoch, last_sequence, coordinator_epoch, open, .. } in known {
            self.see(format!(
                "epoch {epoch} last {last_sequence} coordinator {coordinator_epoch} open {open}"
            ));
        }
    }
}

/// An answer as text.
pub(super) fn told(answer: &Answer) -> String {
    match (answer.error_code, answer.base_offset) {
        (ErrorCode::NONE, base) => format!("ok {base}"),
        (code, -1) => named(code),
        (code, base) => format!("{} at {base}", named(code)),
    }
}

/// A code as text.
pub(super) fn named(code: ErrorCode) -> String {
    if code == ErrorCode::NONE { "ok".to_owned() } else { code.0.to_string() }
}

const NO_ANSWER: Answer = Answer {
    error_code: ErrorCode::UNKNOWN_SERVER_ERROR,
    base_offset: -1,
    log_append_time: -1,
    log_start_offset: -1,
};
