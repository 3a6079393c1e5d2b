//! A log with a history of transactions, compaction and old formats, read by the link and by a reader that cannot be wrong: the
//! one who wrote it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_link::rewrite::Limits;
use tidegate_link::source::{Aborted, Answer, Piece, Verdict, pieces, same};
use tidegate_sim::{Broker, Draft, Fetch, Place, Produce, Settings, TopicConfig, Transactional, Version};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::stamp::{Guard, stamp};

mod hand;

use hand::old::{entry, wrapper};
use hand::read;

const NOW: i64 = 1_700_000_000_000;
const GUARD: Guard = Guard { producer_id: 1 << 62, producer_epoch: 0, base_sequence: 0 };

/// Where the messages of old formats end and batches begin.
const OLD: i64 = 12;

/// What happens to a log.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody writes so many records, maybe in a transaction.
    Write { count: usize, zstd: bool, of: Option<usize> },
    /// The transaction of one of them ends.
    End { of: usize, commit: bool },
    /// The broker puts its own time on records from now on, or not.
    Stamps(bool),
    /// The cleaner takes one of so many records that are here by now.
    Clean { one_of: i64 },
}

const PRODUCERS: usize = 3;

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1..6_usize, any::<bool>(), prop::option::of(0..PRODUCERS))
            .prop_map(|(count, zstd, of)| Event::Write { count, zstd, of }),
        3 => (0..PRODUCERS, any::<bool>()).prop_map(|(of, commit)| Event::End { of, commit }),
        1 => any::<bool>().prop_map(Event::Stamps),
        1 => (2..5_i64).prop_map(|one_of| Event::Clean { one_of }),
    ]
}

/// Time, key and value.
type Content = (i64, Option<Bytes>, Option<Bytes>);

/// A broker, and what was written to it.
struct Source {
    broker: Broker,
    place: Place,
    producers: Vec<(Transactional, i32)>,
    /// The offsets of each open transaction.
    open: Vec<Vec<i64>>,
    /// What readers see.
    shown: BTreeMap<i64, Content>,
    written: usize,
    stamps: bool,
}

impl Source {
    fn new() -> Self {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        let place = Place::new("t", 0);
        let producers = (0..PRODUCERS).map(|number| {
            let id = format!("transactional-{number}");
            let identity = broker.init_producer_id(Some(&id));
            (Transactional { id, identity }, 0)
        });
        let producers = producers.collect();
        let open = vec![Vec::new(); PRODUCERS];
        let mut source =
            Self { broker, place, producers, open, shown: BTreeMap::new(), written: 0, stamps: false };
        // They take the offsets of what is in an older format.
        source.write(OLD.try_into().unwrap(), false, None);
        source.shown.clear();
        source
    }

    fn happens(&mut self, event: &Event) {
        self.broker.advance(1_000);
        match *event {
            Event::Write { count, zstd, of } => self.write(count, zstd, of),
            Event::End { of, commit } => self.end(of, commit),
            Event::Stamps(stamps) => {
                let kind = if stamps { "LogAppendTime" } else { "CreateTime" };
                self.broker.set_config("t", "message.timestamp.type", kind);
                self.stamps = stamps;
            }
            Event::Clean { one_of } => {
                // Marks stay where they are, as a cleaner leaves them as long as there is anything before them.
                let marks = self.marks();
                let removes = |offset: i64| offset >= OLD && offset % one_of == 0 && !marks.contains(&offset);
                self.broker.compact(&self.place, removes);
                self.shown.retain(|offset, _| !removes(*offset));
            }
        }
    }

    fn marks(&self) -> Vec<i64> {
        let log = self.broker.partition(&self.place).unwrap().log();
        let marks = log.batches().filter(|stored| stored.header.is_control());
        marks.map(|stored| stored.header.base_offset).collect()
    }

    fn write(&mut self, count: usize, zstd: bool, of: Option<usize>) {
        let of_record = |number| {
            let key = (number % 3 > 0).then(|| Bytes::from(format!("key {number}")));
            (key, Some(Bytes::from(format!("value {number}"))))
        };
        let records: Vec<_> = (self.written..self.written + count).map(of_record).collect();
        self.written += count;
        let time = self.broker.now() - 7;
        let mut draft = Draft::holding(records.clone(), time);
        if zstd {
            draft = draft.zstd();
        }
        let mut transactional_id = None;
        if let Some(of) = of {
            let (who, sequence) = &mut self.producers[of];
            let places = std::slice::from_ref(&self.place);
            assert_eq!(self.broker.add_to_transaction(who, places), ErrorCode::NONE);
            draft = draft.by(who.identity.producer_id, who.identity.epoch, *sequence).transactional();
            *sequence += i32::try_from(count).unwrap();
            transactional_id = Some(who.id.clone());
        }
        let produce = Produce { transactional_id, ..Produce::of(draft.bytes()) };
        let answer = self.broker.produce(&self.place, &produce);
        assert_eq!(answer.error_code, ErrorCode::NONE);
        let time = if self.stamps { self.broker.now() } else { time };
        for (offset, (key, value)) in (answer.base_offset..).zip(records) {
            self.shown.insert(offset, (time, key, value));
            self.open[of.unwrap_or_default()].extend(of.map(|_| offset));
        }
    }

    fn end(&mut self, of: usize, commit: bool) {
        if self.open[of].is_empty() {
            return;
        }
        let (code, _) = self.broker.end_transaction(3, &self.producers[of].0, commit);
        assert_eq!(code, ErrorCode::NONE);
        let offsets = std::mem::take(&mut self.open[of]);
        if !commit {
            self.shown.retain(|offset, _| !offsets.contains(offset));
        }
    }

    /// The messages before the batches: three by themselves, a set that compaction has been in, and a gap.
    fn old(&mut self) -> Vec<(i64, Bytes)> {
        let inside: Vec<_> = [0, 1, 3, 5].map(|at| entry(at, 1, 0, 50 + at, Some(b"in"))).into();
        for (offset, time) in [(0, -1), (1, 8), (2, 9), (4, 50), (5, 51), (7, 53), (9, 55)] {
            let value = if offset < 3 { "out" } else { "in" };
            self.shown.insert(offset, (time, Some("k".into()), Some(value.into())));
        }
        vec![
            (0, entry(0, 0, 0, 0, Some(b"out")).into()),
            (1, entry(1, 1, 0, 8, Some(b"out")).into()),
            (2, entry(2, 1, 0, 9, Some(b"out")).into()),
            (9, wrapper(9, 1, &inside)),
        ]
    }
}

/// Reads a source to its end, as a link does.
fn read_all(source: &Source, old: &[(i64, Bytes)], from: i64, max_bytes: usize) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut max_bytes = max_bytes;
    let mut next = from;
    let end = source.broker.partition(&source.place).unwrap().stable_end();
    while next < end {
        let offset = next.max(OLD);
        let fetched =
            source.broker.fetch(&source.place, &Fetch { max_bytes, committed: true, ..Fetch::from(offset) });
        assert_eq!(fetched.error_code, ErrorCode::NONE);
        let before = old.iter().filter(|(last, _)| *last >= next).map(|(_, bytes)| bytes);
        let mut records: Vec<_> = before.flatten().copied().chain(fetched.records).collect();
        records.truncate(max_bytes);
        let aborted = fetched.aborted.unwrap().into_iter();
        let aborted = aborted
            .map(|aborted| Aborted { producer_id: aborted.producer_id, first_offset: aborted.first_offset });
        let answer = Answer { records: records.into(), aborted: aborted.collect() };
        let told = pieces(answer, next, &Limits::default()).unwrap();
        if let Some(wants) = told.wants {
            assert!(told.next == next && wants > max_bytes);
            max_bytes = wants;
            continue;
        }
        if told.next == next {
            // All that is left is gone.
            break;
        }
        next = told.next;
        all.extend(told.pieces);
    }
    all
}

fn content(all: &[Piece]) -> BTreeMap<i64, Content> {
    let runs = all.iter().filter_map(Piece::data);
    let records = runs.flat_map(|data| read(&data.run.batch));
    records.map(|record| (record.offset, (record.timestamp, record.key, record.value))).collect()
}

/// The batches as they lie in the mirror.
fn mirrored(all: &[Piece]) -> Vec<Bytes> {
    let stamped = all.iter().filter_map(Piece::data).map(|data| {
        let stamped = stamp(&data.run.batch, data.run.base_offset, GUARD).unwrap();
        Bytes::from([&stamped.header[..], &stamped.records].concat())
    });
    stamped.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_link_sees_what_readers_see(
        events in vec(any_event(), 0..40),
        place: prop::sample::Index,
        max_bytes in prop_oneof![Just(1 << 20), 1..2_000_usize],
        other: prop::sample::Index,
    ) {
        let mut source = Source::new();
        let old = source.old();
        events.iter().for_each(|event| source.happens(event));
        let end = source.broker.partition(&source.place).unwrap().stable_end();
        let from = i64::try_from(place.index(usize::try_from(end).unwrap())).unwrap();
        let all = read_all(&source, &old, from, max_bytes);
        let mut next = from;
        for piece in &all {
            prop_assert_eq!(piece.offsets().start, next);
            next = piece.offsets().end;
        }
        let mut shown = source.shown.clone();
        // Of a transaction that is open nothing is committed.
        shown.retain(|offset, _| (from..end).contains(offset));
        prop_assert_eq!(content(&all), shown);

        // Read again from elsewhere, it is the same that was mirrored.
        let again = i64::try_from(other.index(usize::try_from(end).unwrap())).unwrap();
        let again = read_all(&source, &old, again.min(from), 1 << 20);
        for batch in mirrored(&all) {
            prop_assert_eq!(same(&batch, &again, &Limits::default()).unwrap(), Verdict::default());
        }
    }
}
