//! A walk: requests thrown by dice of a seed, right ones and wrong ones. What is seen on it has no row of its own; whoever asks
//! two subjects the same walk wants to hear the same twice.

use super::asking::{Asking, P, named, told};
use super::subject::Subject;
use crate::draft::Draft;
use crate::fetch::Fetch;
use crate::markers::Marker;
use crate::offsets::Ask;
use crate::produce::Produce;
use crate::settings::DAY_MS;

/// Asks so many questions at a new topic; one line for each.
pub fn walk(subject: &mut dyn Subject, seed: u64, steps: usize) -> Vec<String> {
    let mut walker = Walker { asking: Asking::new(subject), dice: Dice(seed), next: [(0, 0); 3] };
    walker.asking.topic(&[("retention.ms", "-1"), ("max.message.bytes", "2000")]);
    (0..steps).map(|_| walker.step()).collect()
}

struct Walker<'a> {
    asking: Asking<'a>,
    dice: Dice,
    /// Epoch and next sequence of each producer, as it believes.
    next: [(i16, i32); 3],
}

impl Walker<'_> {
    fn step(&mut self) -> String {
        match self.dice.below(20) {
            0..11 => self.produce(),
            11..14 => self.mark(),
            14 => self.delete(),
            15 => self.describe(),
            _ => self.fetch(),
        }
    }

    fn produce(&mut self) -> String {
        let who = self.dice.below(3);
        let (epoch, next) = self.next.get(who).copied().unwrap_or_default();
        let epoch = epoch + self.near(&[0, 0, 0, 0, 0, 0, 0, 1, -1]);
        let sequence = i32::from(self.near(&[0, 0, 0, 0, 0, -1, -2, -3, 1, 2])).saturating_add(next);
        let sequence = if self.dice.below(20) == 0 { 0 } else { sequence };
        let count = self.dice.below(4);
        let draft = self.draft(count).by(P + i64::from(who as u8), epoch, sequence);
        let draft = if self.dice.below(3) == 0 { draft.zstd() } else { draft };
        let draft = match self.dice.below(25) {
            0 => draft.saying(|header| header.last_offset_delta += 1),
            1 => draft.saying(|header| header.base_offset = 1),
            2 => draft.transactional(),
            3 => draft.log_append_time(),
            4 => draft.saying(|header| header.max_timestamp -= 3),
            _ => draft,
        };
        let answer = self.asking.answer(Produce::of(draft.bytes()));
        if answer.error_code.is_none()
            && let Some(known) = self.next.get_mut(who)
        {
            *known = (epoch, sequence.saturating_add(draft.header.record_count));
        }
        let start = answer.log_start_offset;
        format!("produce {who} epoch {epoch} at {sequence} count {count}: {} start {start}", told(&answer))
    }

    /// Some are too large, some are of long ago; the times of a batch are not the same.
    fn draft(&mut self, count: usize) -> Draft {
        let age = if self.dice.below(4) == 0 { 40 * DAY_MS } else { 0 };
        let mut draft = Draft::of(count, self.asking.now - age);
        for item in &mut draft.items {
            item.timestamp -= i64::from(self.dice.below(9) as u8);
            if self.dice.below(30) == 0 {
                item.value = Some(vec![b'x'; 2_500].into());
            }
        }
        draft
    }

    fn mark(&mut self) -> String {
        let who = self.dice.below(4);
        let (epoch, _) = self.next.get(who).copied().unwrap_or_default();
        let producer_epoch = epoch + self.near(&[0, 0, 0, 0, 0, 1, -1]);
        let coordinator_epoch = i32::from(self.near(&[3, 3, 3, 2, 4]));
        let marker = self.asking.marker(P + i64::from(who as u8), producer_epoch, coordinator_epoch);
        let marker = Marker { commit: self.dice.below(2) == 0, ..marker };
        let answers = self.asking.subject.write_markers(&[marker]).unwrap_or_default();
        let codes: Vec<_> = answers.iter().map(|marked| named(marked.error_code)).collect();
        if answers.iter().all(|marked| marked.error_code.is_none())
            && producer_epoch != epoch
            && let Some(known) = self.next.get_mut(who)
        {
            *known = (producer_epoch, 0);
        }
        format!("mark {who} epoch {producer_epoch} by {coordinator_epoch}: {}", codes.join(" "))
    }

    fn delete(&mut self) -> String {
        let place = self.asking.place();
        let before = self.offset();
        let (code, start) = self.asking.subject.delete_records(&place, before);
        format!("delete before {before}: {} {start}", named(code))
    }

    fn describe(&mut self) -> String {
        let known = self.asking.known().into_iter().map(|known| {
            let (id, epoch, last) = (known.producer_id - P, known.epoch, known.last_sequence);
            format!(
                "{id} epoch {epoch} last {last} coordinator {} open {}",
                known.coordinator_epoch, known.open
            )
        });
        format!("known: {}", known.collect::<Vec<_>>().join(", "))
    }

    /// Times of markers are those of the broker: they are left out.
    fn fetch(&mut self) -> String {
        let offset = self.offset();
        let max_bytes = 50 + 50 * self.dice.below(20);
        let last_epoch = [None, Some(0), Some(1)].get(self.dice.below(3)).copied().flatten();
        let committed = self.dice.below(2) == 0;
        let fetch = Fetch { max_bytes, committed, last_epoch, ..Fetch::from(offset) };
        let fetched = self.asking.fetch(&fetch);
        let batches = tidegate_wire::record::batches(&fetched.records).map(|(header, batch)| {
            let age = if header.is_control() { 0 } else { self.asking.now - header.max_timestamp };
            let tail = batch.iter().skip(61).fold(0_u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte));
            format!(
                "[{} {} {} {} {} {} {age} {tail:x}]",
                header.base_offset,
                header.last_offset_delta,
                header.attributes,
                header.producer_id - P,
                header.producer_epoch,
                header.base_sequence,
            )
        });
        let batches = batches.collect::<Vec<_>>().join(" ");
        format!(
            "fetch {offset} of {max_bytes}: {} {} {} {} {:?} {:?} {} bytes {batches}",
            named(fetched.error_code),
            fetched.high_watermark,
            fetched.stable_end,
            fetched.log_start_offset,
            fetched.aborted,
            fetched.diverging,
            fetched.records.len(),
        )
    }

    /// One in the log, or next to it.
    fn offset(&mut self) -> i64 {
        let (start, end) = (self.asking.offset(Ask::Start), self.asking.offset(Ask::LogEnd));
        let room = usize::try_from(end - start).unwrap_or_default() + 4;
        start - 2 + i64::try_from(self.dice.below(room)).unwrap_or_default()
    }

    fn near(&mut self, values: &[i16]) -> i16 {
        values.get(self.dice.below(values.len())).copied().unwrap_or_default()
    }
}

/// SplitMix64: every seed is a good one.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let count = u64::try_from(count.max(1)).unwrap_or(1);
        usize::try_from((mixed ^ (mixed >> 31)) % count).unwrap_or_default()
    }
}
