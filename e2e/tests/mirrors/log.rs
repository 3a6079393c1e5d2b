//! The log of a mirror topic, appended as a link appends it.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tidegate_core::{LinkId, MirrorTopic, ProducerIds};
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{batch_of, now_ms, produce_records};
use tidegate_e2e::site::wait_for;
use tidegate_wire::filler::{self, Fill, Kind};
use tidegate_wire::stamp::{Guard, Stamped, stamp};

/// The link that writes.
pub(crate) const LINK: LinkId = LinkId::from_bytes([0x1e; 16]);

const NOT_LEADER_OR_FOLLOWER: i16 = 6;

/// Partition 0 of a mirror topic, and what was put there.
pub(crate) struct MirrorLog {
    broker: Connection,
    topic: String,
    producer_id: i64,
    /// The next offset.
    pub(crate) end: i64,
    /// Offset, key and value of each record.
    pub(crate) data: Vec<(i64, String, String)>,
}

impl MirrorLog {
    pub(crate) fn of(kafka: &Kafka, topic: &Topic) -> Result<Self> {
        let ids = ProducerIds::of(LINK, &MirrorTopic::parse(&topic.name)?, 0);
        let (broker, topic, producer_id) = (kafka.internal(1)?, topic.name.clone(), ids.data);
        Ok(Self { broker, topic, producer_id, end: 0, data: Vec::new() })
    }

    /// A gap of the source: as many fillers as it takes.
    pub(crate) fn gap(&mut self, offsets: u64) -> Result<()> {
        for entry in Fill::new(Kind::Plain, offsets) {
            let filler = filler::make(entry, self.end, now_ms(), self.guard()?);
            self.append(filler, entry.count().into())?;
        }
        Ok(())
    }

    /// Records of the source, each in a batch of its own.
    pub(crate) fn data(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (key, value) = (format!("key-{}", self.end), format!("value at {}", self.end));
            let copied = stamp(&batch_of(&key, &value)?, self.end, self.guard()?)?;
            self.data.push((self.end, key, value));
            self.append(copied, 1)?;
        }
        Ok(())
    }

    fn guard(&self) -> Result<Guard> {
        let base_sequence = i32::try_from(self.end).context("a short log")?;
        Ok(Guard { producer_id: self.producer_id, producer_epoch: 0, base_sequence })
    }

    fn append(&mut self, Stamped { header, records }: Stamped, offsets: i64) -> Result<()> {
        // A broker gives the offsets: it is told 0.
        let mut batch = [&header[..], &records].concat();
        batch[..8].fill(0);
        let batch = Bytes::from(batch);
        // A leader that was told of it just now refuses at first; it appends nothing then.
        wait_for("the leader takes it", || {
            let code = produce_records(&mut self.broker, &self.topic, batch.clone())?;
            ensure!([0, NOT_LEADER_OR_FOLLOWER].contains(&code), "appending at {}: code {code}", self.end);
            Ok(code == 0)
        })?;
        self.end += offsets;
        Ok(())
    }
}
