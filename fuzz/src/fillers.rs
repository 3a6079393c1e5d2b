//! Fillers in what a Fetch answer holds.

use bytes::Bytes;
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::{Fill, HIDDEN_LENGTH, Kind, hide_all, is_filler, make};
use tidegate_wire::stamp::Guard;

use crate::choices::Choices;
use crate::words::batch;

/// The producer id of the fillers in the seeds.
const OWN: i64 = 1 << 62;

/// Every filler becomes a mark that spans the same offsets, and every other byte goes on as it came.
pub fn filler(data: &[u8]) {
    let Some((who, records)) = data.split_first() else { return };
    let registered = |producer_id: i64| match who % 4 {
        0 => false,
        1 => true,
        _ => producer_id == OWN,
    };
    let came = Bytes::copy_from_slice(records);
    let shown = match hide_all(&came, &registered) {
        None => came.clone(),
        Some(hidden) => {
            let whole = hidden.pieces.concat();
            assert_eq!(hidden.length, whole.len());
            assert!(hidden.pieces.iter().all(|piece| !piece.is_empty()));
            assert_ne!(came, whole, "something is hidden");
            Bytes::from(whole)
        }
    };
    let (mut before, mut after) = (&came[..], &shown[..]);
    while let Some(came) = cut(&mut before) {
        let shown = cut(&mut after).expect("no batch is left out");
        if is_filler(came, &registered) {
            assert_ne!(who % 4, 0, "nobody is registered");
            assert_eq!(shown.len(), HIDDEN_LENGTH);
            assert_eq!(next(came), next(shown));
            assert!(BatchHeader::read(shown).is_some_and(|mark| mark.is_control()));
        } else {
            assert_eq!(came, shown);
        }
    }
    assert_eq!(before, after);
}

/// Takes one whole batch off.
fn cut<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = i32::from_be_bytes(rest.get(8..12)?.try_into().ok()?);
    let (batch, behind) = rest.split_at_checked(12 + usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(batch)
}

/// Where a reader goes on.
fn next(batch: &[u8]) -> Option<i64> {
    let header = BatchHeader::read(batch)?;
    Some(header.base_offset.wrapping_add(header.last_offset_delta.into()))
}

/// Fillers of all sizes but the largest, alone and between data.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let gaps = [(Kind::Plain, 1), (Kind::Plain, 112), (Kind::Plain, 11_000), (Kind::Keyed, 1_111)];
    let data = batch(&mut Choices::new(&[]));
    let of_gap = |(kind, offsets)| {
        let filled = filled(kind, offsets);
        let between = [&data[..], &filled, &data, &filled[..65]].concat();
        [filled, between]
    };
    let answers = gaps.into_iter().flat_map(of_gap);
    answers.flat_map(|answer| [0, 1, 2].map(|who| [&[who][..], &answer].concat())).collect()
}

fn filled(kind: Kind, offsets: u64) -> Vec<u8> {
    let guard = Guard { producer_id: OWN, producer_epoch: 0, base_sequence: 0 };
    let mut base_offset = 0;
    let made = Fill::new(kind, offsets).map(|entry| {
        let made = make(entry, base_offset, 1_700_000_000_000, guard);
        base_offset += i64::from(entry.count());
        [&made.header[..], &made.records].concat()
    });
    made.collect::<Vec<_>>().concat()
}
