//! gzip (RFC 1952). Like Java's reader, ours takes several members one after the other.

use std::io::{self, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{UnpackError, bounded};

pub(super) fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    bounded(MultiGzDecoder::new(packed), limit)
}

/// The member has no time of its own, so that the same records give the same bytes.
pub(super) fn pack(plain: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(packed, Compression::default());
    encoder.write_all(plain)?;
    encoder.finish().map(|_| ())
}
