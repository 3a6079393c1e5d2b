//! Produce requests: the envelope is read and written anew, the records stay where they are.
//!
//! Only the request carries records; [`answer`] is about the answer.

pub mod answer;

use std::ops::Range;

use bytes::{BufMut, Bytes};
use thiserror::Error;

use crate::api::ApiKey;
use crate::frame::{EnvelopeWriter, Outgoing};
use crate::header;
use crate::reader::{ReadError, Reader};
use crate::topic::{TopicKey, TopicRef, write_count, write_string};

/// First version that names topics by id (KIP-516).
pub const BY_ID_SINCE: i16 = 13;
const FLEXIBLE_SINCE: i16 = 9;

/// Most partitions in one request; a client that fills 16 MiB with one-record batches stays far below.
pub const MAX_PARTITIONS: usize = 100_000;

/// Records of up to so many bytes are copied: a few hundred bytes cost less than a piece of their own in the write.
const COPIED: usize = 512;

/// Most tags in one tag section; Kafka itself defines none for this request.
const MAX_TAGS: u32 = 64;

/// Why a Produce request cannot be read; the client is at fault and the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// The bytes are not a request of this version.
    #[error("malformed produce request: {0}")]
    Malformed(#[from] ReadError),
    /// More than [`MAX_PARTITIONS`] partitions.
    #[error("produce request names more than {MAX_PARTITIONS} partitions")]
    TooManyPartitions,
    /// More tags than any version defines.
    #[error("produce request has a section of {count} tags, more than {MAX_TAGS}")]
    TooManyTags {
        /// The number of tags.
        count: u32,
    },
    /// Bytes after the end of the request.
    #[error("produce request has {count} bytes after its end")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

/// A request as read; records are ranges of its body.
#[derive(Debug, PartialEq, Eq)]
pub struct ProduceRequest<'a> {
    /// The transactional id, as the client wrote it.
    pub transactional_id: Option<&'a str>,
    /// How many replicas must confirm: -1, 0 or 1.
    pub acks: i16,
    /// How long the broker may wait for them, in milliseconds.
    pub timeout_ms: i32,
    /// The topics in the client's order.
    pub topics: Vec<TopicData<'a>>,
}

/// One topic of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct TopicData<'a> {
    /// The topic, as the client wrote it.
    pub topic: TopicRef<'a>,
    /// Its partitions in the client's order.
    pub partitions: Vec<PartitionData>,
}

/// One partition of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionData {
    /// The partition.
    pub index: i32,
    /// Where its records lie in the body; `None` is null.
    pub records: Option<Range<usize>>,
}

impl<'a> ProduceRequest<'a> {
    /// Reads the body of a request at `version`, 3 to 13.
    ///
    /// Vectors grow with the bytes that are really there, never by a count from the wire.
    ///
    /// # Errors
    /// [`ProduceError`].
    pub fn read(body: &'a [u8], version: i16) -> Result<Self, ProduceError> {
        let flexible = version >= FLEXIBLE_SINCE;
        let mut reader = Reader::new(body);
        let transactional_id = reader.nullable_string(flexible)?;
        let acks = reader.int16()?;
        let timeout_ms = reader.int32()?;
        let mut topics = Vec::new();
        let mut budget = MAX_PARTITIONS;
        for _ in 0..some_count(&mut reader, flexible)? {
            topics.push(TopicData::read(&mut reader, version, &mut budget)?);
        }
        skip_tags(&mut reader, flexible)?;
        match reader.remaining() {
            0 => Ok(Self { transactional_id, acks, timeout_ms, topics }),
            count => Err(ProduceError::TrailingBytes { count }),
        }
    }
}

impl<'a> TopicData<'a> {
    fn read(reader: &mut Reader<'a>, version: i16, budget: &mut usize) -> Result<Self, ProduceError> {
        let flexible = version >= FLEXIBLE_SINCE;
        let topic = TopicRef::read(reader, version >= BY_ID_SINCE, flexible)?;
        let mut partitions = Vec::new();
        for _ in 0..some_count(reader, flexible)? {
            *budget = budget.checked_sub(1).ok_or(ProduceError::TooManyPartitions)?;
            partitions.push(PartitionData::read(reader, flexible)?);
        }
        skip_tags(reader, flexible)?;
        Ok(Self { topic, partitions })
    }
}

impl PartitionData {
    fn read(reader: &mut Reader<'_>, flexible: bool) -> Result<Self, ProduceError> {
        let index = reader.int32()?;
        let records = reader.nullable_bytes(flexible)?;
        let records = records.map(|records| reader.position() - records.len()..reader.position());
        skip_tags(reader, flexible)?;
        Ok(Self { index, records })
    }

    /// Bytes of records.
    fn len(&self) -> usize {
        self.records.as_ref().map_or(0, Range::len)
    }
}

/// A count that may not be null: this request has no nullable array.
fn some_count(reader: &mut Reader<'_>, flexible: bool) -> Result<usize, ProduceError> {
    let at = reader.position();
    Ok(reader.array_count(flexible)?.ok_or(ReadError::IllegalLength { at, length: -1 })?)
}

/// Kafka defines no tags for this request, so whatever is there is passed over and not written again.
fn skip_tags(reader: &mut Reader<'_>, flexible: bool) -> Result<(), ProduceError> {
    let mut ahead = *reader;
    if flexible {
        let count = ahead.unsigned_varint()?;
        if count > MAX_TAGS {
            return Err(ProduceError::TooManyTags { count });
        }
    }
    Ok(reader.skip_tags(flexible)?)
}

/// What goes upstream in place of the client's request.
#[derive(Debug)]
pub struct Rewritten<'a> {
    /// Correlation id of the upstream connection.
    pub correlation_id: i32,
    /// Client id to send.
    pub client_id: &'a str,
    /// Transactional id to send.
    pub transactional_id: Option<&'a str>,
    /// As the client asked.
    pub acks: i16,
    /// As the client asked.
    pub timeout_ms: i32,
    /// Topics under their upstream name or id.
    pub topics: Vec<(TopicKey, Vec<PartitionData>)>,
}

impl Rewritten<'_> {
    /// Writes the whole frame at `version` around slices of `body`, the client's request.
    #[must_use]
    pub fn write(&self, body: &Bytes, version: i16) -> Outgoing {
        let flexible = version >= FLEXIBLE_SINCE;
        let mut out = EnvelopeWriter::with_capacity(self.envelope_size(), self.spliced().count());
        header::write_request(out.buffer(), ApiKey::Produce, version, self.correlation_id, self.client_id);
        self.write_transactional_id(&mut out, flexible);
        out.buffer().put_i16(self.acks);
        out.buffer().put_i32(self.timeout_ms);
        write_count(out.buffer(), self.topics.len(), flexible);
        for (topic, partitions) in &self.topics {
            topic.write(out.buffer(), flexible);
            write_count(out.buffer(), partitions.len(), flexible);
            for partition in partitions {
                write_partition(partition, body, flexible, &mut out);
            }
            write_no_tags(&mut out, flexible);
        }
        write_no_tags(&mut out, flexible);
        out.finish()
    }

    fn partitions(&self) -> impl Iterator<Item = &PartitionData> {
        self.topics.iter().flat_map(|(_, partitions)| partitions)
    }

    /// Partitions whose records stay where they are.
    fn spliced(&self) -> impl Iterator<Item = &PartitionData> {
        self.partitions().filter(|partition| partition.len() > COPIED)
    }

    fn envelope_size(&self) -> usize {
        let names: usize = self.topics.iter().map(|(topic, _)| topic.width() + 8).sum();
        let copied = |partition: &PartitionData| Some(partition.len()).filter(|len| *len <= COPIED);
        let partitions: usize =
            self.partitions().map(|partition| 10 + copied(partition).unwrap_or_default()).sum();
        64 + self.client_id.len() + self.transactional_id.map_or(0, str::len) + names + partitions
    }

    fn write_transactional_id(&self, out: &mut EnvelopeWriter, flexible: bool) {
        match self.transactional_id {
            Some(id) => write_string(out.buffer(), id, flexible),
            None if flexible => out.buffer().put_u8(0),
            None => out.buffer().put_i16(-1),
        }
    }
}

fn write_partition(partition: &PartitionData, body: &Bytes, flexible: bool, out: &mut EnvelopeWriter) {
    out.buffer().put_i32(partition.index);
    let records = partition.records.clone().filter(|range| range.end <= body.len()).unwrap_or(0..0);
    write_count(out.buffer(), records.len(), flexible);
    if records.len() <= COPIED {
        out.buffer().put_slice(body.get(records).unwrap_or_default());
    } else {
        out.splice(body.slice(records));
    }
    write_no_tags(out, flexible);
}

fn write_no_tags(out: &mut EnvelopeWriter, flexible: bool) {
    if flexible {
        out.buffer().put_u8(0);
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{TopicName, TransactionalId};
    use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
    use uuid::Uuid;

    use super::*;

    type Typed = kafka_protocol::messages::ProduceRequest;

    fn typed(version: i16, topic: &'static str, id: [u8; 16]) -> Typed {
        let partition = |index, records| {
            PartitionProduceData::default().with_index(index).with_records(Some(Bytes::from_static(records)))
        };
        let mut data = TopicProduceData::default()
            .with_partition_data(vec![partition(0, b"zero"), partition(4, b"four")]);
        if version >= BY_ID_SINCE {
            data.topic_id = Uuid::from_bytes(id);
        } else {
            data.name = TopicName(StrBytes::from_static_str(topic));
        }
        Typed::default()
            .with_transactional_id(Some(TransactionalId(StrBytes::from_static_str("tx"))))
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![data])
    }

    fn encoded(version: i16, request: &Typed) -> Bytes {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).unwrap();
        body.freeze()
    }

    fn upstream<'a>(version: i16, read: &ProduceRequest<'_>) -> Rewritten<'a> {
        let key = match version {
            BY_ID_SINCE.. => TopicKey::Id([8; 16]),
            _ => TopicKey::Name("backing".into()),
        };
        Rewritten {
            correlation_id: 99,
            client_id: "zone/app",
            transactional_id: Some("p.t.tx"),
            acks: read.acks,
            timeout_ms: read.timeout_ms,
            topics: read.topics.iter().map(|topic| (key.clone(), topic.partitions.clone())).collect(),
        }
    }

    #[test]
    fn every_version_is_read_and_written_with_the_new_names_and_the_same_records() {
        for version in 3..=13 {
            let body = encoded(version, &typed(version, "alias", [1; 16]));
            let read = ProduceRequest::read(&body, version).unwrap();
            let frame = upstream(version, &read).write(&body, version).joined();
            let request = header::Request::parse(frame).unwrap();
            assert_eq!((request.correlation_id, &request.client_id[..]), (99, &b"zone/app"[..]));
            let mut rest = request.body;
            let mut expected = typed(version, "backing", [8; 16]);
            expected.transactional_id = Some(TransactionalId(StrBytes::from_static_str("p.t.tx")));
            assert_eq!(Typed::decode(&mut rest, version).unwrap(), expected, "version {version}");
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn large_records_go_upstream_in_the_buffer_in_which_they_came() {
        let mut request = typed(9, "alias", [0; 16]);
        let large = Bytes::from(vec![4; COPIED + 1]);
        request.topic_data[0].partition_data[1].records = Some(large.clone());
        let body = encoded(9, &request);
        let read = ProduceRequest::read(&body, 9).unwrap();
        let outgoing = upstream(9, &read).write(&body, 9);
        let records = outgoing.pieces().find(|piece| *piece == large).unwrap();
        assert!(body.as_ptr_range().contains(&records.as_ptr()));
    }

    #[test]
    fn every_cut_and_every_trailing_byte_is_refused() {
        for version in 3..=13 {
            let body = encoded(version, &typed(version, "alias", [1; 16]));
            for cut in 0..body.len() {
                assert!(ProduceRequest::read(&body[..cut], version).is_err(), "version {version}, cut {cut}");
            }
            let longer = [&body[..], &[0]].concat();
            let refused = ProduceRequest::read(&longer, version);
            assert_eq!(refused, Err(ProduceError::TrailingBytes { count: 1 }));
        }
    }

    #[test]
    fn counts_beyond_the_bytes_and_tag_floods_are_refused() {
        let huge = [0xff, 0xff, 0, 1, 0, 0, 0, 9, 0x7f, 0xff, 0xff, 0xff];
        assert!(matches!(ProduceRequest::read(&huge, 3), Err(ProduceError::Malformed(_))));
        let tags = [&[0, 0, 1, 0, 0, 0, 9, 1, 65][..], &[0; 130]].concat();
        assert_eq!(ProduceRequest::read(&tags, 9), Err(ProduceError::TooManyTags { count: 65 }));
    }
}
