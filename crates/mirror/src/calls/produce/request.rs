//! The request, written around records that stay where they are: the codec would copy them.

use std::time::Duration;

use bytes::BufMut;
use tidegate_wire::frame::EnvelopeWriter;
use tidegate_wire::stamp::Stamped;
use tidegate_wire::topic::{write_count, write_string};

use super::batches::{Batches, Entry};
use super::is_by_id;
use crate::calls::order::by_topic;
use crate::calls::{Topic, millis};

/// All replicas in sync.
const ACKS: i16 = -1;

/// Records of up to so many bytes are copied: less than a piece of their own costs in the write.
const COPIED: usize = 512;

/// What a topic and a partition take beside names and batches, at most.
const TOPIC_WIDTH: usize = 24;
const PARTITION_WIDTH: usize = 10;

const NULL: u8 = 0;
const NO_TAGS: u8 = 0;

/// Writes the body of a request at `version`, all of which are flexible; `wait` is for the replicas.
pub(super) fn write(out: &mut EnvelopeWriter, version: i16, batches: &Batches, wait: Duration) {
    let topics = by_topic(batches.entries());
    out.buffer().reserve(width(batches));
    out.buffer().put_u8(NULL); // transactional id
    out.buffer().put_i16(ACKS);
    out.buffer().put_i32(millis(wait));
    write_count(out.buffer(), topics.len(), true);
    for (topic, entries) in topics {
        write_topic(out, version, topic, &entries);
    }
    out.buffer().put_u8(NO_TAGS);
}

fn write_topic(out: &mut EnvelopeWriter, version: i16, topic: &Topic, entries: &[&Entry]) {
    match topic.id().filter(|_| is_by_id(version)) {
        Some(id) => out.buffer().put_slice(id.as_bytes()),
        None => write_string(out.buffer(), topic.name(), true),
    }
    write_count(out.buffer(), entries.len(), true);
    for Entry { at, batch } in entries {
        out.buffer().put_i32(at.partition);
        write_batch(out, batch);
        out.buffer().put_u8(NO_TAGS);
    }
    out.buffer().put_u8(NO_TAGS);
}

fn write_batch(out: &mut EnvelopeWriter, Stamped { header, records }: &Stamped) {
    write_count(out.buffer(), header.len() + records.len(), true);
    out.buffer().put_slice(header);
    if records.len() <= COPIED {
        out.buffer().put_slice(records);
    } else {
        out.splice(records.clone());
    }
}

/// Bytes of all that is not spliced in, at most.
fn width(batches: &Batches) -> usize {
    let entry = |Entry { at, batch }: &Entry| {
        let copied = Some(batch.records.len()).filter(|length| *length <= COPIED).unwrap_or_default();
        PARTITION_WIDTH + TOPIC_WIDTH + at.topic.name().len() + batch.header.len() + copied
    };
    TOPIC_WIDTH + batches.entries().iter().map(entry).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use bytes::{Buf, Bytes};
    use tidegate_wire::codec;
    use tidegate_wire::messages::ProduceRequest;

    use super::*;
    use crate::calls::testing::at;

    fn stamped(fill: u8, length: usize) -> Stamped {
        Stamped { header: [fill; 61], records: Bytes::from(vec![fill; length]) }
    }

    fn batches() -> Batches {
        let mut batches = Batches::new();
        let entries = [("a", 0, 0), ("b", 5, COPIED), ("a", 7, COPIED + 1), ("b", 6, 200_000)];
        for (fill, (topic, partition, length)) in (1..).zip(entries) {
            batches.add(at(topic, partition), stamped(fill, length)).unwrap();
        }
        batches
    }

    fn frame(version: i16) -> tidegate_wire::frame::Outgoing {
        let mut out = EnvelopeWriter::with_capacity(0, 0);
        write(&mut out, version, &batches(), Duration::from_secs(9));
        out.finish()
    }

    #[test]
    fn the_codec_reads_what_was_written_by_hand() {
        for version in 9..=13 {
            let mut body = frame(version).joined();
            assert_eq!(usize::try_from(body.get_u32()).unwrap(), body.len());
            let request: ProduceRequest = codec::decode(version, &body).unwrap();
            assert_eq!((request.acks, request.timeout_ms), (-1, 9_000));
            assert!(request.transactional_id.is_none() && request.unknown_tagged_fields.is_empty());
            assert_eq!(request.topic_data.len(), 2);
            for (topic, name) in request.topic_data.iter().zip(["a", "b"]) {
                assert_eq!(topic.name.as_str(), if version < 13 { name } else { "" });
                assert!(version < 13 || Some(topic.topic_id) == at(name, 0).topic.id());
            }
            let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
            let found: Vec<_> = partitions.map(|one| (one.index, one.records.clone().unwrap())).collect();
            let entries = [(0, 1, 0), (7, 3, COPIED + 1), (5, 2, COPIED), (6, 4, 200_000)];
            let expected = entries.map(|(index, fill, length)| (index, Bytes::from(vec![fill; 61 + length])));
            assert_eq!(found, expected, "version {version}");
        }
    }

    #[test]
    fn only_small_records_are_copied() {
        let batches = batches();
        let mut out = EnvelopeWriter::with_capacity(0, 0);
        write(&mut out, 9, &batches, Duration::ZERO);
        let pieces: Vec<Bytes> = out.finish().pieces().collect();
        for (entry, is_copied) in batches.entries().iter().zip([true, true, false, false]) {
            let place = entry.batch.records.as_ptr();
            assert_eq!(!pieces.iter().any(|piece| piece.as_ptr() == place), is_copied);
        }
        assert_eq!(pieces.len(), 5);
    }

    #[test]
    fn room_is_made_once() {
        let batches = batches();
        for version in [9, 13] {
            let spliced: usize = COPIED + 1 + 200_000;
            assert!(frame(version).len() - 4 - spliced <= width(&batches));
        }
    }
}
