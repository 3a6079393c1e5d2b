//! What a partner may do with a topic of its zone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a partner may do with a topic. WRITE includes READ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Permission {
    /// Fetch, look up offsets, commit.
    Read,
    /// All of READ, and produce.
    Write,
}

impl Permission {
    /// Takes the word of a manifest, which is upper-case.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "READ" => Some(Self::Read),
            "WRITE" => Some(Self::Write),
            _ => None,
        }
    }

    /// The word of a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
        }
    }

    /// True if producing is allowed.
    pub fn can_write(self) -> bool {
        self == Self::Write
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_exact() {
        for permission in [Permission::Read, Permission::Write] {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        }
        for bad in ["read", "", "READ ", "READWRITE"] {
            assert_eq!(Permission::parse(bad), None, "{bad:?}");
        }
        assert!(Permission::Write.can_write());
        assert!(!Permission::Read.can_write());
    }
}
