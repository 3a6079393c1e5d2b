//! The answer.

use tidegate_client::{AskError, printable};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::ProduceResponse;
use tidegate_wire::messages::produce_response::PartitionProduceResponse;

use super::{Appended, KEY, ProduceAnswer};
use crate::calls::order::in_order;
use crate::calls::place::Named;
use crate::calls::{Leader, TopicPartition, throttle};

pub(super) fn read(
    by_id: bool,
    asked: &[TopicPartition],
    answer: &ProduceResponse,
) -> Result<ProduceAnswer, AskError> {
    let partitions = answer.responses.iter().flat_map(|topic| {
        let named = Named::of(by_id, &topic.name, topic.topic_id);
        let of_topic = topic.partition_responses.iter();
        of_topic.map(move |partition| (named.clone(), partition.index, appended(partition)))
    });
    let partitions = in_order(KEY, asked, by_id, partitions)?;
    Ok(ProduceAnswer { throttle: throttle(answer.throttle_time_ms), partitions })
}

fn appended(partition: &PartitionProduceResponse) -> Appended {
    Appended {
        error: ErrorCode(partition.error_code),
        base_offset: partition.base_offset,
        log_append_time_ms: partition.log_append_time_ms,
        log_start_offset: partition.log_start_offset,
        message: partition.error_message.as_ref().map(|text| printable(text)).unwrap_or_default(),
        leader: Leader::told(partition.current_leader.leader_id.0, partition.current_leader.leader_epoch),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_wire::StrBytes;
    use tidegate_wire::messages::produce_response::{LeaderIdAndEpoch, TopicProduceResponse};

    use super::*;
    use crate::calls::testing::{at, travelled};

    #[test]
    fn answers_stand_in_the_order_of_the_batches() {
        let asked = [at("a", 0), at("b", 1), at("a", 2)];
        let good = |index, base_offset| {
            PartitionProduceResponse::default()
                .with_index(index)
                .with_base_offset(base_offset)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(5)
        };
        let bad = PartitionProduceResponse::default()
            .with_index(1)
            .with_error_code(6)
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_error_message(Some(StrBytes::from_static_str("moved")))
            .with_current_leader(LeaderIdAndEpoch::default().with_leader_id(3.into()).with_leader_epoch(8));
        for version in 9..=13 {
            let by_id = version >= 13;
            let topic = |of: &TopicPartition, partitions| {
                let answer = TopicProduceResponse::default().with_partition_responses(partitions);
                if by_id {
                    answer.with_topic_id(of.topic.id().unwrap())
                } else {
                    answer.with_name(of.topic.wire_name())
                }
            };
            let responses =
                vec![topic(&asked[1], vec![bad.clone()]), topic(&asked[0], vec![good(2, 20), good(0, 10)])];
            let answer = ProduceResponse::default().with_responses(responses).with_throttle_time_ms(9);
            let answer = read(by_id, &asked, &travelled(&answer, version)).unwrap();
            assert_eq!(answer.throttle, Duration::from_millis(9));
            let offsets: Vec<_> = answer.partitions.iter().map(|one| one.base_offset).collect();
            assert_eq!(offsets, [10, -1, 20]);
            let moved = &answer.partitions[1];
            assert_eq!((moved.error, &*moved.message), (ErrorCode::NOT_LEADER_OR_FOLLOWER, "moved"));
            assert_eq!(moved.leader, (version >= 10).then_some(Leader { id: 3, epoch: 8 }));
            assert_eq!((answer.partitions[0].log_start_offset, answer.partitions[0].leader), (5, None));
        }
    }
}
