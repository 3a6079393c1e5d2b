//! `reload`: when files are read again by themselves.

use std::time::Duration;

use tidegate_core::document::Place;

use super::DEFAULT_WATCH_MS;
use super::model::ReloadConfig;

/// Reads `reload`; what is absent has its default.
pub(super) fn read(place: Option<Place<'_>>) -> ReloadConfig {
    let watch = place.and_then(|place| place.fields()).and_then(|mut fields| {
        let watch = fields.optional("watchMs").and_then(|place| millis(&place));
        fields.finish();
        watch
    });
    let watch = watch.unwrap_or(DEFAULT_WATCH_MS);
    ReloadConfig { watch: (watch > 0).then(|| Duration::from_millis(watch)) }
}

fn millis(place: &Place<'_>) -> Option<u64> {
    let number = place.whole_number()?;
    if number != 0 && !(MIN_WATCH_MS..=MAX_WATCH_MS).contains(&number) {
        place.fail(format_args!(
            "{number} is out of range; write {MIN_WATCH_MS} to {MAX_WATCH_MS}, or 0 to read again on SIGHUP alone"
        ));
    }
    Some(number)
}

/// More often would only find files half written more often.
const MIN_WATCH_MS: u64 = 100;
/// An hour: whoever wants it later wants SIGHUP.
const MAX_WATCH_MS: u64 = 3_600_000;
