//! The claims that decide (RFC 7519 section 4.1), each read strictly: one of another type is never as good as absent.

use serde_json::{Map, Value};

use super::TokenError;
use crate::records::Moment;

/// Whether the token is for one of `wanted`; `aud` is a text or a list of texts.
pub(super) fn is_for(claims: &Map<String, Value>, wanted: &[String]) -> bool {
    let is_wanted = |audience: &Value| audience.as_str().is_some_and(|text| wanted.iter().any(|w| w == text));
    match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(is_wanted),
        Some(audience) => is_wanted(audience),
        None => false,
    }
}

/// When the token ends.
pub(super) fn expiry(claims: &Map<String, Value>) -> Result<Moment, TokenError> {
    date(claims, "exp")?.ok_or(TokenError::NoExpiry)
}

/// From when on it is good, if it says so.
pub(super) fn not_before(claims: &Map<String, Value>) -> Result<Option<Moment>, TokenError> {
    date(claims, "nbf")
}

/// A NumericDate: seconds since 1970, perhaps with a fraction, which is cut off.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<Moment>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a number far below 2^63"
    )]
    let whole = seconds.map(|seconds| seconds as u64);
    match whole {
        Some(seconds) => Ok(Some(Moment::default().plus_seconds(seconds))),
        None => Err(TokenError::Malformed("a date in it is no number of seconds")),
    }
}

/// The end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;
