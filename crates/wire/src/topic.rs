//! How a request or response refers to a topic: by name, or by id (KIP-516).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::reader::{ReadError, Reader};

/// A topic as the bytes at hand refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TopicRef<'a> {
    /// By name.
    Name(&'a str),
    /// By topic id.
    Id([u8; 16]),
}

/// A topic as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicKey {
    /// By name.
    Name(Arc<str>),
    /// By topic id.
    Id([u8; 16]),
}

impl<'a> TopicRef<'a> {
    /// Reads a topic id when `by_id`, else a name.
    ///
    /// # Errors
    /// [`ReadError`].
    #[inline]
    pub fn read(reader: &mut Reader<'a>, by_id: bool, flexible: bool) -> Result<Self, ReadError> {
        if by_id { reader.uuid().map(Self::Id) } else { reader.string(flexible).map(Self::Name) }
    }

    /// Bytes that [`TopicKey::write`] makes of it.
    #[must_use]
    pub fn length(self, flexible: bool) -> usize {
        match self {
            Self::Id(id) => id.len(),
            Self::Name(name) => string_length(name, flexible),
        }
    }
}

impl From<TopicRef<'_>> for TopicKey {
    fn from(topic: TopicRef<'_>) -> Self {
        match topic {
            TopicRef::Name(name) => Self::Name(name.into()),
            TopicRef::Id(id) => Self::Id(id),
        }
    }
}

impl TopicKey {
    /// The topic as bytes refer to it.
    #[inline]
    #[must_use]
    pub fn borrowed(&self) -> TopicRef<'_> {
        match self {
            Self::Name(name) => TopicRef::Name(name),
            Self::Id(id) => TopicRef::Id(*id),
        }
    }

    /// Writes the id, or the name with its length.
    #[inline]
    pub fn write(&self, out: &mut BytesMut, flexible: bool) {
        match self {
            Self::Id(id) => out.put_slice(id),
            Self::Name(name) => write_string(out, name, flexible),
        }
    }

    /// Bytes that [`TopicKey::write`] needs at most.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Id(id) => id.len(),
            Self::Name(name) => name.len() + 2,
        }
    }
}

/// Values by topic, looked up by what stands in the bytes at hand without copying it.
///
/// Most requests name one topic, so the first one stands beside the tables and needs none.
#[derive(Debug)]
pub struct TopicMap<V> {
    first: Option<(TopicKey, V)>,
    by_name: HashMap<Arc<str>, V>,
    by_id: HashMap<[u8; 16], V>,
}

impl<V> Default for TopicMap<V> {
    fn default() -> Self {
        Self { first: None, by_name: HashMap::new(), by_id: HashMap::new() }
    }
}

impl<V> TopicMap<V> {
    /// The value of `topic`.
    #[must_use]
    pub fn get(&self, topic: TopicRef<'_>) -> Option<&V> {
        if let Some((first, value)) = &self.first
            && first.borrowed() == topic
        {
            return Some(value);
        }
        match topic {
            TopicRef::Name(name) => self.by_name.get(name),
            TopicRef::Id(id) => self.by_id.get(&id),
        }
    }

    /// Sets the value of `topic`.
    pub fn insert(&mut self, topic: TopicKey, value: V) {
        match &mut self.first {
            None => self.first = Some((topic, value)),
            Some((first, old)) if *first == topic => *old = value,
            Some(_) => match topic {
                TopicKey::Name(name) => _ = self.by_name.insert(name, value),
                TopicKey::Id(id) => _ = self.by_id.insert(id, value),
            },
        }
    }

    /// Every topic and its value.
    pub fn iter(&self) -> impl Iterator<Item = (TopicRef<'_>, &V)> {
        let first = self.first.iter().map(|(topic, value)| (topic.borrowed(), value));
        let by_name = self.by_name.iter().map(|(name, value)| (TopicRef::Name(name), value));
        first.chain(by_name).chain(self.by_id.iter().map(|(id, value)| (TopicRef::Id(*id), value)))
    }

    /// Every value.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let first = self.first.iter().map(|(_, value)| value);
        first.chain(self.by_name.values()).chain(self.by_id.values())
    }

    /// Every value, to change it.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let first = self.first.iter_mut().map(|(_, value)| value);
        first.chain(self.by_name.values_mut()).chain(self.by_id.values_mut())
    }
}

/// Writes a STRING, or a COMPACT_STRING when `flexible`.
///
/// A string that Kafka could not hold is written empty; names here are at most 249 bytes, hosts 255.
#[inline]
pub fn write_string(out: &mut BytesMut, text: &str, flexible: bool) {
    if flexible {
        write_count(out, text.len(), true);
        out.put_slice(text.as_bytes());
    } else {
        let text = if i16::try_from(text.len()).is_ok() { text } else { "" };
        out.put_i16(i16::try_from(text.len()).unwrap_or(0));
        out.put_slice(text.as_bytes());
    }
}

/// Bytes that [`write_string`] needs.
#[must_use]
pub fn string_length(text: &str, flexible: bool) -> usize {
    match (flexible, i16::try_from(text.len())) {
        (true, _) => varint_length(text.len() + 1) + text.len(),
        (false, Ok(_)) => 2 + text.len(),
        (false, Err(_)) => 2,
    }
}

/// Bytes of an UNSIGNED_VARINT; each has seven bits.
fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes the count of an ARRAY or the length of BYTES, in the compact form when `flexible`.
#[inline]
pub fn write_count(out: &mut BytesMut, count: usize, flexible: bool) {
    if flexible {
        write_unsigned_varint(out, u32::try_from(count + 1).unwrap_or(u32::MAX));
    } else {
        out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
    }
}

/// Writes an UNSIGNED_VARINT.
#[inline]
pub fn write_unsigned_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_name_is_what_is_written() {
        for flexible in [false, true] {
            for length in [0, 1, 126, 127, 128, 249, 16_382, 16_383, 32_767, 32_768] {
                let name = TopicKey::Name("n".repeat(length).into());
                let mut out = BytesMut::new();
                name.write(&mut out, flexible);
                assert_eq!(name.borrowed().length(flexible), out.len(), "{length}, {flexible}");
            }
        }
    }

    #[test]
    fn every_topic_of_a_map_is_told_with_its_value() {
        let mut map = TopicMap::default();
        let keys = [TopicKey::Name("a".into()), TopicKey::Name("b".into()), TopicKey::Id([1; 16])];
        keys.iter().zip(1..).for_each(|(key, value)| map.insert(key.clone(), value));
        let mut told: Vec<_> = map.iter().map(|(topic, value)| (*value, TopicKey::from(topic))).collect();
        told.sort_by_key(|(value, _)| *value);
        assert_eq!(told, [1, 2, 3].into_iter().zip(keys).collect::<Vec<_>>());
    }
}
