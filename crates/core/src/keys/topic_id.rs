//! The topic id that a partner sees.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The topic id that a partner sees instead of the real one; different for each zone and alias.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualTopicId([u8; 16]);

impl VirtualTopicId {
    /// An id as it came over the wire. It means something only if it is found in a zone's table.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, as they go over the wire.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// True if Kafka itself could have given out this id: not one of its two reserved ones, and not one that a
    /// command line would take for an option.
    pub(super) fn is_usable(&self) -> bool {
        u128::from_be_bytes(self.0) > 1 && !self.to_string().starts_with('-')
    }
}

impl fmt::Debug for VirtualTopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualTopicId({self})")
    }
}

impl fmt::Display for VirtualTopicId {
    /// The form that Kafka's tools print: base64url without padding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_option_like_ids_are_not_usable() {
        let mut id = [0; 16];
        assert!(!VirtualTopicId::from_bytes(id).is_usable());
        id[15] = 1;
        assert!(!VirtualTopicId::from_bytes(id).is_usable());
        id[15] = 2;
        assert!(VirtualTopicId::from_bytes(id).is_usable());
        for first in 0..=255 {
            id[0] = first;
            assert_eq!(VirtualTopicId::from_bytes(id).is_usable(), first >> 2 != 62, "first byte {first}");
        }
    }
}
