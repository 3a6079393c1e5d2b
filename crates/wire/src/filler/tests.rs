use bytes::{BufMut, Bytes};
use proptest::prelude::*;

use super::*;
use crate::batch::{
    BatchHeader, CODEC_ZSTD, CONTROL, HEADER_LENGTH, LENGTH_OVERHEAD, TRANSACTIONAL, checked,
};
use crate::crc::crc;
use crate::record::{batches, records};
use crate::stamp::{Guard, Stamped, stamp};

const OWN: i64 = 1 << 62 | 77;
const GUARD: Guard = Guard { producer_id: OWN, producer_epoch: 2, base_sequence: 4_711 };
const NOW: i64 = 1_700_000_000_000;
const KINDS: [Kind; 2] = [Kind::Plain, Kind::Keyed];

fn is_own(producer_id: i64) -> bool {
    producer_id == OWN
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    KINDS.into_iter().flat_map(Kind::entries)
}

fn any_entry() -> impl Strategy<Value = &'static Entry> {
    prop::sample::select(entries().collect::<Vec<_>>())
}

fn joined(Stamped { header, records }: &Stamped) -> Vec<u8> {
    [&header[..], records].concat()
}

fn filler(entry: &Entry, base_offset: i64) -> Vec<u8> {
    joined(&make(entry, base_offset, NOW, GUARD))
}

fn header(batch: &[u8]) -> BatchHeader {
    BatchHeader::read(batch).unwrap()
}

/// The same batch behind another header, with the checksum that it then has.
fn behind(change: impl FnOnce(&mut BatchHeader), batch: &[u8]) -> Vec<u8> {
    let (mut header, records) = (header(batch), &batch[HEADER_LENGTH..]);
    change(&mut header);
    [&header.sealed(crc(records), records.len())[..], records].concat()
}

/// Somebody's batch with these bytes for records.
fn data(base_offset: i64, records: &[u8]) -> Vec<u8> {
    let own = filler(&Kind::Plain.entries()[5], base_offset);
    let change = |header: &mut BatchHeader| {
        header.length = i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap();
        header.producer_id = 7;
    };
    behind(change, &[&own[..HEADER_LENGTH], records].concat())
}

fn shown(records: &Bytes) -> Bytes {
    hide_all(records, &is_own).map_or_else(|| records.clone(), |hidden| hidden.pieces.concat().into())
}

#[test]
fn the_table_holds_the_records_that_it_claims() {
    let counts = KINDS.map(|kind| kind.entries().iter().map(Entry::count).collect::<Vec<_>>());
    assert_eq!(counts, [vec![100_000, 10_000, 1_000, 100, 10, 1], vec![1_000, 100, 10, 1]]);
    for (kind, entry) in KINDS.into_iter().flat_map(|kind| kind.entries().iter().map(move |of| (kind, of))) {
        assert_eq!(entry.checksum(), crc(entry.records()));
        let unpacked = match entry.codec() {
            CODEC_ZSTD => zstd::bulk::decompress(entry.records(), 64 << 20).unwrap(),
            codec => {
                assert_eq!(codec, 0);
                entry.records().to_vec()
            }
        };
        let mut batch = filler(entry, 5)[..HEADER_LENGTH].to_vec();
        batch.extend(unpacked);
        let header = BatchHeader { attributes: 0, ..header(&batch) };
        let read = records(&header, &batch.into()).unwrap();
        assert_eq!(read.len(), usize::try_from(entry.count()).unwrap());
        for (offset, record) in (5..).zip(&read) {
            assert_eq!((record.offset, record.timestamp), (offset, NOW));
            assert_eq!(record.key.as_deref(), (kind == Kind::Keyed).then_some(KEY));
            assert!(record.value.is_none() && record.headers.is_empty());
        }
    }
}

#[test]
fn the_bytes_of_the_table_are_those_that_are_in_logs() {
    let kept = entries().map(|entry| (entry.records().len(), crc(entry.records()))).collect::<Vec<_>>();
    let frozen = [
        (58_983, 0x081f_f244),
        (9_245, 0xa364_aaf2),
        (1_016, 0x5ef7_ef14),
        (162, 0x53bf_5f44),
        (46, 0x0590_1328),
        (7, 0xe610_58e6),
        (1_463, 0x7db8_c7c2),
        (259, 0x8be8_fe2a),
        (98, 0x7353_b260),
        (59, 0xea30_6e2a),
    ];
    assert_eq!(kept, frozen, "add an entry, but never change one");
}

#[test]
fn a_filler_is_what_a_broker_takes() {
    for entry in entries() {
        let made = make(entry, 1 << 40, NOW, GUARD);
        assert_eq!(made.records.as_ptr(), entry.records().as_ptr(), "nothing is copied");
        let whole = joined(&made);
        let header = header(&whole);
        assert_eq!(header.crc, crc(checked(&whole)));
        assert_eq!((header.base_offset, header.leader_epoch), (1 << 40, -1));
        assert_eq!((header.base_timestamp, header.max_timestamp), (NOW, NOW));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (OWN, 2, 4_711));
        // A mirror of the mirror copies it as it is.
        assert_eq!(stamp(&whole.into(), 1 << 40, GUARD), Ok(made));
    }
}

#[test]
fn a_gap_is_filled_with_the_largest_first() {
    let counts = |kind, offsets| Fill::new(kind, offsets).map(Entry::count).collect::<Vec<_>>();
    assert_eq!(counts(Kind::Plain, 0), [0; 0]);
    assert_eq!(counts(Kind::Plain, 200_312), [100_000, 100_000, 100, 100, 100, 10, 1, 1]);
    assert_eq!(counts(Kind::Keyed, 2_011), [1_000, 1_000, 10, 1]);
    let mut endless = Fill::new(Kind::Keyed, u64::MAX);
    assert_eq!(endless.size_hint(), (0, None), "what a source says sizes no allocation");
    assert_eq!(endless.nth(9).map(Entry::count), Some(1_000));
    assert_eq!(endless.left(), u64::MAX - 10_000);
}

#[test]
fn what_brokers_change_leaves_a_filler_a_filler() {
    for entry in entries() {
        let change = |header: &mut BatchHeader| {
            (header.base_offset, header.leader_epoch) = (9, 31);
            header.max_timestamp += 5;
            header.attributes |= 1 << 3;
        };
        let kept = behind(change, &filler(entry, 0));
        let (header, found) = recognise(&kept, &is_own).unwrap();
        assert_eq!((header.base_offset, found), (9, entry));
    }
}

#[test]
fn a_header_that_no_filler_has_makes_it_data() {
    let changes: [fn(&mut BatchHeader); 12] = [
        |header| header.producer_id += 1,
        |header| header.producer_id = -1,
        |header| header.magic = 1,
        |header| header.attributes |= TRANSACTIONAL,
        |header| header.attributes |= CONTROL,
        // A base time that is a delete horizon, or a bit of a later version.
        |header| header.attributes |= 1 << 6,
        |header| header.attributes |= i16::MIN,
        |header| header.attributes ^= 1,
        |header| header.record_count += 1,
        |header| header.last_offset_delta += 1,
        |header| header.length -= 1,
        |header| header.length = -1,
    ];
    for entry in entries() {
        let whole = filler(entry, 0);
        assert!(is_filler(&whole, &is_own));
        for change in changes {
            assert!(!is_filler(&behind(change, &whole), &is_own));
        }
        assert!(!is_filler(&whole[..whole.len() - 1], &is_own), "cut");
        assert!(!is_filler(&[&whole[..], &[0]].concat(), &is_own), "and something behind");
        assert!(!is_filler(&whole, &|_| false), "nobody is registered");
    }
}

#[test]
fn a_hidden_filler_is_a_mark_like_those_of_brokers_but_for_the_transaction() {
    // Written by the library of Kafka 4.1.1: an abort mark at 0x0102030405060708, leader epoch 7, producer epoch 3.
    let theirs = "0102030405060708000000420000000702701a862f0030000000000000018bcfe568000000018bcfe568004000000000\
                  0000050003ffffffff000000012000000008000000000c00000000000000";
    let theirs: Vec<_> =
        (0..theirs.len()).step_by(2).map(|at| u8::from_str_radix(&theirs[at..at + 2], 16).unwrap()).collect();
    let ours = hide(&header(&theirs));
    assert_eq!((theirs.len(), ours.len()), (78, 78));
    assert_eq!(ours[..], behind(|header| header.attributes = 0x20, &theirs));
}

#[test]
fn readers_go_on_behind_a_hidden_filler() {
    for entry in entries() {
        let kept = behind(|header| header.leader_epoch = 3, &filler(entry, 1_000));
        let (before, hidden) = (header(&kept), hide(&header(&kept)));
        let after = header(&hidden);
        assert_eq!(after.crc, crc(checked(&hidden)));
        assert!(after.is_control() && !after.is_transactional() && after.codec() == 0);
        assert_eq!((after.record_count, after.base_sequence), (1, -1));
        assert_eq!(
            (after.base_offset, after.last_offset_delta, after.leader_epoch),
            (before.base_offset, before.last_offset_delta, before.leader_epoch)
        );
        assert_eq!(
            (after.base_timestamp, after.max_timestamp, after.producer_id, after.producer_epoch),
            (before.base_timestamp, before.max_timestamp, before.producer_id, before.producer_epoch)
        );
        let read = records(&after, &Bytes::copy_from_slice(&hidden)).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].key.as_deref(), Some(&[0; 4][..]));
        assert_eq!(read[0].value.as_deref(), Some(&[0; 6][..]));
        assert!(!is_filler(&hidden, &is_own), "hidden once");
    }
}

#[test]
fn an_answer_without_fillers_goes_on_as_it_is() {
    let one = data(0, b"whatever records are");
    let foreign = behind(|header| header.producer_id = 8, &filler(&Kind::Plain.entries()[0], 1));
    for records in [vec![], one.clone(), [&one[..], &foreign, &one[..70]].concat(), vec![0; 500]] {
        assert_eq!(hide_all(&records.into(), &is_own), None);
    }
}

#[test]
fn data_goes_on_in_the_buffer_in_which_it_came() {
    let [large, small] = [0, 5].map(|at| filler(&Kind::Plain.entries()[at], 10));
    let one = data(0, b"whatever records are");
    // Half a filler at the end, as a broker may cut it.
    let came = Bytes::from([&one[..], &one, &large, &small, &one, &large[..5_000]].concat());
    let Hidden { pieces, length } = hide_all(&came, &is_own).unwrap();
    assert_eq!(
        pieces.iter().map(Bytes::len).collect::<Vec<_>>(),
        [2 * one.len(), 2 * HIDDEN_LENGTH, one.len() + 5_000]
    );
    assert_eq!(length, pieces.iter().map(Bytes::len).sum::<usize>());
    assert_eq!(pieces[0].as_ptr(), came.as_ptr());
    assert_eq!(pieces[2].as_ptr(), came[came.len() - one.len() - 5_000..].as_ptr());
    assert_eq!(pieces[1], [hide(&header(&large)), hide(&header(&small))].concat());
}

#[test]
fn a_message_of_an_old_format_hides_nothing_behind_it() {
    // Format 1 has no header of 61 bytes, but its length stands in the same place.
    let mut old = [0; 34];
    (old[11], old[16]) = (34 - 12, 1);
    let came = Bytes::from([&old[..], &filler(&Kind::Keyed.entries()[3], 1)].concat());
    let Hidden { pieces, length } = hide_all(&came, &is_own).unwrap();
    assert_eq!((&pieces[0][..], length), (&old[..], 34 + HIDDEN_LENGTH));
}

proptest! {
    #[test]
    fn a_plan_fills_the_gap_and_none_is_shorter(kind in prop::sample::select(KINDS.to_vec()), offsets in 0..5_000_000_u64) {
        let counts: Vec<_> = Fill::new(kind, offsets).map(|entry| u64::from(entry.count())).collect();
        prop_assert_eq!(counts.iter().sum::<u64>(), offsets);
        prop_assert!(counts.is_sorted_by(|a, b| a >= b));
        // Each is ten of the next: who took ten of one could have taken one of the larger.
        let largest = u64::from(kind.entries()[0].count());
        for entry in &kind.entries()[1..] {
            let count = u64::from(entry.count());
            prop_assert!(counts.iter().filter(|taken| **taken == count).count() < 10);
        }
        prop_assert_eq!(counts.iter().filter(|taken| **taken == largest).count() as u64, offsets / largest);
    }

    #[test]
    fn what_is_made_is_recognised_and_hidden(
        entry in any_entry(), base_offset in 0..i64::MAX / 2, timestamp in 0..i64::MAX, producer_id in any::<i64>(),
        producer_epoch in 0..i16::MAX, base_sequence in 0..i32::MAX,
    ) {
        let guard = Guard { producer_id, producer_epoch, base_sequence };
        let whole = joined(&make(entry, base_offset, timestamp, guard));
        prop_assert_eq!(header(&whole).crc, crc(checked(&whole)));
        prop_assert!(!is_filler(&whole, &|other| other != producer_id));
        let (read, found) = recognise(&whole, &|other| other == producer_id).unwrap();
        prop_assert_eq!((found, read), (entry, header(&whole)));
        let hidden = hide(&read);
        let after = header(&hidden);
        prop_assert_eq!(after.crc, crc(checked(&hidden)));
        prop_assert_eq!(
            after.base_offset + i64::from(after.last_offset_delta) + 1, base_offset + i64::from(entry.count())
        );
    }

    #[test]
    fn one_bit_of_the_records_makes_it_data(
        entry in any_entry(), place in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut bent = filler(entry, 0);
        let place = HEADER_LENGTH + place.index(bent.len() - HEADER_LENGTH);
        bent[place] ^= 1_u8 << bit;
        let bent = behind(|_| (), &bent);
        prop_assert!(!is_filler(&bent, &is_own));
        prop_assert_eq!(hide_all(&bent.into(), &is_own), None);
    }

    #[test]
    fn noise_is_never_a_filler(noise in prop::collection::vec(any::<u8>(), 0..300), entry in any_entry()) {
        prop_assert!(!is_filler(&noise, &|_| true));
        prop_assert_eq!(hide_all(&noise.clone().into(), &|_| true), None);
        // Nor behind the header of one.
        let mut whole = filler(entry, 0)[..HEADER_LENGTH].to_vec();
        whole.put_slice(&noise);
        prop_assume!(noise != entry.records());
        prop_assert!(!is_filler(&whole, &is_own));
    }

    #[test]
    fn every_batch_keeps_its_offsets(
        kinds in prop::collection::vec(prop::option::of(any_entry()), 0..12), cut in any::<prop::sample::Index>(),
    ) {
        let mut came = Vec::new();
        for (at, kind) in (0..).zip(&kinds) {
            let base_offset = at * 100_000;
            came.extend(kind.map_or_else(|| data(base_offset, b"records"), |entry| filler(entry, base_offset)));
        }
        came.truncate(came.len() - cut.index(61).min(came.len()));
        let came = Bytes::from(came);
        let shown = shown(&came);
        let (before, after): (Vec<_>, Vec<_>) = (batches(&came).collect(), batches(&shown).collect());
        prop_assert_eq!(before.len(), after.len());
        for ((before, batch), (after, seen)) in before.iter().zip(&after) {
            prop_assert_eq!(
                (before.base_offset, before.last_offset_delta), (after.base_offset, after.last_offset_delta)
            );
            prop_assert!(after.is_control() == is_own(before.producer_id));
            prop_assert!(after.is_control() || batch == seen);
        }
        let rest = |of: &Bytes, whole: &[(BatchHeader, Bytes)]| {
            of.slice(whole.iter().map(|(_, batch)| batch.len()).sum::<usize>()..)
        };
        prop_assert_eq!(rest(&came, &before), rest(&shown, &after));
    }
}

#[test]
fn what_a_source_wrote_in_the_same_bytes_is_known_before_it_is_written_again() {
    for entry in entries() {
        let batch = filler(entry, 0);
        assert!(is_like_filler(&header(&batch), &batch[HEADER_LENGTH..]));
        let marked = behind(|header| header.attributes |= TRANSACTIONAL, &batch);
        assert!(
            !is_like_filler(&header(&marked), &marked[HEADER_LENGTH..]),
            "as it is stamped, not as it came"
        );
    }
    let other = data(0, b"other");
    assert!(!is_like_filler(&header(&other), &other[HEADER_LENGTH..]));
}
