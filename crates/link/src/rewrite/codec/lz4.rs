//! LZ4 frames.
//!
//! A frame says how large its blocks are, 4 MiB at most, and the reader takes room for two or three of them: the one
//! allocation here that a byte of the source decides, between four sizes.

use std::borrow::Cow;
use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::{UnpackError, bounded};

pub(super) fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    // The crate also reads an older kind of frame, with larger blocks, that Kafka does not know.
    if !packed.starts_with(&MAGIC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not an LZ4 frame").into());
    }
    bounded(FrameDecoder::new(packed), limit)
}

/// The frame with the right checksum in its header.
///
/// Kafka before 0.10 counted the magic number too; with format 0 readers pass over that byte, and so do we.
pub(super) fn mended(packed: &[u8]) -> Cow<'_, [u8]> {
    let Some(flags) = packed.get(MAGIC.len()) else { return packed.into() };
    let sized = if flags & CONTENT_SIZE != 0 { 8 } else { 0 };
    let at = MAGIC.len() + 2 + sized;
    let mut frame = packed.to_vec();
    let [_, checksum, ..] =
        XxHash32::oneshot(0, frame.get(MAGIC.len()..at).unwrap_or_default()).to_le_bytes();
    if let Some(place) = frame.get_mut(at) {
        *place = checksum;
    }
    frame.into()
}

/// As the Java client does it: blocks of 64 KiB, of which none needs another. Brokers read no others.
pub(super) fn pack(plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, packed);
    encoder.write_all(plain)?;
    encoder.finish()?;
    Ok(())
}

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// The flag of a header that says the size of the content.
const CONTENT_SIZE: u8 = 1 << 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_counts_its_magic_is_mended() {
        let mut packed = Vec::new();
        pack(b"some records", &mut packed).unwrap();
        assert_eq!(mended(&packed)[..], packed[..], "nothing to mend");
        let good = packed[6];
        packed[6] = XxHash32::oneshot(0, &packed[..6]).to_le_bytes()[1];
        assert_ne!(packed[6], good);
        assert!(unpack(&packed, 100).is_err());
        assert_eq!(unpack(&mended(&packed), 100).unwrap(), b"some records");
        // As the crate's own writer does it when it is told the size.
        let info = FrameInfo::new().content_size(Some(3));
        let mut sized = Vec::new();
        let mut encoder = FrameEncoder::with_frame_info(info, &mut sized);
        encoder.write_all(b"abc").unwrap();
        encoder.finish().unwrap();
        let whole = sized.clone();
        sized[14] ^= 0xff;
        assert_eq!(mended(&sized)[..], whole[..]);
        for cut in 0..7 {
            // The crate takes half a header for the end.
            assert!(unpack(&mended(&packed[..cut]), 100).map_or(true, |plain| plain.is_empty()), "{cut}");
        }
    }
}
