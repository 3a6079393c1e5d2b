//! Zstandard (KIP-110).

use std::io;

use zstd::DEFAULT_COMPRESSION_LEVEL;
use zstd::bulk::{Compressor, Decompressor};

use super::UnpackError;

/// Unpacks at once, into more and more room.
///
/// A reader of the stream would take the window that the frame asks for, up to 128 MiB of a few bytes; at once, the room for the
/// result is all that is needed. Each room is four times the last one, so all tries cost a third more than the one that fits.
pub(super) fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut decompressor = Decompressor::new()?;
    let mut room = packed.len().saturating_mul(MORE_ROOM).max(FIRST_ROOM).min(limit);
    loop {
        let mut plain = Vec::with_capacity(room);
        match decompressor.decompress_to_buffer(packed, &mut plain) {
            Ok(_) => return Ok(plain),
            Err(error) if error.to_string() != NO_ROOM => return Err(error.into()),
            Err(_) if room >= limit => return Err(UnpackError::TooLarge),
            Err(_) => room = room.saturating_mul(MORE_ROOM).min(limit),
        }
    }
}

/// Its tables serve all runs; they are large, so they are made when there is something to pack.
#[derive(Default)]
pub(super) struct Packer(Option<Compressor<'static>>);

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    pub(super) fn pack(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        let compressor = match &mut self.0 {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(DEFAULT_COMPRESSION_LEVEL)?),
        };
        packed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        compressor.compress_to_buffer(plain, packed).map(|_| ())
    }
}

/// What the library says of a result that does not fit; its bindings give nothing but the words.
const NO_ROOM: &str = "Destination buffer is too small";

const FIRST_ROOM: usize = 64 << 10;
const MORE_ROOM: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_up_to_the_limit() {
        let plain = vec![7; 10 << 20];
        let mut packed = Vec::new();
        Packer::default().pack(&plain, &mut packed).unwrap();
        assert!(packed.len() * 1_000 < plain.len());
        assert_eq!(unpack(&packed, plain.len()).unwrap(), plain);
        assert!(matches!(unpack(&packed, plain.len() - 1), Err(UnpackError::TooLarge)));
        assert!(matches!(unpack(&packed[..packed.len() - 1], plain.len()), Err(UnpackError::Broken(_))));
        assert!(matches!(unpack(b"no frame", 100), Err(UnpackError::Broken(_))));
        assert_eq!(unpack(b"", 100).unwrap(), b"");
    }
}
