//! What tests of several calls need.

use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::{Bytes, BytesMut};
use uuid::Uuid;

use super::place::{Topic, TopicPartition};

/// A partition of a topic whose id is made of its name.
pub(crate) fn at(topic: &str, partition: i32) -> TopicPartition {
    let mut id = [1; 16];
    id.iter_mut().zip(topic.bytes()).for_each(|(place, byte)| *place = byte);
    TopicPartition::new(Topic::new(topic, Uuid::from_bytes(id)), partition)
}

/// A message as it comes off the wire: written, checked by the guard, read.
pub(super) fn travelled<M>(message: &M, version: i16) -> M
where
    M: Guarded + kafka_protocol::protocol::Encodable + kafka_protocol::protocol::Decodable,
{
    let mut bytes = BytesMut::new();
    codec::encode(message, version, &mut bytes).unwrap();
    codec::decode(version, &Bytes::from(bytes)).unwrap()
}
