//! What a broker checks before it takes a batch, in its order, and what it puts right.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD};
use tidegate_wire::error_code::ErrorCode;

use crate::broker::Terms;
use crate::config::TimestampType;
use crate::draft::{LOG_APPEND_TIME, checksum};
use crate::records::{Broken, Contents, Raw, contents};

const NO_TIMESTAMP: i64 = -1;

/// Whether the records of one partition are one batch of format 2, which is asked before anything else.
pub(crate) fn one_batch(records: &[u8]) -> Result<BatchHeader, ErrorCode> {
    let header = BatchHeader::read(records).ok_or(ErrorCode::INVALID_RECORD)?;
    let length = usize::try_from(header.length).ok().and_then(|length| length.checked_add(LENGTH_OVERHEAD));
    if header.magic != 2 || length != Some(records.len()) {
        return Err(ErrorCode::INVALID_RECORD);
    }
    Ok(header)
}

/// Whether the log may take the batch; the header as it will be kept, but for its place.
pub(crate) fn validated(
    header: &BatchHeader,
    batch: &Bytes,
    terms: &Terms<'_>,
) -> Result<BatchHeader, ErrorCode> {
    whole(header, batch, terms)?;
    honest(header)?;
    let max_timestamp = match contents(header, batch) {
        Err(Broken::Records) => return Err(ErrorCode::INVALID_RECORD),
        Err(Broken::Compression) => return Err(ErrorCode::UNKNOWN_SERVER_ERROR),
        Ok(Contents::Unknown) => header.max_timestamp,
        Ok(Contents::Records(records)) => {
            acceptable(&records, terms)?;
            in_step(header, &records)?;
            records.iter().map(|record| record.timestamp).max().unwrap_or(NO_TIMESTAMP).max(NO_TIMESTAMP)
        }
    };
    Ok(put_right(header, max_timestamp, terms))
}

/// Of a size that the topic takes, and undamaged.
fn whole(header: &BatchHeader, batch: &Bytes, terms: &Terms<'_>) -> Result<(), ErrorCode> {
    if header.base_offset != 0 {
        return Err(ErrorCode::INVALID_RECORD);
    }
    if i64::try_from(batch.len()).is_ok_and(|size| size > terms.config.max_message_bytes) {
        return Err(ErrorCode::MESSAGE_TOO_LARGE);
    }
    if batch.len() < HEADER_LENGTH || header.crc != checksum(batch) {
        return Err(ErrorCode::CORRUPT_MESSAGE);
    }
    Ok(())
}

/// The header says nothing that a client may not say.
fn honest(header: &BatchHeader) -> Result<(), ErrorCode> {
    let range = i64::from(header.last_offset_delta) + 1;
    let is_honest = header.record_count > 0
        && range == i64::from(header.record_count)
        && !header.is_control()
        && (header.producer_id < 0 || header.base_sequence >= 0);
    if is_honest { Ok(()) } else { Err(ErrorCode::INVALID_RECORD) }
}

/// Each record has a key where it needs one, and a time that the topic takes. A wrong time outweighs a missing key.
fn acceptable(records: &[Raw], terms: &Terms<'_>) -> Result<(), ErrorCode> {
    let needs_keys = terms.config.cleanup.compacts();
    let in_time =
        |record: &&Raw| needs_keys && record.key.is_none() || has_good_time(record.timestamp, terms);
    if records.iter().any(|record| !in_time(&record)) {
        return Err(ErrorCode::INVALID_TIMESTAMP);
    }
    if needs_keys && records.iter().any(|record| record.key.is_none()) {
        return Err(ErrorCode::INVALID_RECORD);
    }
    Ok(())
}

fn has_good_time(timestamp: i64, terms: &Terms<'_>) -> bool {
    let age = terms.now.saturating_sub(timestamp);
    terms.config.timestamp_type == TimestampType::LogAppendTime
        || timestamp == NO_TIMESTAMP
        || (age <= terms.config.timestamp_before_max_ms
            && age.saturating_neg() <= terms.config.timestamp_after_max_ms)
}

/// Offsets inside are not looked at, unless the batch is compressed: then a broker tries to write it anew, and fails.
fn in_step(header: &BatchHeader, records: &[Raw]) -> Result<(), ErrorCode> {
    let is_in_step = (0..).zip(records).all(|(place, record)| record.offset_delta == place);
    if is_in_step || header.codec() == 0 { Ok(()) } else { Err(ErrorCode::UNKNOWN_SERVER_ERROR) }
}

fn put_right(header: &BatchHeader, max_timestamp: i64, terms: &Terms<'_>) -> BatchHeader {
    let (attributes, max_timestamp) = match terms.config.timestamp_type {
        TimestampType::CreateTime => (header.attributes & !LOG_APPEND_TIME, max_timestamp),
        TimestampType::LogAppendTime => (header.attributes | LOG_APPEND_TIME, terms.now),
    };
    BatchHeader { attributes, max_timestamp, ..*header }
}

#[cfg(test)]
mod tests {
    use crate::config::{Cleanup, TopicConfig};
    use crate::draft::{CONTROL, Draft};
    use crate::settings::{HOUR_MS, Version};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn code(draft: &Draft, config: &TopicConfig) -> ErrorCode {
        let bytes = draft.bytes();
        let checked =
            one_batch(&bytes).and_then(|header| validated(&header, &bytes, &Terms { config, now: NOW }));
        checked.err().unwrap_or(ErrorCode::NONE)
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let config = TopicConfig::of(Version::V4_1);
        let bent = |bend: fn(&mut BatchHeader)| code(&Draft::of(3, NOW).saying(bend), &config);
        assert_eq!(bent(|_| ()), ErrorCode::NONE);
        assert_eq!(bent(|header| header.base_offset = 7), ErrorCode::INVALID_RECORD);
        assert_eq!(bent(|header| header.attributes = CONTROL), ErrorCode::INVALID_RECORD);
        assert_eq!(bent(|header| header.last_offset_delta = 3), ErrorCode::INVALID_RECORD);
        assert_eq!(bent(|header| header.record_count = 0), ErrorCode::INVALID_RECORD);
        assert_eq!(bent(|header| header.producer_id = 5), ErrorCode::INVALID_RECORD);
        assert_eq!(bent(|header| header.producer_id = -2), ErrorCode::NONE);
        assert_eq!(bent(|header| header.magic = 1), ErrorCode::INVALID_RECORD);
    }

    #[test]
    fn what_is_too_large_or_damaged_is_refused() {
        let mut config = TopicConfig::of(Version::V4_1);
        let bytes = Draft::of(3, NOW).bytes();
        let mut bent = bytes.to_vec();
        *bent.last_mut().unwrap() ^= 1;
        let header = one_batch(&bent).unwrap();
        let checked = validated(&header, &bent.into(), &Terms { config: &config, now: NOW });
        assert_eq!(checked, Err(ErrorCode::CORRUPT_MESSAGE));
        config.max_message_bytes = i64::try_from(bytes.len()).unwrap() - 1;
        assert_eq!(code(&Draft::of(3, NOW), &config), ErrorCode::MESSAGE_TOO_LARGE);
    }

    #[test]
    fn the_future_differs_by_release() {
        let draft = Draft::of(1, NOW + 2 * HOUR_MS);
        assert_eq!(code(&draft, &TopicConfig::of(Version::V4_1)), ErrorCode::INVALID_TIMESTAMP);
        assert_eq!(code(&draft, &TopicConfig::of(Version::V3_9)), ErrorCode::NONE);
        assert_eq!(code(&Draft::of(1, -1), &TopicConfig::of(Version::V4_1)), ErrorCode::NONE);
        let mut config = TopicConfig::of(Version::V4_1);
        config.timestamp_type = TimestampType::LogAppendTime;
        assert_eq!(code(&draft, &config), ErrorCode::NONE);
    }

    #[test]
    fn compacted_topics_need_keys() {
        let mut config = TopicConfig::of(Version::V4_1);
        config.cleanup = Cleanup::Compact;
        for draft in [Draft::of(2, NOW), Draft::of(2, NOW).zstd()] {
            assert_eq!(code(&draft, &config), ErrorCode::INVALID_RECORD);
            assert_eq!(code(&draft.keyed(), &config), ErrorCode::NONE);
        }
    }

    #[test]
    fn the_timestamp_type_is_that_of_the_topic() {
        let mut config = TopicConfig::of(Version::V4_1);
        let draft = Draft::of(2, NOW - 5).saying(|header| header.max_timestamp = NOW - 9).log_append_time();
        let bytes = draft.bytes();
        let header = BatchHeader::read(&bytes).unwrap();
        assert_eq!(header.attributes, LOG_APPEND_TIME);
        let kept = |config: &TopicConfig| {
            let kept = validated(&header, &bytes, &Terms { config, now: NOW }).unwrap();
            (kept.attributes, kept.max_timestamp)
        };
        assert_eq!(kept(&config), (0, NOW - 9), "the time that its readers saw until now");
        config.timestamp_type = TimestampType::LogAppendTime;
        assert_eq!(kept(&config), (LOG_APPEND_TIME, NOW));
    }

    #[test]
    fn gaps_inside_are_not_seen_unless_compressed() {
        let config = TopicConfig::of(Version::V4_1);
        let mut draft = Draft::of(3, NOW);
        draft.items[1].offset_delta = 2;
        draft.items[2].offset_delta = 5;
        assert_eq!(code(&draft, &config), ErrorCode::NONE);
        assert_eq!(code(&draft.zstd(), &config), ErrorCode::UNKNOWN_SERVER_ERROR);
    }
}
