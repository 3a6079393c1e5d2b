//! The id of a cluster link.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The id of a cluster link. A link that is deleted and made again under its name is another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(Uuid);

impl LinkId {
    /// An id from its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of that form of it; none for any other text.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self::from_bytes(bytes.try_into().ok()?))
    }

    /// The form of 22 characters that `cluster_link_id` has in REST: base64url without padding.
    #[must_use]
    pub fn to_base64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.as_bytes())
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({self})")
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_two_forms_of_the_rest_interface() {
        let id = LinkId::from_bytes([0xfb; 16]);
        assert_eq!(id.to_string(), "fbfbfbfb-fbfb-fbfb-fbfb-fbfbfbfbfbfb");
        assert_eq!(id.to_base64(), "-_v7-_v7-_v7-_v7-_v7-w");
        assert_eq!(LinkId::from_base64("-_v7-_v7-_v7-_v7-_v7-w"), Some(id));
        for bad in ["", "-_v7", "-_v7-_v7-_v7-_v7-_v7-w==", "-_v7-_v7-_v7-_v7-_v7-_v7"] {
            assert_eq!(LinkId::from_base64(bad), None, "{bad}");
        }
    }
}
