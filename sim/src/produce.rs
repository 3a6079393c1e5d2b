//! Produce: batches of clients, guarded by what is known of their producer.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH};
use tidegate_wire::error_code::ErrorCode;

use crate::broker::{Broker, Terms};
use crate::config::TimestampType;
use crate::partition::Partition;
use crate::topics::Place;
use crate::validate::{one_batch, validated};

/// The records of one partition in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produce {
    /// One batch, if it is to be taken.
    pub records: Bytes,
    /// -1 for all replicas, 1 for the leader alone.
    pub acks: i16,
    /// Of the transaction, if they belong to one.
    pub transactional_id: Option<String>,
}

impl Produce {
    /// For all replicas and outside of transactions.
    #[must_use]
    pub fn of(records: Bytes) -> Self {
        Self { records, acks: -1, transactional_id: None }
    }
}

/// What is answered for one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Why it was refused, or 0.
    pub error_code: ErrorCode,
    /// Where the batch lies, or -1. It is there too when replicas did not get it in time.
    pub base_offset: i64,
    /// Its time on topics that put their own on records, else -1.
    pub log_append_time: i64,
    /// The first offset of the partition, or -1; some refusals have it too.
    pub log_start_offset: i64,
}

impl Answer {
    const fn refused(error_code: ErrorCode) -> Self {
        Self { error_code, base_offset: -1, log_append_time: -1, log_start_offset: -1 }
    }
}

impl Broker {
    /// Takes the records of one partition, or refuses them.
    pub fn produce(&mut self, place: &Place, produce: &Produce) -> Answer {
        self.try_produce(place, produce).unwrap_or_else(Answer::refused)
    }

    /// One request with several entries. Of those that name the same partition only the last one is looked at; there is
    /// one answer for each partition.
    pub fn produce_entries(&mut self, entries: &[(Place, Produce)]) -> Vec<(Place, Answer)> {
        let mut last: Vec<(&Place, &Produce)> = Vec::new();
        for (place, produce) in entries {
            match last.iter_mut().find(|(known, _)| *known == place) {
                Some(known) => known.1 = produce,
                None => last.push((place, produce)),
            }
        }
        last.into_iter().map(|(place, produce)| (place.clone(), self.produce(place, produce))).collect()
    }

    /// Stops the follower that has to have what is appended for all replicas, or lets it go on.
    pub fn stop_follower(&mut self, place: &Place, stops: bool) {
        if let Some((_, partition)) = self.partition_mut(place) {
            partition.lags = stops;
            partition.replicate();
        }
    }

    fn try_produce(&mut self, place: &Place, produce: &Produce) -> Result<Answer, ErrorCode> {
        if self.partition(place).is_none() {
            return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        }
        let header = one_batch(&produce.records)?;
        self.coordinator.check(place, &header, produce.transactional_id.as_deref())?;
        let (terms, partition) = self.partition_mut(place).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let start = partition.log.start();
        let appended = validated(&header, &produce.records, &terms)
            .and_then(|kept| partition.append_of_client(&kept, &produce.records, &terms, produce.acks));
        appended.or_else(|code| match code {
            // What a broker knows before it looks into the log.
            ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::CORRUPT_MESSAGE => Err(code),
            _ => Ok(Answer { log_start_offset: start, ..Answer::refused(code) }),
        })
    }
}

impl Partition {
    fn append_of_client(
        &mut self,
        header: &BatchHeader,
        batch: &Bytes,
        terms: &Terms<'_>,
        acks: i16,
    ) -> Result<Answer, ErrorCode> {
        // A segment ends for a batch that is not appended, too: that is asked first.
        self.log.roll(header.max_timestamp, terms.config.segment_ms);
        let (base_offset, log_append_time) = match self.producers.duplicate(header) {
            Some(known) => (known.base_offset, known.timestamp),
            None => {
                self.producers.check(header)?;
                (self.append(header, batch, terms), append_time(terms))
            }
        };
        // A repeat waits for replicas as the first did.
        let end = base_offset.saturating_add(i64::from(header.last_offset_delta) + 1);
        let is_late = acks == -1 && self.log.high_watermark() < end;
        let error_code = if is_late { ErrorCode::REQUEST_TIMED_OUT } else { ErrorCode::NONE };
        Ok(Answer { error_code, base_offset, log_append_time, log_start_offset: self.log.start() })
    }

    /// Appends a batch; where it lies.
    fn append(&mut self, header: &BatchHeader, batch: &Bytes, terms: &Terms<'_>) -> i64 {
        let base_offset = self.log.end();
        let records = batch.get(HEADER_LENGTH..).unwrap_or_default();
        self.log.append(header, records, terms.config.segment_ms);
        self.producers.append(&BatchHeader { base_offset, ..*header });
        self.replicate();
        base_offset
    }
}

fn append_time(terms: &Terms<'_>) -> i64 {
    match terms.config.timestamp_type {
        TimestampType::CreateTime => -1,
        TimestampType::LogAppendTime => terms.now,
    }
}

#[cfg(test)]
mod tests {
    use crate::TopicConfig;
    use crate::draft::Draft;
    use crate::settings::{Settings, Version};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker() -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), NOW);
        broker.create_topic("t", 2, TopicConfig::of(Version::V4_1));
        (broker, Place::new("t", 0))
    }

    fn guarded(sequence: i32, count: usize) -> Produce {
        Produce::of(Draft::of(count, NOW).by(1 << 62, 0, sequence).bytes())
    }

    #[test]
    fn a_repeat_has_its_old_place() {
        let (mut broker, place) = broker();
        let first = broker.produce(&place, &guarded(123_456, 3));
        assert_eq!((first.error_code, first.base_offset, first.log_append_time), (ErrorCode::NONE, 0, -1));
        assert_eq!(broker.produce(&place, &guarded(123_459, 2)).base_offset, 3);
        assert_eq!(broker.produce(&place, &guarded(123_456, 3)).base_offset, 0);
        let gap = broker.produce(&place, &guarded(123_462, 1));
        assert_eq!((gap.error_code, gap.base_offset), (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
        assert_eq!(broker.partition(&place).unwrap().log().end(), 5);
    }

    #[test]
    fn a_follower_that_stops_leaves_the_batch_in_the_log() {
        let (mut broker, place) = broker();
        broker.stop_follower(&place, true);
        for _ in 0..2 {
            let late = broker.produce(&place, &guarded(0, 3));
            assert_eq!((late.error_code, late.base_offset), (ErrorCode::REQUEST_TIMED_OUT, 0));
        }
        let log = broker.partition(&place).unwrap().log();
        assert_eq!((log.high_watermark(), log.end()), (0, 3));
        broker.stop_follower(&place, false);
        assert_eq!(broker.produce(&place, &guarded(0, 3)).error_code, ErrorCode::NONE);
    }

    #[test]
    fn topics_with_the_time_of_the_broker_say_it() {
        let (mut broker, place) = broker();
        broker.set_config("t", "message.timestamp.type", "LogAppendTime");
        broker.advance(5);
        assert_eq!(broker.produce(&place, &Produce::of(Draft::of(1, 0).bytes())).log_append_time, NOW + 5);
    }

    #[test]
    fn of_one_partition_named_twice_the_first_entry_is_lost() {
        let (mut broker, place) = broker();
        let one =
            |value: &'static str| Produce::of(Draft::holding([(None, Some(value.into()))], NOW).bytes());
        let entries =
            [(place.clone(), one("lost")), (Place::new("t", 1), one("other")), (place.clone(), one("kept"))];
        let answers = broker.produce_entries(&entries);
        assert_eq!(answers.len(), 2);
        let log = broker.partition(&place).unwrap().log();
        let bytes = &log.batches().next().unwrap().bytes;
        assert!(log.end() == 1 && bytes.windows(4).any(|window| window == b"kept"));
    }

    #[test]
    fn what_is_refused_leaves_no_trace() {
        let (mut broker, place) = broker();
        let before = broker.clone();
        let batch = Draft::of(1, NOW).bytes();
        let two = Bytes::from([&batch[..], &batch[..]].concat());
        assert_eq!(broker.produce(&place, &Produce::of(two)).error_code, ErrorCode::INVALID_RECORD);
        assert_eq!(broker.produce(&place, &Produce::of(Bytes::new())).error_code, ErrorCode::INVALID_RECORD);
        let future = Produce::of(Draft::of(1, NOW + 7_200_000).by(7, 0, 0).bytes());
        assert_eq!(broker.produce(&place, &future).error_code, ErrorCode::INVALID_TIMESTAMP);
        let nowhere = broker.produce(&Place::new("u", 0), &Produce::of(batch));
        assert_eq!(nowhere.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(broker, before);
    }
}
