//! Batches of every codec.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use tidegate_e2e::dice::Dice;
use tidegate_sim::Draft;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD};
use tidegate_wire::crc::crc;

/// Codecs as the attributes of a batch number them.
const GZIP: i16 = 1;
const SNAPPY: i16 = 2;
const LZ4: i16 = 3;
const CODECS: [i16; 5] = [0, GZIP, SNAPPY, LZ4, 4];

/// How many records a batch has: most have few.
const COUNTS: [usize; 6] = [1, 1, 3, 8, 20, 60];
/// The longest values, also of many that are shorter.
const SIZES: [usize; 5] = [1, 10, 100, 300, 3_000];

/// A batch of any size and shape; all values are different, `number` says which they are.
pub(crate) fn any(dice: &mut Dice, number: usize, timestamp: i64) -> Draft {
    let (count, size) = (*dice.pick(&COUNTS), *dice.pick(&SIZES));
    let records: Vec<_> = (0..count)
        .map(|place| {
            let key = dice.percent(60).then(|| Bytes::from(format!("key {}", dice.below(50))));
            let filling = "x".repeat(dice.below(size));
            let value = dice.percent(90).then(|| Bytes::from(format!("{number}.{place} {filling}")));
            (key, value)
        })
        .collect();
    let mut draft = Draft::holding(records, timestamp);
    for item in draft.items.iter_mut().skip(1) {
        item.timestamp -= dice.below(50) as i64;
    }
    draft
}

/// How many records it has.
pub(crate) fn count(draft: &Draft) -> i32 {
    draft.header.record_count
}

/// Written with any codec.
pub(crate) fn written(dice: &mut Dice, draft: Draft) -> Bytes {
    let codec = *dice.pick(&CODECS);
    let draft = draft.saying(|header| header.attributes |= codec);
    // The draft itself knows zstd alone, and leaves the others as they are.
    let section = draft.section();
    let records = match codec {
        GZIP => gzip(&section),
        SNAPPY => snap::raw::Encoder::new().compress_vec(&section).unwrap(),
        LZ4 => lz4(&section),
        _ => section.to_vec(),
    };
    let length = i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap();
    let header = BatchHeader { length, ..draft.header }.sealed(crc(&records), records.len());
    Bytes::from([&header, records.as_slice()].concat())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let blocks = FrameInfo::new().block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(blocks, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
