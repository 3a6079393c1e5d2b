//! Batches that are written anew.

use bytes::Bytes;
use tidegate_link::rewrite::{Limits, Run, rewrite as rewritten};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::crc::crc;
use tidegate_wire::stamp::{Guard, stamp};

/// Whatever a source sends is refused, or becomes batches that a broker takes.
///
/// No fuzzer finds a checksum, so the right one is put in; whoever keeps checksums can write anything.
pub fn rewrite(data: &[u8]) {
    let limits = Limits { decompressed: 1 << 20, written: 4 << 20 };
    let _ = rewritten(&Bytes::copy_from_slice(data), i64::MIN, &limits);
    let batch = whole(data);
    let Ok(runs) = rewritten(&batch, i64::MIN, &limits) else { return };
    for pair in runs.windows(2) {
        assert!(pair[0].base_offset + i64::from(pair[0].count) <= pair[1].base_offset);
    }
    runs.iter().for_each(|run| check(run, &limits));
    if let Some(middle) = runs.get(runs.len() / 2) {
        let since = rewritten(&batch, middle.base_offset, &limits).expect("less is no harder");
        assert_eq!(since, runs[runs.len() / 2..]);
    }
}

fn check(run: &Run, limits: &Limits) {
    let header = BatchHeader::read(&run.batch).expect("a run is a batch");
    assert_eq!((header.base_offset, header.record_count), (run.base_offset, run.count));
    let guard = Guard { producer_id: 1, producer_epoch: 0, base_sequence: 0 };
    stamp(&run.batch, run.base_offset, guard).expect("a run can be copied as it is");
    // Distances of other sizes may lead over the limit, which is for the source.
    let more = Limits { decompressed: 4 * limits.decompressed, ..Limits::default() };
    assert_eq!(rewritten(&run.batch, i64::MIN, &more).expect("a run can be read")[..], [run.clone()]);
}

/// The same bytes as one whole batch, or as one entry of an old format.
fn whole(data: &[u8]) -> Bytes {
    let mut batch = data.to_vec();
    if let (Some(length), Some(place)) = (data.len().checked_sub(12), batch.get_mut(8..12)) {
        place.copy_from_slice(&(length as u32).to_be_bytes());
    }
    mend(&mut batch);
    batch.into()
}

/// Puts the right checksum into a batch or an entry of an old format.
pub(crate) fn mend(batch: &mut [u8]) {
    let (from, checksum): (_, fn(&[u8]) -> u32) = match batch.get(16) {
        Some(0 | 1) => (16, crc32fast::hash),
        _ => (21, crc),
    };
    if let Some(checksum) = batch.get(from..).map(checksum) {
        batch[from - 4..from].copy_from_slice(&checksum.to_be_bytes());
    }
}
