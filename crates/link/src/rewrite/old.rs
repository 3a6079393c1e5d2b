//! Message sets of formats 0 and 1, of Kafka before 0.11, as records that a broker takes today.
//!
//! Brokers up to 3.x may hold them, and so may 4.x ones that were upgraded: a Fetch of any version gets what is on the disk
//! (KIP-724: only the writing ended). A set is a row of entries, each an offset, a length and a message; the value of a compressed
//! message, the wrapper, is such a set again.
//!
//! * The wrapper has the offset of its last message. In format 1 those inside count from the first one, also after compaction.
//! * Format 0 has no time, which is -1. In format 1 the wrapper's time holds for all if it has the bit of LogAppendTime.
//! * A checksum (CRC-32, not CRC-32C) covers each message, inside a wrapper once more.
//!
//! A wrapper becomes a run by itself or with what follows; uncompressed messages, which are not batches, go together as long as
//! there is no gap. So where sets are cut shows in the runs: whoever needs the same ones twice passes one entry at a time.

use bytes::Bytes;
use tidegate_wire::reader::{ReadError, Reader};

use super::codec::{Codec, unpack_old};
use super::runs::{Body, Runs, Shown};
use super::{Limits, Malformed, RewriteError, Run};

pub(super) fn runs(set: &Bytes, since: i64, limits: &Limits) -> Result<Vec<Run>, RewriteError> {
    let mut reader = Reader::new(set);
    let mut runs = Runs::within(since, limits.written);
    let mut left = limits.decompressed;
    while !reader.is_empty() {
        let rest = reader.remaining();
        let (offset, bytes) = entry(&mut reader).map_err(|_| RewriteError::NotOneBatch {
            base_offset: super::base_offset(set.get(set.len() - rest..).unwrap_or_default()),
            found: rest,
        })?;
        let message = Message::read(bytes, offset)?;
        match message.codec(offset)? {
            Codec::None => runs.push(offset, Codec::None, &message.shown(offset, message.timestamp))?,
            codec => left = left.saturating_sub(wrapped(offset, &message, codec, left, &mut runs)?),
        }
    }
    runs.finish()
}

/// Takes the messages of a wrapper, and says how many bytes they are.
fn wrapped(
    place: i64,
    wrapper: &Message<'_>,
    codec: Codec,
    limit: usize,
    runs: &mut Runs,
) -> Result<usize, RewriteError> {
    let packed = wrapper.value.ok_or_else(|| Malformed::NoSet.at(place))?;
    let plain =
        unpack_old(codec, wrapper.magic, packed, limit).map_err(|error| error.at(place, codec, limit))?;
    let base = base_of(place, wrapper, &plain).map_err(|malformed| malformed.at(place))?;
    let mut reader = Reader::new(&plain);
    while !reader.is_empty() {
        let (relative, bytes) = entry(&mut reader).map_err(|malformed| malformed.at(place))?;
        let message = Message::read(bytes, place)?;
        if message.codec(place)? != Codec::None {
            return Err(Malformed::Nested.at(place));
        }
        let offset =
            base.checked_add(relative).ok_or_else(|| Malformed::Offset { base, relative }.at(place))?;
        let stamped = wrapper.is_stamped() && message.magic == 1;
        let timestamp = if stamped { wrapper.timestamp } else { message.timestamp };
        runs.push(place, codec, &message.shown(offset, timestamp))?;
    }
    Ok(plain.len())
}

/// What the offsets inside a wrapper are relative to.
fn base_of(place: i64, wrapper: &Message<'_>, plain: &[u8]) -> Result<i64, Malformed> {
    let mut reader = Reader::new(plain);
    let mut last = None;
    while !reader.is_empty() {
        last = Some(entry(&mut reader)?.0);
    }
    let last = last.ok_or(Malformed::NoSet)?;
    // A wrapper at 0 is what some versions of librdkafka wrote, and has its messages at the offsets that they say.
    if wrapper.magic == 0 || place == 0 {
        return Ok(0);
    }
    let absent = Malformed::Offset { base: place, relative: last.wrapping_neg() };
    place.checked_sub(last).filter(|base| *base >= 0).ok_or(absent)
}

/// The offset and the message of the next entry of a set.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<(i64, &'a [u8]), Malformed> {
    let offset = reader.int64()?;
    let at = reader.position();
    let length = reader.int32()?;
    let length =
        usize::try_from(length).map_err(|_| ReadError::IllegalLength { at, length: i64::from(length) })?;
    Ok((offset, reader.bytes(length)?))
}

struct Message<'a> {
    magic: i8,
    attributes: i8,
    timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads what has the right checksum; `place` is for the words about one that has not.
    fn read(bytes: &'a [u8], place: i64) -> Result<Self, RewriteError> {
        let mut reader = Reader::new(bytes);
        let checksum = reader.int32().map_err(|error| Malformed::from(error).at(place))?;
        let covered = reader.slice(reader.position()..bytes.len());
        if crc32fast::hash(covered) != checksum.cast_unsigned() {
            return Err(RewriteError::Damaged { base_offset: place });
        }
        let magic = reader.int8().map_err(|error| Malformed::from(error).at(place))?;
        if !(0..=1).contains(&magic) {
            return Err(RewriteError::Format { base_offset: place, magic });
        }
        Self::fields(magic, &mut reader).map_err(|malformed| malformed.at(place))
    }

    fn fields(magic: i8, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let message = Self {
            magic,
            attributes: reader.int8()?,
            timestamp: if magic == 0 { -1 } else { reader.int64()? },
            key: reader.nullable_bytes(false)?,
            value: reader.nullable_bytes(false)?,
        };
        match reader.remaining() {
            0 => Ok(message),
            left => Err(Malformed::Leftover(left)),
        }
    }

    fn codec(&self, place: i64) -> Result<Codec, RewriteError> {
        let number = self.attributes.cast_unsigned() & CODEC_MASK;
        // zstd came later (KIP-110).
        Codec::of(number)
            .filter(|codec| *codec != Codec::Zstd)
            .ok_or(RewriteError::Codec { base_offset: place, codec: number })
    }

    /// Whether its time is that of the append, for all that is inside.
    fn is_stamped(&self) -> bool {
        self.magic == 1 && self.attributes & LOG_APPEND_TIME != 0
    }

    fn shown(&self, offset: i64, timestamp: i64) -> Shown<'a> {
        let body = Body::Old { key: self.key, value: self.value };
        Shown { offset, timestamp, attributes: 0, body }
    }
}

const CODEC_MASK: u8 = 0b111;
const LOG_APPEND_TIME: i8 = 1 << 3;
