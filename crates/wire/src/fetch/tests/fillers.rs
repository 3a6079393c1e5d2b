//! Fillers of a mirror topic are hidden from its readers.

use proptest::prelude::*;

use super::*;
use crate::filler::{self, Entry, HIDDEN_LENGTH, Kind, hide};
use crate::record::batches;
use crate::stamp::Guard;

/// The producer ids of the two links that have written into partition 0.
const OWN: [i64; 2] = [1 << 62 | 8, 1 << 62 | 16];
const FOREIGN: i64 = 1 << 62 | 24;

/// The alias of a mirror topic.
struct Mirror(Plan);

impl Mirror {
    fn of(version: i16) -> Self {
        let mut plan = plan(version, Partitions::All);
        plan.targets.values_mut().flatten().for_each(|target| target.hides_fillers = true);
        Self(plan)
    }
}

impl ResponsePlan for Mirror {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        self.0.targets(topic)
    }

    fn refused(&self) -> &[RefusedTopic] {
        &[]
    }

    fn filler_producers(&self, topic: TopicRef<'_>, partition: i32) -> Vec<i64> {
        assert!(matches!(topic, TopicRef::Id(BACKING_ID) | TopicRef::Name("backing-topic")), "{topic:?}");
        if partition == 0 { OWN.to_vec() } else { Vec::new() }
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        self.0.endpoint(node)
    }
}

/// A plan that must not be asked about fillers.
struct Unasked(Plan);

impl ResponsePlan for Unasked {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        self.0.targets(topic)
    }

    fn refused(&self) -> &[RefusedTopic] {
        &[]
    }

    fn filler_producers(&self, topic: TopicRef<'_>, _: i32) -> Vec<i64> {
        panic!("{topic:?} hides no fillers")
    }

    fn endpoint(&self, _: i32) -> Option<(&str, u16)> {
        None
    }
}

fn entry(count: u32) -> &'static Entry {
    Kind::Plain.entries().iter().find(|entry| entry.count() == count).unwrap()
}

fn filler(producer_id: i64, base_offset: i64, count: u32) -> Vec<u8> {
    let guard = Guard { producer_id, producer_epoch: 0, base_sequence: 3 };
    let made = filler::make(entry(count), base_offset, 1_700_000_000_000, guard);
    [&made.header[..], &made.records].concat()
}

/// Something of a producer that has the length of a batch and is looked into no further.
fn data(base_offset: i64, length: u8) -> Vec<u8> {
    let body = vec![length; length.into()];
    [&base_offset.to_be_bytes()[..], &i32::from(length).to_be_bytes(), &body].concat()
}

fn hidden(filler: &[u8]) -> Vec<u8> {
    hide(&crate::batch::BatchHeader::read(filler).unwrap()).to_vec()
}

fn sent(version: i16, partitions: &[Vec<u8>]) -> FetchResponse {
    let of = |(index, records): (i32, &Vec<u8>)| {
        partition(version, index, b"").with_records(Some(Bytes::copy_from_slice(records)))
    };
    response(version, (0..).zip(partitions).map(of).collect())
}

/// The records of the first partition as they go down.
fn shown_records(version: i16, records: &[u8]) -> Bytes {
    let (got, _) = rewritten(version, &sent(version, &[records.to_vec()]), &Mirror::of(version));
    got.responses[0].partitions[0].records.clone().unwrap()
}

#[test]
fn fillers_are_hidden_wherever_they_are_and_nothing_else_changes() {
    let [one, two] = [data(0, 200), data(50, 90)];
    let (large, small, of_other_link) =
        (filler(OWN[0], 1, 100_000), filler(OWN[0], 7, 1), filler(OWN[1], 8, 10));
    let cases: [&[&[u8]]; 6] = [
        &[&large, &one, &two],
        &[&one, &large, &small, &of_other_link, &two],
        &[&one, &two, &small],
        &[&large],
        &[&small, &small, &small],
        &[&small, &one, &small, &two, &small],
    ];
    for version in VERSIONS {
        for batches in cases {
            let expected = batches.iter().map(|batch| match [&one, &two].contains(&&batch.to_vec()) {
                true => batch.to_vec(),
                false => hidden(batch),
            });
            let expected = expected.collect::<Vec<_>>().concat();
            let sent = sent(version, &[batches.concat(), b"records".to_vec()]);
            let (got, _) = rewritten(version, &sent, &Mirror::of(version));
            let [mirrored, other] = &got.responses[0].partitions[..] else { panic!("{got:?}") };
            assert_eq!(mirrored.records.as_deref(), Some(&expected[..]), "version {version}");
            assert_eq!(other.records.as_deref(), Some(&b"records"[..]));
            for (got, sent) in got.responses[0].partitions.iter().zip(&sent.responses[0].partitions) {
                let mut rest = sent.clone().with_records(got.records.clone());
                rest.unknown_tagged_fields.clear();
                rest.preferred_read_replica = BrokerId(-1);
                assert_eq!(got, &rest, "version {version}: watermarks, aborted transactions, tags");
            }
        }
    }
}

#[test]
fn readers_find_every_offset_in_a_row() {
    let mut offset = 0;
    let log = [1, 100_000, 10, 1, 1_000].map(|count| {
        let batch = filler(OWN[0], offset, count);
        offset += i64::from(count);
        batch
    });
    for version in VERSIONS {
        let mut next = 0;
        for (header, _) in batches(&shown_records(version, &log.concat())) {
            assert!(header.is_control());
            assert_eq!(header.base_offset, next, "version {version}");
            next += i64::from(header.last_offset_delta) + 1;
        }
        assert_eq!(next, offset);
    }
}

#[test]
fn data_between_fillers_leaves_in_the_buffer_in_which_it_came() {
    for version in VERSIONS {
        let (one, two) = (data(0, 200), data(0, 100));
        let records = [&one[..], &filler(OWN[0], 1, 10), &two].concat();
        let frame = framed(version, &sent(version, &[records]));
        let outgoing = rewrite_response(&frame, version, 1, &Mirror::of(version)).unwrap();
        let pieces: Vec<Bytes> = outgoing.pieces().collect();
        for batch in [one, two] {
            let piece = pieces.iter().find(|piece| **piece == batch).unwrap();
            assert!(frame.as_ptr_range().contains(&piece.as_ptr()), "version {version}");
        }
    }
}

#[test]
fn what_is_of_nobody_registered_goes_on_as_it_is() {
    let (own, foreign) = (filler(OWN[0], 0, 100), filler(FOREIGN, 0, 100));
    for version in VERSIONS {
        // Partition 1 has no registered producer, though the topic is a mirror.
        let sent = sent(version, &[[&foreign[..], &data(0, 99)].concat(), own.clone(), Vec::new()]);
        let (_, bytes) = rewritten(version, &sent, &Mirror::of(version));
        let (_, plain) = rewritten(version, &sent, &plan(version, Partitions::All));
        assert_eq!(bytes, plain, "version {version}");
    }
}

#[test]
fn a_filler_that_is_cut_off_at_the_end_goes_on_as_it_is() {
    let (whole, next) = (filler(OWN[0], 0, 1_000), filler(OWN[0], 1_000, 1_000));
    for version in VERSIONS {
        for cut in [1, 11, 12, 60, 61, next.len() - 1] {
            let expected = [&hidden(&whole)[..], &next[..cut]].concat();
            assert_eq!(shown_records(version, &[&whole[..], &next[..cut]].concat()), expected);
            assert_eq!(shown_records(version, &next[..cut]), next[..cut], "version {version}, cut at {cut}");
        }
    }
}

#[test]
fn a_topic_that_is_no_mirror_costs_no_question() {
    for version in VERSIONS {
        let records = filler(OWN[0], 0, 10);
        let sent = sent(version, std::slice::from_ref(&records));
        let (got, _) = rewritten(version, &sent, &Unasked(plan(version, Partitions::All)));
        assert_eq!(got.responses[0].partitions[0].records.as_deref(), Some(&records[..]));
    }
}

#[test]
fn a_revoked_mirror_shows_its_error_and_nothing_else() {
    for version in VERSIONS {
        let mut mirror = Mirror::of(version);
        let refuse = Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        mirror.0.targets.values_mut().flatten().for_each(|target| target.refuse = refuse);
        let (got, _) = rewritten(version, &sent(version, &[filler(OWN[0], 0, 10)]), &mirror);
        let partition = &got.responses[0].partitions[0];
        assert_eq!(partition.error_code, 29);
        assert!(partition.records.as_ref().is_none_or(Bytes::is_empty));
    }
}

proptest! {
    /// A hidden filler may be longer or much shorter, so that its length has more or fewer digits.
    #[test]
    fn the_lengths_fit_whatever_is_hidden(
        lengths in prop::collection::vec((any::<u8>(), prop::sample::select(vec![0, 1, 10, 100_000_u32])), 0..6),
        version in VERSIONS,
    ) {
        let (mut came, mut expected) = (Vec::new(), Vec::new());
        for (length, count) in lengths {
            came.extend(data(0, length));
            expected.extend(data(0, length));
            if count > 0 {
                let filler = filler(OWN[1], 0, count);
                expected.extend(hidden(&filler));
                came.extend(filler);
            }
        }
        prop_assert!(expected.len() <= came.len() + 6 * (HIDDEN_LENGTH - 68));
        prop_assert_eq!(shown_records(version, &came), expected);
    }
}
