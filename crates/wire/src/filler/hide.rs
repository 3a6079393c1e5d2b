//! A filler as readers get it.

use crate::batch::{BatchHeader, CONTROL, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use crate::crc::crc;

/// Bytes of a hidden filler, as of every mark that brokers write at the end of a transaction.
pub const HIDDEN_LENGTH: usize = HEADER_LENGTH + MARK.len();

/// The one record of a control batch, a mark that a transaction was given up (KIP-98): its length, no attributes, no
/// deltas, a key of four bytes (version 0, type 0), a value of six (version 0, coordinator epoch 0), no headers.
const MARK: [u8; 17] = [32, 0, 0, 0, 8, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0];

/// The control batch that stands for a filler with this header.
///
/// It spans the same offsets, so that readers go on behind it. Brokers write such a batch with the transactional bit; here it
/// has none, as no transaction ends: all clients that were tried pass over it so, whatever their isolation level.
#[must_use]
pub fn hide(filler: &BatchHeader) -> [u8; HIDDEN_LENGTH] {
    let header = BatchHeader {
        length: const { (HIDDEN_LENGTH - LENGTH_OVERHEAD) as i32 },
        magic: MAGIC,
        attributes: CONTROL,
        base_sequence: -1,
        record_count: 1,
        ..*filler
    };
    let mut hidden = [0; HIDDEN_LENGTH];
    let (head, mark) = hidden.split_at_mut(HEADER_LENGTH);
    head.copy_from_slice(&header.sealed(crc(&MARK), MARK.len()));
    mark.copy_from_slice(&MARK);
    hidden
}
