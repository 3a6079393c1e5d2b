//! What a topic is configured to do, under the names that Kafka gives it.

use tidegate_wire::error_code::ErrorCode;

use crate::codes::INVALID_CONFIG;
use crate::settings::{DAY_MS, HOUR_MS, Version};

/// The configuration of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicConfig {
    /// `cleanup.policy`
    pub cleanup: Cleanup,
    /// `retention.ms`; -1 is for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; -1 is any number.
    pub retention_bytes: i64,
    /// `segment.ms`: how far apart in time the first and the last batch of a segment may be; whole segments are deleted.
    pub segment_ms: i64,
    /// `message.timestamp.type`
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`
    pub timestamp_after_max_ms: i64,
    /// `max.message.bytes`: of a batch as it is sent, compressed or not.
    pub max_message_bytes: i64,
}

/// What becomes of old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// They are deleted.
    Delete,
    /// The last one of each key stays.
    Compact,
    /// Both.
    CompactAndDelete,
}

impl Cleanup {
    /// Whether records need keys.
    #[must_use]
    pub const fn compacts(self) -> bool {
        matches!(self, Self::Compact | Self::CompactAndDelete)
    }

    /// Whether records may be deleted because they are old.
    #[must_use]
    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::CompactAndDelete)
    }
}

/// Whose clock timestamps are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// That of the producer.
    CreateTime,
    /// That of the broker.
    LogAppendTime,
}

impl TopicConfig {
    /// The defaults of a release.
    #[must_use]
    pub const fn of(version: Version) -> Self {
        Self {
            cleanup: Cleanup::Delete,
            retention_ms: 7 * DAY_MS,
            retention_bytes: -1,
            segment_ms: 7 * DAY_MS,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            // KIP-1030.
            timestamp_after_max_ms: match version {
                Version::V4_1 => HOUR_MS,
                Version::V3_9 => i64::MAX,
            },
            max_message_bytes: 1_048_588,
        }
    }

    /// Sets what has this name.
    pub fn set(&mut self, name: &str, value: &str) -> ErrorCode {
        match self.try_set(name, value) {
            Some(()) => ErrorCode::NONE,
            None => INVALID_CONFIG,
        }
    }

    fn try_set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "cleanup.policy" => self.cleanup = cleanup(value)?,
            "retention.ms" => self.retention_ms = value.parse().ok()?,
            "retention.bytes" => self.retention_bytes = value.parse().ok()?,
            "segment.ms" => self.segment_ms = value.parse().ok()?,
            "message.timestamp.type" => self.timestamp_type = timestamp_type(value)?,
            "message.timestamp.before.max.ms" => self.timestamp_before_max_ms = value.parse().ok()?,
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = value.parse().ok()?,
            "max.message.bytes" => self.max_message_bytes = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

fn cleanup(value: &str) -> Option<Cleanup> {
    match value {
        "delete" => Some(Cleanup::Delete),
        "compact" => Some(Cleanup::Compact),
        "compact,delete" | "delete,compact" => Some(Cleanup::CompactAndDelete),
        _ => None,
    }
}

fn timestamp_type(value: &str) -> Option<TimestampType> {
    match value {
        "CreateTime" => Some(TimestampType::CreateTime),
        "LogAppendTime" => Some(TimestampType::LogAppendTime),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kafka() {
        let mut config = TopicConfig::of(Version::V3_9);
        assert_eq!(config.timestamp_after_max_ms, i64::MAX);
        for (name, value) in [
            ("cleanup.policy", "compact,delete"),
            ("retention.ms", "-1"),
            ("message.timestamp.type", "LogAppendTime"),
            ("max.message.bytes", "17"),
        ] {
            assert_eq!(config.set(name, value), ErrorCode::NONE, "{name}");
        }
        assert!(config.cleanup.compacts() && config.cleanup.deletes());
        assert_eq!((config.retention_ms, config.max_message_bytes), (-1, 17));
        assert_eq!(config.set("segment.bytes", "1"), INVALID_CONFIG);
        assert_eq!(config.set("retention.ms", "long"), INVALID_CONFIG);
    }
}
