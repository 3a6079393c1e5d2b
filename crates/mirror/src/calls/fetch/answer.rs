//! The answer.

use std::time::Duration;

use tidegate_client::AskError;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::FetchResponse;
use tidegate_wire::messages::fetch_response::{AbortedTransaction, EpochEndOffset, PartitionData};

use super::{Aborted, EpochEnd, Fetch, FetchAnswer, FetchNews, Fetched, KEY, is_by_id};
use crate::calls::order::{in_order, some_in_order};
use crate::calls::place::Named;
use crate::calls::{Leader, throttle};

pub(super) fn read(version: i16, fetch: &Fetch, answer: FetchResponse) -> Result<FetchAnswer, AskError> {
    let throttle = whole(&answer)?;
    if answer.responses.is_empty() && !throttle.is_zero() {
        return Ok(FetchAnswer { throttle, partitions: Vec::new() });
    }
    let by_id = is_by_id(version);
    let partitions = in_order(KEY, &fetch.partitions, by_id, partitions(by_id, answer))?;
    Ok(FetchAnswer { throttle, partitions })
}

/// Reads the answer to a request of a session, which leaves out what has not changed.
pub(super) fn news(version: i16, fetch: &Fetch, answer: FetchResponse) -> Result<FetchNews, AskError> {
    let throttle = whole(&answer)?;
    let by_id = is_by_id(version);
    let partitions = some_in_order(KEY, &fetch.partitions, by_id, partitions(by_id, answer))?;
    Ok(FetchNews { throttle, partitions })
}

/// What is said of the request as a whole.
fn whole(answer: &FetchResponse) -> Result<Duration, AskError> {
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => Ok(throttle(answer.throttle_time_ms)),
        code => Err(AskError::Refused { api: KEY, code }),
    }
}

fn partitions(by_id: bool, answer: FetchResponse) -> impl Iterator<Item = (Named, i32, Fetched)> {
    answer.responses.into_iter().flat_map(move |topic| {
        let named = Named::of(by_id, &topic.topic, topic.topic_id);
        let of_topic = topic.partitions.into_iter();
        of_topic.map(move |partition| (named.clone(), partition.partition_index, fetched(partition)))
    })
}

fn fetched(partition: PartitionData) -> Fetched {
    Fetched {
        error: ErrorCode(partition.error_code),
        high_watermark: partition.high_watermark,
        last_stable_offset: partition.last_stable_offset,
        log_start_offset: partition.log_start_offset,
        diverging: told(&partition.diverging_epoch),
        leader: Leader::told(partition.current_leader.leader_id.0, partition.current_leader.leader_epoch),
        aborted: partition.aborted_transactions.unwrap_or_default().iter().map(aborted).collect(),
        records: partition.records.unwrap_or_default(),
    }
}

/// A log that does not diverge leaves the field out.
fn told(diverging: &EpochEndOffset) -> Option<EpochEnd> {
    let EpochEndOffset { epoch, end_offset, .. } = *diverging;
    (end_offset >= 0).then_some(EpochEnd { epoch, end_offset })
}

fn aborted(transaction: &AbortedTransaction) -> Aborted {
    Aborted { producer_id: transaction.producer_id.0, first_offset: transaction.first_offset }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use tidegate_wire::codec;
    use tidegate_wire::messages::fetch_response::{FetchableTopicResponse, LeaderIdAndEpoch};

    use super::*;
    use crate::calls::Isolation;
    use crate::calls::fetch::FetchPartition;
    use crate::calls::testing::at;

    fn fetch() -> Fetch {
        let wanted = |at| FetchPartition {
            at,
            offset: 7,
            max_bytes: 100,
            leader_epoch: None,
            last_fetched_epoch: None,
        };
        Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: Duration::ZERO,
            min_bytes: 0,
            max_bytes: 1_000,
            partitions: vec![wanted(at("t", 0)), wanted(at("t", 1))],
        }
    }

    fn response(version: i16, partitions: Vec<PartitionData>) -> FetchResponse {
        let topic = at("t", 0).topic;
        let answer = FetchableTopicResponse::default().with_partitions(partitions);
        let answer = match version {
            13.. => answer.with_topic_id(topic.id().unwrap()),
            _ => answer.with_topic(topic.wire_name()),
        };
        FetchResponse::default().with_throttle_time_ms(40).with_responses(vec![answer])
    }

    #[test]
    fn answers_come_in_order_with_records_that_were_not_copied() {
        for version in 4..=17 {
            let full = PartitionData::default()
                .with_partition_index(1)
                .with_high_watermark(9)
                .with_last_stable_offset(8)
                .with_log_start_offset(2)
                .with_aborted_transactions(Some(vec![
                    AbortedTransaction::default().with_producer_id(77.into()).with_first_offset(3),
                ]))
                .with_records(Some(Bytes::from_static(b"batches")));
            let diverging = PartitionData::default()
                .with_diverging_epoch(EpochEndOffset::default().with_epoch(3).with_end_offset(5))
                .with_current_leader(
                    LeaderIdAndEpoch::default().with_leader_id(2.into()).with_leader_epoch(6),
                );
            let mut body = BytesMut::new();
            codec::encode(&response(version, vec![full, diverging]), version, &mut body).unwrap();
            let body = body.freeze();
            let answer = read(version, &fetch(), codec::decode(version, &body).unwrap()).unwrap();
            assert_eq!(answer.throttle, Duration::from_millis(40));
            let [first, second] = &answer.partitions[..] else { panic!("{answer:?}") };
            let known = version >= 12;
            assert_eq!(first.diverging, known.then_some(EpochEnd { epoch: 3, end_offset: 5 }));
            assert_eq!(first.leader, known.then_some(Leader { id: 2, epoch: 6 }));
            assert!(first.records.is_empty());
            assert_eq!((second.high_watermark, second.last_stable_offset), (9, 8));
            assert_eq!(second.log_start_offset, if version < 5 { -1 } else { 2 });
            assert_eq!((second.diverging, second.leader), (None, None));
            assert_eq!(second.aborted, [Aborted { producer_id: 77, first_offset: 3 }]);
            assert_eq!(&second.records[..], b"batches");
            assert!(body.as_ptr_range().contains(&second.records.as_ptr()));
        }
    }

    #[test]
    fn a_broker_that_throttles_says_nothing_of_any_partition() {
        let silent = FetchResponse::default().with_throttle_time_ms(7);
        let answer = read(12, &fetch(), silent).unwrap();
        assert_eq!((answer.throttle, answer.partitions), (Duration::from_millis(7), Vec::new()));
        let error = read(12, &fetch(), FetchResponse::default()).unwrap_err();
        assert!(matches!(error, AskError::Malformed { .. }), "{error}");
    }

    #[test]
    fn an_error_of_the_whole_request_is_a_refusal() {
        let refused = FetchResponse::default().with_error_code(70);
        let error = read(12, &fetch(), refused).unwrap_err();
        assert!(matches!(error, AskError::Refused { code: ErrorCode::FETCH_SESSION_ID_NOT_FOUND, .. }));
    }
}
