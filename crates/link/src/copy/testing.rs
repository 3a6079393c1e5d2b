//! What the tests of this module share.

use tidegate_wire::filler::Kind;

use super::Job;

pub(super) const DAY_MS: i64 = 86_400_000;
pub(super) const NOW: i64 = 1_700_000_000_000;

pub(super) fn job() -> Job {
    Job {
        producer_id: 1 << 62,
        marker_id: (1 << 62) + 1,
        marker_epoch: Some(7),
        fillers: Kind::Plain,
        compacted: false,
        producer_expiration_ms: DAY_MS,
        limits: super::CopyLimits::default(),
    }
}
