//! How long what is made now shall be good.

use tidegate_core::document::Fields;
use tidegate_core::records::Moment;

/// Longest life that may be asked for in days; whoever wants more asks for none.
const MAX_DAYS: u64 = 3_650;

const SECONDS_A_DAY: u64 = 24 * 3_600;

/// The days that are asked for; none is for ever.
pub(crate) fn in_days(fields: &mut Fields<'_>) -> Option<u64> {
    let place = fields.optional("expiresInDays")?;
    let days = place.whole_number()?;
    if !(1..=MAX_DAYS).contains(&days) {
        place.fail(format_args!("{days} is out of range; write 1 to {MAX_DAYS}, or leave it out"));
    }
    Some(days)
}

/// The end of something that is made at that moment.
pub(crate) fn end(made: Moment, days: Option<u64>) -> Option<Moment> {
    days.map(|days| made.plus_seconds(days.saturating_mul(SECONDS_A_DAY)))
}
