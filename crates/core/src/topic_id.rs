//! The id of a topic that a link copies.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The id that the source cluster gave to a topic: one that is deleted and made again under its name has another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceTopicId([u8; 16]);

impl SourceTopicId {
    /// An id as it came over the wire; `None` for zero, by which a broker says that it has none.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// The 16 bytes, as they go over the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for SourceTopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceTopicId({self})")
    }
}

impl fmt::Display for SourceTopicId {
    /// The form that Kafka's tools print: base64url without padding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_id() {
        assert_eq!(SourceTopicId::from_bytes([0; 16]), None);
        assert_eq!(SourceTopicId::from_bytes([1; 16]).unwrap().to_string(), "AQEBAQEBAQEBAQEBAQEBAQ");
    }
}
