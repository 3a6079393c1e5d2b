//! The records of a batch, as far as a broker looks into them.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH};
use tidegate_wire::reader::{ReadError, Reader};

use crate::draft::{LOG_APPEND_TIME, ZSTD};

/// No test needs more room than that.
const MAX_UNCOMPRESSED: usize = 64 << 20;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    /// All of it, with its length.
    pub(crate) bytes: Bytes,
    pub(crate) offset_delta: i32,
    /// As readers see it.
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Bytes>,
}

/// What is in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Its records.
    Records(Vec<Raw>),
    /// A codec that is not simulated: they are taken as they are.
    Unknown,
}

/// Why it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// They do not decompress.
    Compression,
    /// There are more or fewer than the header says, or one is malformed.
    Records,
}

/// Looks into a batch.
pub(crate) fn contents(header: &BatchHeader, batch: &Bytes) -> Result<Contents, Broken> {
    let section = batch.get(HEADER_LENGTH..).map(|section| batch.slice_ref(section)).unwrap_or_default();
    let section = match i16::from(header.codec()) {
        0 => section,
        ZSTD => zstd::bulk::decompress(&section, MAX_UNCOMPRESSED).map_err(|_| Broken::Compression)?.into(),
        _ => return Ok(Contents::Unknown),
    };
    walk(header, &section).map(Contents::Records)
}

fn walk(header: &BatchHeader, section: &Bytes) -> Result<Vec<Raw>, Broken> {
    let mut reader = Reader::new(section);
    let mut all = Vec::new();
    for _ in 0..header.record_count {
        all.push(raw(header, section, &mut reader).map_err(|_| Broken::Records)?);
    }
    if reader.is_empty() { Ok(all) } else { Err(Broken::Records) }
}

fn raw(header: &BatchHeader, section: &Bytes, reader: &mut Reader<'_>) -> Result<Raw, ReadError> {
    let begin = reader.position();
    let length = reader.varint()?;
    let body = reader.position();
    let length = usize::try_from(length)
        .map_err(|_| ReadError::IllegalLength { at: begin, length: i64::from(length) })?;
    let mut inner = Reader::new(reader.bytes(length)?);
    let _attributes = inner.int8()?;
    let own = header.base_timestamp.wrapping_add(inner.varlong()?);
    let offset_delta = inner.varint()?;
    let key = match usize::try_from(inner.varint()?) {
        Ok(length) => Some(section.slice_ref(inner.bytes(length)?)),
        Err(_) => None,
    };
    let has_append_time = header.attributes & LOG_APPEND_TIME != 0;
    Ok(Raw {
        bytes: section.slice(begin..body + length),
        offset_delta,
        timestamp: if has_append_time { header.max_timestamp } else { own },
        key,
    })
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;

    use super::*;

    fn looked_into(draft: &Draft) -> Result<Vec<(i32, i64, bool)>, Broken> {
        match contents(&draft.header, &draft.bytes())? {
            Contents::Records(all) => {
                Ok(all.iter().map(|raw| (raw.offset_delta, raw.timestamp, raw.key.is_some())).collect())
            }
            Contents::Unknown => panic!("it is simulated"),
        }
    }

    #[test]
    fn records_are_the_same_compressed_or_not() {
        let mut draft = Draft::of(3, 500);
        draft.items[1].key = Some(Bytes::from_static(b"k"));
        draft.items[2].timestamp = 400;
        let expected = vec![(0, 500, false), (1, 500, true), (2, 400, false)];
        assert_eq!(looked_into(&draft), Ok(expected.clone()));
        assert_eq!(looked_into(&draft.clone().zstd()), Ok(expected));
        let appended = draft.log_append_time().saying(|header| header.max_timestamp = 9);
        assert_eq!(looked_into(&appended).unwrap()[2].1, 9);
    }

    #[test]
    fn a_count_that_lies_is_noticed() {
        for count in [2, 4, 1_000_000] {
            let draft = Draft::of(3, 0).saying(|header| header.record_count = count);
            assert_eq!(looked_into(&draft), Err(Broken::Records), "{count}");
            assert_eq!(looked_into(&draft.zstd()), Err(Broken::Records), "{count}");
        }
    }

    #[test]
    fn what_does_not_decompress_is_told_and_what_is_not_simulated_is_taken() {
        let lying = Draft::of(1, 0);
        let header = BatchHeader { attributes: ZSTD, ..lying.header };
        assert_eq!(contents(&header, &lying.bytes()), Err(Broken::Compression));
        let header = BatchHeader { attributes: 2, ..lying.header };
        assert_eq!(contents(&header, &lying.bytes()), Ok(Contents::Unknown));
    }
}
