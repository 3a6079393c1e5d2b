//! Kafka API keys, version ranges and header versions.

use std::fmt;

pub use kafka_protocol::messages::ApiKey;

/// An inclusive range of versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl Versions {
    /// `min..=max`.
    #[must_use]
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether `version` lies inside.
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// The versions that both ranges hold; `None` when there are none.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self { min: self.min.max(other.min), max: self.max.min(other.max) };
        (both.min <= both.max).then_some(both)
    }

    /// Every version from `min` to `max`.
    pub fn iter(self) -> impl Iterator<Item = i16> {
        self.min..=self.max
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

/// Whether this version uses compact lengths and tag sections (KIP-482) in its body.
#[must_use]
pub fn is_flexible(key: ApiKey, version: i16) -> bool {
    // The response header of ApiVersions is never flexible (KIP-511), so ask the request header.
    key.request_header_version(version) >= 2
}

/// Whether the response header carries a tag section.
#[must_use]
pub fn response_header_is_flexible(key: ApiKey, version: i16) -> bool {
    key.response_header_version(version) >= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_versions_answer_has_the_old_header_at_every_version() {
        for version in 0..=4 {
            assert!(!response_header_is_flexible(ApiKey::ApiVersions, version));
        }
        assert!(is_flexible(ApiKey::ApiVersions, 3));
        assert!(!is_flexible(ApiKey::SaslHandshake, 1));
    }

    #[test]
    fn ranges_intersect_or_are_disjoint() {
        assert_eq!(Versions::new(0, 5).intersect(Versions::new(3, 9)), Some(Versions::new(3, 5)));
        assert_eq!(Versions::new(0, 2).intersect(Versions::new(3, 9)), None);
    }
}
