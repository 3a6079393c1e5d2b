//! Record batches.

use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, check_produced};

/// What may be produced is exactly one batch of format 2 that no broker would take for a control batch.
pub fn batch(data: &[u8]) {
    let Some((version, records)) = data.split_first() else { return };
    assert_eq!(BatchHeader::read(records).is_some(), records.len() >= HEADER_LENGTH);
    let version = 3 + i16::from(version % 11);
    if let Ok(header) = check_produced(Some(records), version) {
        assert_eq!(Some(header), BatchHeader::read(records));
        assert_eq!(usize::try_from(header.length).map(|length| length + 12), Ok(records.len()));
        assert!(header.magic == 2 && header.record_count > 0 && !header.is_control());
        assert!(header.codec() <= 4 && (header.codec() < 4 || version >= 7));
    }
}
