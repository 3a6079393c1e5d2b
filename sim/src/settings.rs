//! What a broker is configured to do, with the defaults of Kafka.

/// A release whose answers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 4.1
    V4_1,
    /// 3.9
    V3_9,
}

impl Version {
    /// Every release, newest first.
    pub const ALL: [Self; 2] = [Self::V4_1, Self::V3_9];
}

/// The settings of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Its release.
    pub version: Version,
    /// `producer.id.expiration.ms`: how long after the greatest timestamp of its last batch a producer is forgotten.
    pub producer_expiration_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_check_ms: i64,
    /// `log.flush.start.offset.checkpoint.interval.ms`: until then a start that was moved is lost by a kill.
    pub start_checkpoint_ms: i64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: i64,
}

impl Settings {
    /// The defaults of a release.
    #[must_use]
    pub const fn of(version: Version) -> Self {
        Self {
            version,
            producer_expiration_ms: DAY_MS,
            producer_check_ms: 10 * MINUTE_MS,
            start_checkpoint_ms: MINUTE_MS,
            retention_check_ms: 5 * MINUTE_MS,
        }
    }
}

pub(crate) const MINUTE_MS: i64 = 60 * 1_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
