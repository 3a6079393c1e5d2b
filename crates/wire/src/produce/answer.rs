//! The answer to a Produce that succeeded, as nearly every answer is: numbers that are copied, between topics that are
//! named anew. Any other answer goes through the ordinary codec.

use bytes::{BufMut, BytesMut};

use super::{BY_ID_SINCE, FLEXIBLE_SINCE};
use crate::reader::Reader;
use crate::topic::{TopicKey, TopicRef, write_count};

/// First version whose partitions tell the log's start.
const LOG_START_SINCE: i16 = 5;
/// First version whose partitions have errors of single records, and a text.
const RECORD_ERRORS_SINCE: i16 = 8;

/// Writes the body of an answer at `version`, 3 to 13, with the topics that `shown` gives and the throttle time that
/// `throttle` makes of the broker's.
///
/// Gives nothing when the answer is not one of successes alone, or names a topic that is not shown, or cannot be read:
/// what `out` holds is then of no use, and `throttle` was not asked.
pub fn rewrite_success(
    body: &[u8],
    version: i16,
    out: &mut BytesMut,
    shown: impl Fn(TopicRef<'_>) -> Option<TopicKey>,
    throttle: impl FnOnce(i32) -> i32,
) -> Option<()> {
    let flexible = version >= FLEXIBLE_SINCE;
    let mut reader = Reader::new(body);
    let topics = reader.array_count(flexible).ok()??;
    write_count(out, topics, flexible);
    for _ in 0..topics {
        let topic = TopicRef::read(&mut reader, version >= BY_ID_SINCE, flexible).ok()?;
        shown(topic)?.write(out, flexible);
        let start = reader.position();
        let partitions = reader.array_count(flexible).ok()??;
        for _ in 0..partitions {
            pass_success(&mut reader, version)?;
        }
        pass_no_tags(&mut reader, flexible)?;
        out.put_slice(reader.slice(start..reader.position()));
    }
    let broker_throttle_ms = reader.int32().ok()?;
    pass_no_tags(&mut reader, flexible)?;
    if !reader.is_empty() {
        return None;
    }
    out.put_i32(throttle(broker_throttle_ms));
    if flexible {
        out.put_u8(0);
    }
    Some(())
}

/// Passes over a partition's answer if it is a success that says no more than it must.
fn pass_success(reader: &mut Reader<'_>, version: i16) -> Option<()> {
    let flexible = version >= FLEXIBLE_SINCE;
    let numbers = size_of::<i64>() * if version >= LOG_START_SINCE { 3 } else { 2 };
    reader.int32().ok()?;
    if reader.int16().ok()? != 0 {
        return None;
    }
    reader.skip(numbers).ok()?;
    if version >= RECORD_ERRORS_SINCE {
        let errors = reader.array_count(flexible).ok()??;
        let text = reader.nullable_string(flexible).ok()?;
        if errors > 0 || text.is_some() {
            return None;
        }
    }
    pass_no_tags(reader, flexible)
}

fn pass_no_tags(reader: &mut Reader<'_>, flexible: bool) -> Option<()> {
    if !flexible {
        return Some(());
    }
    (reader.unsigned_varint().ok()? == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::produce_response::{
        BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
        TopicProduceResponse,
    };
    use kafka_protocol::messages::{BrokerId, ProduceResponse, TopicName};
    use kafka_protocol::protocol::{Encodable, StrBytes};
    use uuid::Uuid;

    use super::*;

    fn answer(version: i16, name: &'static str, id: [u8; 16]) -> ProduceResponse {
        let partition = |index| {
            PartitionProduceResponse::default()
                .with_index(index)
                .with_base_offset(1 << 40)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(if version >= 5 { 7 } else { -1 })
        };
        let topic =
            TopicProduceResponse::default().with_partition_responses(vec![partition(0), partition(9)]);
        let topic = match version {
            BY_ID_SINCE.. => topic.with_topic_id(Uuid::from_bytes(id)),
            _ => topic.with_name(TopicName(StrBytes::from_static_str(name))),
        };
        ProduceResponse::default().with_responses(vec![topic]).with_throttle_time_ms(3)
    }

    fn encoded(version: i16, answer: &ProduceResponse) -> BytesMut {
        let mut body = BytesMut::new();
        answer.encode(&mut body, version).unwrap();
        body
    }

    fn rewritten(version: i16, body: &[u8]) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        let shown = |topic: TopicRef<'_>| match topic {
            TopicRef::Name("backing") => Some(TopicKey::Name("alias".into())),
            TopicRef::Id([8, ..]) => Some(TopicKey::Id([1; 16])),
            _ => None,
        };
        rewrite_success(body, version, &mut out, shown, |throttle_ms| throttle_ms + 40)?;
        Some(out)
    }

    #[test]
    fn a_success_is_what_the_codec_makes_of_it_at_every_version() {
        for version in 3..=13 {
            let body = encoded(version, &answer(version, "backing", [8; 16]));
            let expected = encoded(version, &answer(version, "alias", [1; 16]).with_throttle_time_ms(43));
            assert_eq!(rewritten(version, &body).unwrap(), expected, "version {version}");
            for cut in 0..body.len() {
                assert_eq!(rewritten(version, &body[..cut]), None, "version {version}, cut {cut}");
            }
            assert_eq!(rewritten(version, &[&body[..], &[0]].concat()), None);
            let foreign = answer(version, "other", [9; 16]);
            assert_eq!(rewritten(version, &encoded(version, &foreign)), None, "version {version}");
        }
    }

    #[test]
    fn what_says_more_than_success_is_left_to_the_codec() {
        let with = |change: fn(&mut PartitionProduceResponse)| {
            let mut answer = answer(12, "backing", [8; 16]);
            change(&mut answer.responses[0].partition_responses[1]);
            encoded(12, &answer)
        };
        let mut endpoints = answer(12, "backing", [8; 16]);
        endpoints.node_endpoints = vec![NodeEndpoint::default()];
        let bodies = [
            with(|partition| partition.error_code = 6),
            with(|partition| partition.error_message = Some(StrBytes::from_static_str(""))),
            with(|partition| partition.record_errors = vec![BatchIndexAndErrorMessage::default()]),
            with(|partition| {
                partition.current_leader = LeaderIdAndEpoch::default().with_leader_id(BrokerId(2));
            }),
            encoded(12, &endpoints),
        ];
        for body in bodies {
            assert_eq!(rewritten(12, &body), None);
        }
    }
}
