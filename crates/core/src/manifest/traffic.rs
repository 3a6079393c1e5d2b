//! `spec.trafficControlPolicies`.

use std::num::NonZeroU64;

use crate::document::{Fields, Place};
use crate::zone::TrafficPolicies;

/// Absent and 0 both mean no limit, as the vendor's Terraform provider has it.
pub(super) fn read(place: Option<Place<'_>>) -> TrafficPolicies {
    let Some(mut fields) = place.and_then(|place| place.fields()) else { return TrafficPolicies::default() };
    let policies = TrafficPolicies {
        max_produce_rate: rate(&mut fields, "maxProduceRate"),
        max_consume_rate: rate(&mut fields, "maxConsumeRate"),
        limit_commit_offset: rate(&mut fields, "limitCommitOffset"),
    };
    fields.finish();
    policies
}

fn rate(fields: &mut Fields<'_>, key: &'static str) -> Option<NonZeroU64> {
    let place = fields.optional(key)?;
    let number = place.whole_number()?;
    // The API carries a signed 64-bit number; a larger one could not be shown again.
    if i64::try_from(number).is_err() {
        place.fail(format_args!("{number} is out of range; write at most {}", i64::MAX));
        return None;
    }
    NonZeroU64::new(number)
}
