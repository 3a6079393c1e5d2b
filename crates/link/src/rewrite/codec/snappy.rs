//! Snappy, which Kafka has in two forms: in the frames of the Java library, and as one bare block, as librdkafka writes it.
//!
//! Readers of all clients take both. We write the frames, as the Java client and brokers do.

use std::io;

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::UnpackError;

pub(super) fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut plain = Vec::new();
    if !packed.starts_with(&MAGIC) {
        block(packed, &mut plain, limit)?;
        return Ok(plain);
    }
    let mut rest = packed;
    while !rest.is_empty() {
        // Streams may follow each other, so the header may come again; as a length it would be too great.
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER.len()..).ok_or_else(cut)?;
            continue;
        }
        let (length, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
        let (packed, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        block(packed, &mut plain, limit)?;
        rest = behind;
    }
    Ok(plain)
}

/// Appends what one block holds.
fn block(packed: &[u8], plain: &mut Vec<u8>, limit: usize) -> Result<(), UnpackError> {
    let length = decompress_len(packed).map_err(io::Error::from)?;
    // The block says its length first. One that cannot be true must not take the room.
    if length > packed.len().saturating_mul(MOST_EXPANSION) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a block is too short for its content").into());
    }
    let begin = plain.len();
    let end = begin.checked_add(length).filter(|end| *end <= limit).ok_or(UnpackError::TooLarge)?;
    plain.resize(end, 0);
    let room = plain.get_mut(begin..).unwrap_or_default();
    Decoder::new().decompress(packed, room).map_err(io::Error::from)?;
    Ok(())
}

fn cut() -> UnpackError {
    io::Error::from(io::ErrorKind::UnexpectedEof).into()
}

/// Its table serves all blocks.
pub(super) struct Packer(Encoder);

impl Default for Packer {
    fn default() -> Self {
        Self(Encoder::new())
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    pub(super) fn pack(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        packed.extend_from_slice(&HEADER);
        for block in plain.chunks(BLOCK) {
            let begin = packed.len();
            let body = begin + size_of::<u32>();
            packed.resize(body + max_compress_len(block.len()), 0);
            let length = self.0.compress(block, packed.get_mut(body..).unwrap_or_default())?;
            packed.truncate(body + length);
            let said = u32::try_from(length).map_err(io::Error::other)?;
            if let Some(place) = packed.get_mut(begin..body) {
                place.copy_from_slice(&said.to_be_bytes());
            }
        }
        Ok(())
    }
}

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";

/// The magic number, the version and the lowest version that can read it.
const HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// Bytes of a block before it is packed, as in the Java library.
const BLOCK: usize = 32 << 10;

/// Three bytes say a copy of 64: no block holds more for its length.
const MOST_EXPANSION: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_streams_may_follow_each_other() {
        let plain = b"records ".repeat(10_000);
        let mut packed = Vec::new();
        Packer::default().pack(&plain, &mut packed).unwrap();
        assert_eq!(unpack(&packed, plain.len()).unwrap(), plain);
        assert!(matches!(unpack(&packed, plain.len() - 1), Err(UnpackError::TooLarge)));
        let twice = [&packed[..], &packed[..]].concat();
        assert_eq!(unpack(&twice, usize::MAX).unwrap(), [&plain[..], &plain[..]].concat());
        let bare = Encoder::new().compress_vec(&plain).unwrap();
        assert_eq!(unpack(&bare, plain.len()).unwrap(), plain);
        assert!(matches!(unpack(&bare, plain.len() - 1), Err(UnpackError::TooLarge)));
        for cut in [1, 9, 17, 19, packed.len() - 1] {
            assert!(unpack(&packed[..cut], usize::MAX).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_true_takes_no_room() {
        let bare = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert!(matches!(unpack(&bare, usize::MAX), Err(UnpackError::Broken(_))));
        let zeros = vec![0; 1 << 20];
        let packed = Encoder::new().compress_vec(&zeros).unwrap();
        assert!(packed.len() * MOST_EXPANSION >= zeros.len());
        assert_eq!(unpack(&packed, zeros.len()).unwrap(), zeros);
    }
}
