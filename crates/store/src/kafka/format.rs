//! How a signed record lies in the topic.
//!
//! | part | what |
//! |---|---|
//! | key | `kind/id` |
//! | value | the body, JSON; null when the record is gone, so that compaction drops it |
//! | header `revision` | the number of the change, decimal |
//! | header `schema` | the schema of the body, decimal; absent when the record is gone |
//! | header `change` | the attempt at the change, 16 bytes: producer id, producer epoch, 6 random ones |
//! | header `signature` | the proof, 32 bytes |
//!
//! A change that was given up leaves signed records behind, in an aborted transaction. So that nobody can show them again
//! as a change that was made, a record counts only in a transaction of the producer that its change names; the brokers
//! let no one have one that may not use the store's transactional id.

use bytes::Bytes;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use tidegate_core::store::{Body, ChangeId, RecordKey, Revision, Signature, Signed};
use tidegate_wire::record::Record;

use super::error::KafkaStoreError;
use super::produce::{Said, batch, fitting};

const REVISION: &str = "revision";
const SCHEMA: &str = "schema";
const CHANGE: &str = "change";
const SIGNATURE: &str = "signature";

/// Most characters of a foreign key that are shown to an operator.
const SHOWN: usize = 100;

/// Who writes a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

impl Producer {
    /// An id of an attempt that is this producer's.
    pub(super) fn change_id(self, random: [u8; 6]) -> ChangeId {
        let mut bytes = [0; 16];
        let parts = self.id.to_be_bytes().into_iter().chain(self.epoch.to_be_bytes()).chain(random);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        ChangeId::from_bytes(bytes)
    }

    /// Whether an attempt is this producer's.
    fn made(self, change: ChangeId) -> bool {
        let own = self.change_id([0; 6]);
        own.as_bytes().iter().zip(change.as_bytes()).take(10).all(|(own, other)| own == other)
    }
}

/// Reads a record that lies in a committed transaction of `producer`, or in none.
///
/// # Errors
/// What it is known by, and why it is not a record of the store.
pub(super) fn read(record: &Record, producer: Option<Producer>) -> Result<Signed, (String, String)> {
    let key = std::str::from_utf8(record.key.as_deref().unwrap_or_default());
    let key = key.ok().and_then(|key| RecordKey::parse(key).ok());
    let name = key.as_ref().map_or_else(|| name(record), ToString::to_string);
    let foreign = |what: &str| {
        let offset = record.offset;
        (
            name.clone(),
            format!(
                "the record at offset {offset} under \"{name}\" is not the store's: {what}; somebody else writes into its topic"
            ),
        )
    };
    let key = key.ok_or_else(|| foreign("its key is none of the store's"))?;
    let header = |wanted: &str| {
        let found = record.headers.iter().find(|(name, _)| name == wanted.as_bytes());
        found.and_then(|(_, value)| value.as_deref()).ok_or_else(|| foreign("a header is missing"))
    };
    let revision = number(header(REVISION)?).ok_or_else(|| foreign("its revision is no number"))?;
    let change: [u8; 16] = header(CHANGE)?.try_into().map_err(|_| foreign("its change is no id"))?;
    let signature: [u8; 32] = header(SIGNATURE)?.try_into().map_err(|_| foreign("its signature is none"))?;
    let body = match &record.value {
        Some(value) => {
            let schema = number(header(SCHEMA)?).ok_or_else(|| foreign("its schema is no number"))?;
            let text = std::str::from_utf8(value).map_err(|_| foreign("it is not text"))?;
            Some(Body::new(schema, text))
        }
        None => None,
    };
    let change = ChangeId::from_bytes(change);
    if !producer.is_some_and(|producer| producer.made(change)) {
        return Err(foreign("it does not lie in the transaction that it was written in"));
    }
    let signature = Signature::from_bytes(signature);
    Ok(Signed { key, revision: Revision(revision), change, body, signature })
}

/// Whether what was encoded is read again as what it was: a record that cannot be read would take the store with it.
pub(super) fn reads_back(batches: &[(Bytes, i32)], wrote: &[Signed], producer: Producer) -> bool {
    let records = batches.iter().flat_map(|(bytes, _)| tidegate_wire::record::batches(bytes));
    let records = records.map(|(header, batch)| tidegate_wire::record::records(&header, &batch));
    let Ok(records) = records.collect::<Result<Vec<_>, _>>() else { return false };
    let read = records.iter().flatten().map(|record| read(record, Some(producer)));
    read.eq(wrote.iter().cloned().map(Ok))
}

/// What an operator knows the record by; cut, as anybody may have written it.
fn name(record: &Record) -> String {
    let key = record.key.as_deref().unwrap_or_default();
    String::from_utf8_lossy(key).chars().take(SHOWN).collect()
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The batches of a change, each one Produce; `sequence` is that of the first record.
pub(super) fn batches(
    records: &[Signed],
    producer: Producer,
    sequence: i32,
    now_ms: i64,
) -> Result<Vec<(Bytes, i32)>, KafkaStoreError> {
    let mut batches = Vec::new();
    let mut rest = records;
    let mut first = sequence;
    while !rest.is_empty() {
        let (some, after) = rest.split_at(fitting(rest.iter().map(size)));
        let batch = batch(some.iter().map(said), Some((producer, first)), now_ms)?;
        let count = i32::try_from(some.len()).unwrap_or(i32::MAX);
        batches.push((batch, count));
        first = first.wrapping_add(count);
        rest = after;
    }
    Ok(batches)
}

fn size(signed: &Signed) -> usize {
    signed.body.as_ref().map_or(0, |body| body.text().len()) + signed.key.to_string().len()
}

fn said(signed: &Signed) -> Said {
    let text = |number: &dyn std::fmt::Display| Some(Bytes::from(number.to_string()));
    let mut headers = IndexMap::new();
    headers.insert(StrBytes::from_static_str(REVISION), text(&signed.revision));
    if let Some(body) = &signed.body {
        headers.insert(StrBytes::from_static_str(SCHEMA), text(&body.schema()));
    }
    let bytes = |bytes: &[u8]| Some(Bytes::copy_from_slice(bytes));
    headers.insert(StrBytes::from_static_str(CHANGE), bytes(signed.change.as_bytes()));
    headers.insert(StrBytes::from_static_str(SIGNATURE), bytes(signed.signature.as_bytes()));
    let value = signed.body.as_ref().map(|body| Bytes::copy_from_slice(body.text().as_bytes()));
    Said { key: Bytes::from(signed.key.to_string()), value, headers }
}

#[cfg(test)]
mod tests {
    use tidegate_core::RootKey;
    use tidegate_core::store::{MAX_ID, StoreKeys};
    use tidegate_wire::record;

    use super::*;

    const OURS: Producer = Producer { id: 7, epoch: 3 };

    fn signed(name: &str, body: Option<Body>) -> Signed {
        let keys = StoreKeys::new(&RootKey::from_bytes([1; 32]));
        keys.sign(RecordKey::parse(name).unwrap(), Revision(9), OURS.change_id([5; 6]), body)
    }

    fn read_back(bytes: &Bytes) -> Vec<Record> {
        let (header, batch) = record::batches(bytes).next().unwrap();
        assert!(header.is_transactional());
        assert_eq!((header.producer_id, header.producer_epoch), (7, 3));
        record::records(&header, &batch).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let wrote = [signed("zone/a", Some(Body::new(2, r#"{"a":"é"}"#))), signed("zone/b", None)];
        let written = batches(&wrote, OURS, 4, 0).unwrap();
        let [(bytes, 2)] = &written[..] else { panic!("one batch of two") };
        let read: Vec<_> = read_back(bytes).iter().map(|record| read(record, Some(OURS)).unwrap()).collect();
        assert_eq!(read, wrote);
        assert!(reads_back(&written, &wrote, OURS));
        assert!(!reads_back(&written, &wrote[..1], OURS));
        assert!(!reads_back(&written, &wrote, Producer { id: 8, ..OURS }));
    }

    #[test]
    fn the_longest_key_is_read_whole() {
        let wrote = [signed(&format!("zone/{}", "x".repeat(MAX_ID)), None)];
        let written = batches(&wrote, OURS, 0, 0).unwrap();
        assert!(reads_back(&written, &wrote, OURS));
    }

    #[test]
    fn a_large_change_takes_several_batches() {
        let large = "x".repeat(500 * 1024);
        let wrote: Vec<_> =
            (0..4).map(|n| signed(&format!("zone/{n}"), Some(Body::new(1, &large)))).collect();
        let written = batches(&wrote, OURS, 10, 0).unwrap();
        assert_eq!(written.len(), 4);
        for (place, (bytes, count)) in written.iter().enumerate() {
            assert!(bytes.len() < 1_000_000);
            let (header, _) = record::batches(bytes).next().unwrap();
            assert_eq!((*count, header.base_sequence), (1, 10 + i32::try_from(place).unwrap()));
        }
    }

    #[test]
    fn what_does_not_lie_in_its_own_transaction_is_foreign() {
        let written = batches(&[signed("zone/a", None)], OURS, 0, 0).unwrap();
        let record = &read_back(&written[0].0)[0];
        for producer in [None, Some(Producer { id: 8, epoch: 3 }), Some(Producer { id: 7, epoch: 4 })] {
            let (name, what) = read(record, producer).unwrap_err();
            assert_eq!(name, "zone/a");
            assert!(what.contains("does not lie in the transaction"), "{what}");
        }
    }

    #[test]
    fn whatever_is_not_a_record_of_the_store_is_told() {
        let written = batches(&[signed("zone/a", Some(Body::new(1, "{}")))], OURS, 0, 0).unwrap();
        let good = read_back(&written[0].0).remove(0);
        let without = |name: &str| {
            let mut headers = good.headers.clone();
            headers.retain(|(other, _)| other != name.as_bytes());
            Record { headers, ..good.clone() }
        };
        let others = [
            without(REVISION),
            without(SCHEMA),
            without(CHANGE),
            without(SIGNATURE),
            Record { key: None, ..good.clone() },
            Record { key: Some(Bytes::from_static(b"no key")), ..good.clone() },
            Record { value: Some(Bytes::from_static(b"\xff")), ..good.clone() },
            Record { headers: vec![(Bytes::from_static(b"revision"), None)], ..good.clone() },
        ];
        for other in others {
            read(&other, Some(OURS)).unwrap_err();
        }
    }
}
