//! Writing the new envelope of a Fetch answer.

use bytes::{BufMut, Bytes, BytesMut};

use super::plan::Appearance;
use super::records::Records;
use super::span::{ABORTED_LENGTH, PartitionSpan, Tags};
use super::{
    BY_ID_SINCE, ENDPOINTS_SINCE, FLEXIBLE_SINCE, LOG_START_SINCE, PREFERRED_REPLICA_SINCE, RefusedTopic,
    ResponsePlan, SESSION_SINCE, Target,
};
use crate::api::ApiKey;
use crate::error_code::ErrorCode;
use crate::frame::{EnvelopeWriter, Outgoing};
use crate::header;
use crate::reader::{ReadError, Reader};
use crate::topic::{TopicRef, write_count, write_string, write_unsigned_varint};

/// Rewrites a whole answer frame (size prefix included) of Fetch at `version`, 4 to 18, for a client that
/// waits for `correlation_id`.
///
/// The answer carries session id 0 (no fetch session), only topics that `plan` shows, only nodes that it
/// advertises, no racks and no tags that this version does not know.
///
/// # Errors
/// [`ReadError`] when the upstream's answer is malformed; both sides must then be closed.
pub fn rewrite_response(
    frame: &Bytes,
    version: i16,
    correlation_id: i32,
    plan: &impl ResponsePlan,
) -> Result<Outgoing, ReadError> {
    let (_, body) = header::parse_response(frame, ApiKey::Fetch, version)?;
    let rewrite = Rewrite { frame, version, flexible: version >= FLEXIBLE_SINCE, plan };
    let measure = rewrite.measure(body)?;
    let mut out = EnvelopeWriter::with_capacity(measure.envelope, measure.record_sets);
    header::write_response(out.buffer(), ApiKey::Fetch, version, correlation_id);
    rewrite.write(body, &measure, &mut out)?;
    Ok(out.finish())
}

struct Rewrite<'a, P> {
    frame: &'a Bytes,
    version: i16,
    flexible: bool,
    plan: &'a P,
}

/// What the first walk learns.
struct Measure {
    topics: usize,
    envelope: usize,
    record_sets: usize,
}

impl<'a, P: ResponsePlan> Rewrite<'a, P> {
    fn reader(&self, at: usize) -> Reader<'a> {
        Reader::at(self.frame, at)
    }

    fn top_length(&self) -> usize {
        if self.version >= SESSION_SINCE { 10 } else { 4 }
    }

    fn topic(&self, reader: &mut Reader<'a>) -> Result<TopicRef<'a>, ReadError> {
        TopicRef::read(reader, self.version >= BY_ID_SINCE, self.flexible)
    }

    /// Walks everything once: checks it and adds up what the envelope will need.
    fn measure(&self, body: usize) -> Result<Measure, ReadError> {
        let mut reader = self.reader(body);
        reader.skip(self.top_length())?;
        let mut measure = Measure { topics: 0, envelope: 64, record_sets: 0 };
        for _ in 0..reader.array_count(self.flexible)?.unwrap_or(0) {
            let start = reader.position();
            let targets = self.plan.targets(self.topic(&mut reader)?);
            let (records, sets) = self.measure_partitions(&mut reader)?;
            let envelope = reader.position() - start - records;
            measure.topics += targets.len();
            measure.record_sets += sets * targets.len().min(1);
            measure.envelope +=
                targets.iter().map(|target| target.shown.width() + envelope + 8).sum::<usize>();
        }
        for refused in self.plan.refused() {
            measure.topics += 1;
            measure.envelope += refused.shown.width() + 8 + refused.partitions.len() * 48;
        }
        measure.envelope += reader.remaining();
        reader.skip_tags(self.flexible)?;
        match reader.remaining() {
            0 => Ok(measure),
            _ => Err(ReadError::IllegalLength { at: reader.position(), length: 0 }),
        }
    }

    fn measure_partitions(&self, reader: &mut Reader<'a>) -> Result<(usize, usize), ReadError> {
        let (mut records, mut sets) = (0, 0);
        for _ in 0..reader.array_count(self.flexible)?.unwrap_or(0) {
            let bytes = PartitionSpan::read(reader, self.version)?.record_bytes();
            records += bytes;
            sets += usize::from(bytes > 0);
        }
        reader.skip_tags(self.flexible)?;
        Ok((records, sets))
    }

    fn write(&self, body: usize, measure: &Measure, out: &mut EnvelopeWriter) -> Result<(), ReadError> {
        let mut reader = self.reader(body);
        let throttle_ms = self.plan.throttle_ms(reader.int32()?);
        out.buffer().put_i32(throttle_ms);
        if self.version >= SESSION_SINCE {
            let error = reader.int16()?;
            reader.int32()?;
            out.buffer().put_i16(error);
            out.buffer().put_i32(0);
        }
        let topics = reader.array_count(self.flexible)?.unwrap_or(0);
        write_count(out.buffer(), measure.topics, self.flexible);
        for _ in 0..topics {
            self.write_topic(&mut reader, out)?;
        }
        for refused in self.plan.refused() {
            self.write_refused(refused, out.buffer());
        }
        if self.flexible {
            self.write_endpoints(&mut reader, out.buffer())?;
        }
        Ok(())
    }

    /// Writes one upstream topic once for each of its targets.
    fn write_topic(&self, reader: &mut Reader<'a>, out: &mut EnvelopeWriter) -> Result<(), ReadError> {
        let topic = self.topic(reader)?;
        let targets = self.plan.targets(topic);
        let partitions = reader.position();
        if targets.is_empty() {
            self.measure_partitions(reader)?;
        }
        for target in targets {
            *reader = self.reader(partitions);
            self.write_target(topic, target, reader, out)?;
        }
        Ok(())
    }

    fn write_target(
        &self,
        topic: TopicRef<'_>,
        target: &Target,
        reader: &mut Reader<'a>,
        out: &mut EnvelopeWriter,
    ) -> Result<(), ReadError> {
        target.shown.write(out.buffer(), self.flexible);
        let all = reader.array_count(self.flexible)?.unwrap_or(0);
        let count = match target.count_of(all) {
            Some(count) => count,
            None => self.count_shown(target, *reader, all)?,
        };
        write_count(out.buffer(), count, self.flexible);
        let records = Records::of(self.frame, self.plan, topic, target);
        for _ in 0..all {
            let span = PartitionSpan::read(reader, self.version)?;
            if !span.error.is_none() {
                self.plan.note(span.error);
            }
            match target.appearance(span.index) {
                Appearance::Whole => self.write_partition(&span, &records, out)?,
                Appearance::Bare => self.write_bare(&span, out.buffer()),
                Appearance::Refused(error) => self.write_error(span.index, error, out.buffer()),
                Appearance::Absent => {}
            }
        }
        reader.skip_tags(self.flexible)?;
        self.write_no_tags(out.buffer());
        Ok(())
    }

    fn count_shown(&self, target: &Target, mut reader: Reader<'a>, all: usize) -> Result<usize, ReadError> {
        let mut count = 0;
        for _ in 0..all {
            let span = PartitionSpan::read(&mut reader, self.version)?;
            count += usize::from(target.appearance(span.index) != Appearance::Absent);
        }
        Ok(count)
    }

    #[inline]
    fn write_partition(
        &self,
        span: &PartitionSpan,
        records: &Records<'_, P>,
        out: &mut EnvelopeWriter,
    ) -> Result<(), ReadError> {
        let reader = self.reader(0);
        let buffer = out.buffer();
        buffer.put_slice(reader.slice(span.fixed.clone()));
        self.write_aborted(span, buffer)?;
        if self.version >= PREFERRED_REPLICA_SINCE {
            // Mostly there is none, which needs no look into the plan.
            let replica = span.preferred_replica;
            let shown = replica >= 0 && self.plan.endpoint(replica).is_some();
            buffer.put_i32(if shown { replica } else { -1 });
        }
        match &span.records {
            Some(at) => records.write(span.index, at.clone(), self.flexible, out),
            None => write_null(buffer, self.flexible),
        }
        if self.flexible {
            self.write_partition_tags(&span.tags, out.buffer());
        }
        Ok(())
    }

    /// A partition that was fetched for a sibling at the sibling's offset: its watermarks hold for both, its
    /// error, records and truncation do not.
    fn write_bare(&self, span: &PartitionSpan, out: &mut BytesMut) {
        let watermarks = self.reader(0).slice(span.watermarks());
        if span.error.is_none() {
            out.put_i32(span.index);
            out.put_i16(ErrorCode::NONE.0);
            out.put_slice(watermarks);
            self.write_nothing(out);
        } else {
            let shared = if span.error.is_of_partition() { span.error } else { ErrorCode::NONE };
            self.write_error(span.index, shared, out);
        }
    }

    fn write_aborted(&self, span: &PartitionSpan, out: &mut BytesMut) -> Result<(), ReadError> {
        let Some(count) = span.aborted_count else {
            write_null(out, self.flexible);
            return Ok(());
        };
        write_count(out, count, self.flexible);
        let mut reader = self.reader(span.aborted.start);
        for _ in 0..count {
            out.put_slice(reader.bytes(ABORTED_LENGTH)?);
            reader.skip_tags(self.flexible)?;
            self.write_no_tags(out);
        }
        Ok(())
    }

    #[inline]
    fn write_partition_tags(&self, tags: &Tags, out: &mut BytesMut) {
        let leader = tags.current_leader.filter(|(leader, _)| self.plan.endpoint(*leader).is_some());
        out.put_u8(u8::from(tags.diverging_epoch.is_some()) + u8::from(leader.is_some()));
        if let Some(diverging) = tags.diverging_epoch {
            out.put_slice(&[0, 13]);
            out.put_slice(&diverging);
            out.put_u8(0);
        }
        if let Some((leader, epoch)) = leader {
            out.put_slice(&[1, 9]);
            out.put_i32(leader);
            out.put_i32(epoch);
            out.put_u8(0);
        }
    }

    fn write_refused(&self, refused: &RefusedTopic, out: &mut BytesMut) {
        refused.shown.write(out, self.flexible);
        write_count(out, refused.partitions.len(), self.flexible);
        for partition in &refused.partitions {
            self.write_error(*partition, refused.error, out);
        }
        self.write_no_tags(out);
    }

    /// A partition without data, as a broker answers one that it refuses.
    fn write_error(&self, partition: i32, error: ErrorCode, out: &mut BytesMut) {
        out.put_i32(partition);
        out.put_i16(error.0);
        out.put_i64(-1);
        out.put_i64(-1);
        if self.version >= LOG_START_SINCE {
            out.put_i64(-1);
        }
        self.write_nothing(out);
    }

    /// What follows the watermarks of a partition without data.
    fn write_nothing(&self, out: &mut BytesMut) {
        write_null(out, self.flexible);
        if self.version >= PREFERRED_REPLICA_SINCE {
            out.put_i32(-1);
        }
        write_count(out, 0, self.flexible);
        self.write_no_tags(out);
    }

    fn write_no_tags(&self, out: &mut BytesMut) {
        if self.flexible {
            out.put_u8(0);
        }
    }

    /// The closing tag section: node endpoints with advertised addresses and without racks.
    fn write_endpoints(&self, reader: &mut Reader<'a>, out: &mut BytesMut) -> Result<(), ReadError> {
        let nodes = if self.version >= ENDPOINTS_SINCE { read_endpoint_nodes(reader)? } else { None };
        let Some((count, mut reader)) = nodes else {
            out.put_u8(0);
            return Ok(());
        };
        let mut value = BytesMut::new();
        let mut shown = 0;
        for _ in 0..count {
            let node = read_endpoint(&mut reader)?;
            if let Some((host, port)) = self.plan.endpoint(node) {
                shown += 1;
                value.put_i32(node);
                write_string(&mut value, host, true);
                value.put_i32(i32::from(port));
                value.put_slice(&[0, 0]);
            }
        }
        let mut counted = BytesMut::new();
        write_count(&mut counted, shown, true);
        out.put_slice(&[1, 0]);
        write_unsigned_varint(out, u32::try_from(counted.len() + value.len()).unwrap_or(u32::MAX));
        out.put_slice(&counted);
        out.put_slice(&value);
        Ok(())
    }
}

const TAG_NODE_ENDPOINTS: u32 = 0;

/// Finds the node endpoints in the closing tag section: their number and a reader on the first.
fn read_endpoint_nodes<'a>(reader: &mut Reader<'a>) -> Result<Option<(usize, Reader<'a>)>, ReadError> {
    for _ in 0..reader.unsigned_varint()? {
        let tag = reader.unsigned_varint()?;
        let size = usize::try_from(reader.unsigned_varint()?).unwrap_or(usize::MAX);
        let mut value = Reader::new(reader.bytes(size)?);
        if tag == TAG_NODE_ENDPOINTS {
            let count = value.array_count(true)?.unwrap_or(0);
            return Ok(Some((count, value)));
        }
    }
    Ok(None)
}

/// Reads one endpoint: its node id; host, port and rack are the upstream's and are dropped.
fn read_endpoint(reader: &mut Reader<'_>) -> Result<i32, ReadError> {
    let node = reader.int32()?;
    reader.string(true)?;
    reader.int32()?;
    reader.nullable_string(true)?;
    reader.skip_tags(true)?;
    Ok(node)
}

#[inline]
fn write_null(out: &mut BytesMut, flexible: bool) {
    if flexible {
        out.put_u8(0);
    } else {
        out.put_i32(-1);
    }
}
