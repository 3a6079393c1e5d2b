//! The four codecs of Kafka, with bounds on what comes out of them.

use std::borrow::Cow;
use std::io::{self, Read};

use super::RewriteError;

mod gzip;
mod lz4;
mod snappy;
mod zstd;

/// How the records of a batch are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// The codec with a number of the attributes.
    pub(super) fn of(number: u8) -> Option<Self> {
        [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd]
            .into_iter()
            .find(|codec| codec.number() == number)
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }
}

/// Why nothing comes out of packed bytes.
#[derive(Debug)]
pub(super) enum UnpackError {
    /// They are not what the codec makes.
    Broken(io::Error),
    /// More comes out than may.
    TooLarge,
}

impl UnpackError {
    /// Says where.
    pub(super) fn at(self, base_offset: i64, codec: Codec, limit: usize) -> RewriteError {
        match self {
            Self::Broken(source) => RewriteError::Undecodable { base_offset, codec: codec.number(), source },
            Self::TooLarge => RewriteError::TooLarge { base_offset, limit },
        }
    }
}

impl From<io::Error> for UnpackError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Unpacks the records of a batch of format 2. What is not packed is no copy, and has no limit but its own length.
pub(super) fn unpack(codec: Codec, packed: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    let plain = match codec {
        Codec::None => return Ok(packed.into()),
        Codec::Gzip => gzip::unpack(packed, limit),
        Codec::Snappy => snappy::unpack(packed, limit),
        Codec::Lz4 => lz4::unpack(packed, limit),
        Codec::Zstd => zstd::unpack(packed, limit),
    };
    plain.map(Cow::Owned)
}

/// Unpacks the messages inside a message of format 0 or 1, whose `magic` it is.
pub(super) fn unpack_old(
    codec: Codec,
    magic: i8,
    packed: &[u8],
    limit: usize,
) -> Result<Cow<'_, [u8]>, UnpackError> {
    match (codec, magic) {
        (Codec::Lz4, 0) => lz4::unpack(&lz4::mended(packed), limit).map(Cow::Owned),
        _ => unpack(codec, packed, limit),
    }
}

/// What comes out of a reader, which never takes more room than the limit and the doubling of a buffer ask for.
fn bounded(reader: impl Read, limit: usize) -> Result<Vec<u8>, UnpackError> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    reader.take(one_more).read_to_end(&mut plain)?;
    if plain.len() > limit { Err(UnpackError::TooLarge) } else { Ok(plain) }
}

/// Packs runs, at the default level of each codec; what it needs for that serves all runs.
#[derive(Debug, Default)]
pub(super) struct Packer {
    packed: Vec<u8>,
    snappy: snappy::Packer,
    zstd: zstd::Packer,
}

impl Packer {
    pub(super) fn pack<'a>(&'a mut self, codec: Codec, plain: &'a [u8]) -> io::Result<&'a [u8]> {
        self.packed.clear();
        match codec {
            Codec::None => return Ok(plain),
            Codec::Gzip => gzip::pack(plain, &mut self.packed)?,
            Codec::Snappy => self.snappy.pack(plain, &mut self.packed)?,
            Codec::Lz4 => lz4::pack(plain, &mut self.packed)?,
            Codec::Zstd => self.zstd.pack(plain, &mut self.packed)?,
        }
        Ok(&self.packed)
    }
}
