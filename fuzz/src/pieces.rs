//! What a source answers.

use bytes::Bytes;
use tidegate_link::rewrite::{Limits, rewrite};
use tidegate_link::source::{Aborted, Answer, Data, Piece, Pieces, pieces as told, same};
use tidegate_wire::stamp::{Guard, stamp};

use crate::rewrites::mend;

const LIMITS: Limits = Limits { decompressed: 1 << 20, written: 4 << 20 };

/// Pieces follow each other without a hole, a mirror can take their data, and then has what the source has.
///
/// Four bytes are the offset that is asked for, and the producer and begin of a transaction that was aborted; the rest is what
/// is answered, as it came and with the right checksums.
pub fn pieces(data: &[u8]) {
    let [high, low, producer, first, records @ ..] = data else { return };
    let from = i64::from(u16::from_be_bytes([*high, *low]));
    let aborted = Aborted { producer_id: (*producer).into(), first_offset: (*first).into() };
    let ask = |records: Bytes| told(Answer { records, aborted: vec![aborted] }, from, &LIMITS);
    if let Ok(told) = ask(Bytes::copy_from_slice(records)) {
        follow(&told, from);
    }
    let Ok(told) = ask(mended(records)) else { return };
    follow(&told, from);
    told.pieces.iter().filter_map(Piece::data).for_each(|data| check(data, &told.pieces));
}

fn follow(told: &Pieces, from: i64) {
    let mut end = from;
    for piece in &told.pieces {
        assert_eq!(piece.offsets().start, end);
        assert!(!piece.offsets().is_empty());
        end = piece.offsets().end;
    }
    assert_eq!(end, told.next);
    assert!(told.wants.is_none() || told.pieces.is_empty());
    for pair in told.pieces.windows(2) {
        assert!(!matches!(pair, [Piece::Gap(_), Piece::Gap(_)]));
    }
}

fn check(data: &Data, source: &[Piece]) {
    let guard = Guard { producer_id: 1, producer_epoch: 0, base_sequence: 0 };
    let stamped = stamp(&data.run.batch, data.run.base_offset, guard).expect("data can be copied as it is");
    let copy = Bytes::from([&stamped.header[..], &stamped.records].concat());
    let verdict = same(&copy, source, &LIMITS).expect("nobody looks into a copy");
    assert!(verdict.is_same(), "{verdict:?}");
    for run in rewrite(&copy, i64::MIN, &LIMITS).unwrap_or_default() {
        // Distances of other sizes may lead over the limit, which is for the source.
        let more = Limits { decompressed: 4 * LIMITS.decompressed, ..LIMITS };
        let verdict = same(&run.batch, source, &more).expect("a run can be read");
        assert!(verdict.is_same(), "{verdict:?}");
    }
}

/// The same batches, each with the right checksum.
fn mended(records: &[u8]) -> Bytes {
    let mut mended = records.to_vec();
    let mut rest = &mut mended[..];
    while let Some(length) = rest.get(8..12).and_then(|length| length.try_into().ok()).map(i32::from_be_bytes)
    {
        let Some(size) = usize::try_from(length).ok().and_then(|length| length.checked_add(12)) else {
            break;
        };
        let Some((batch, behind)) = rest.split_at_mut_checked(size) else { break };
        mend(batch);
        rest = behind;
    }
    mended.into()
}
