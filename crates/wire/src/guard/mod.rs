//! The bounded walk over a body before the codec crate may see it.
//!
//! The crate believes the peer: it sizes a `Vec` by the count on the wire, so that a Metadata request of
//! four bytes asks for 154 GB and ends the process; it ignores the declared size of a tag that it knows;
//! it keeps tags that it does not know and leaves trailing bytes lying. The guard reads the same bytes
//! first, by tables generated from Kafka's message definitions, and refuses what does not add up:
//!
//! - an array's count is at most what the rest of the input can hold, and within [`Limits`];
//! - every string is UTF-8 and null stands only where the version knows null;
//! - a tag section is short and strictly ascending, and a known tag's value fills its declared size;
//! - nothing follows the message.
//!
//! So no length from the wire sizes an allocation, and no two parsers read the same bytes in two ways.
//! An API or version without a table is refused. The check allocates nothing.

mod error;
mod limits;
pub mod schema;
mod sink;
mod tables;
mod walk;

use std::fmt;

pub use error::{Fault, GuardError};
pub use limits::Limits;
pub use tables::{KEYS, schema};

use crate::api::ApiKey;
use schema::{ApiSchema, Field};
use sink::Sink;
use walk::Walker;

/// Which way a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to a broker.
    Request,
    /// From a broker to a client.
    Response,
}

/// A body that adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Whether it holds tags that the schema does not know; [`strip_unknown_tags`] drops them.
    pub unknown_tags: bool,
}

/// Checks the body of a request under [`Limits::REQUEST`].
///
/// # Errors
/// [`GuardError`] for the first thing that does not add up.
pub fn check_request(key: ApiKey, version: i16, body: &[u8]) -> Result<Checked, GuardError> {
    check(Direction::Request, key, version, body, Limits::REQUEST)
}

/// Checks the body of a response under [`Limits::RESPONSE`].
///
/// # Errors
/// [`GuardError`] for the first thing that does not add up.
pub fn check_response(key: ApiKey, version: i16, body: &[u8]) -> Result<Checked, GuardError> {
    check(Direction::Response, key, version, body, Limits::RESPONSE)
}

/// Checks a body under limits of the caller's choice.
///
/// # Errors
/// [`GuardError`] for the first thing that does not add up.
pub fn check(
    direction: Direction,
    key: ApiKey,
    version: i16,
    body: &[u8],
    limits: Limits,
) -> Result<Checked, GuardError> {
    walk(direction, key, version, body, limits, ()).map(|((), checked)| checked)
}

/// Checks a body under the direction's limits and copies it without the tags that the schema does not
/// know; the sizes of kept tags around a dropped one are written anew.
///
/// # Errors
/// [`GuardError`] for the first thing that does not add up.
pub fn strip_unknown_tags(
    direction: Direction,
    key: ApiKey,
    version: i16,
    body: &[u8],
) -> Result<Vec<u8>, GuardError> {
    let copy = Vec::with_capacity(body.len());
    walk(direction, key, version, body, direction.limits(), copy).map(|(copy, _)| copy)
}

fn walk<S: Sink>(
    direction: Direction,
    key: ApiKey,
    version: i16,
    body: &[u8],
    limits: Limits,
    sink: S,
) -> Result<(S, Checked), GuardError> {
    let refuse = |at, field, fault| GuardError { api: key, direction, version, at, field, fault };
    let api = schema(key).ok_or_else(|| refuse(0, "", Fault::UnknownApi))?;
    if !api.versions.contains(version) {
        return Err(refuse(0, "", Fault::UnknownVersion(api.versions)));
    }
    let mut walker = Walker::new(body, version, api.is_flexible(version), limits, sink);
    match walker.body(direction.fields(api)) {
        Ok(()) => Ok((walker.sink, Checked { unknown_tags: walker.unknown_tags })),
        Err(misfit) => Err(refuse(misfit.at, walker.field, misfit.fault)),
    }
}

impl Direction {
    /// The limits for bodies that travel this way.
    #[must_use]
    pub const fn limits(self) -> Limits {
        match self {
            Self::Request => Limits::REQUEST,
            Self::Response => Limits::RESPONSE,
        }
    }

    /// The fields of the body that travels this way.
    #[must_use]
    pub const fn fields(self, api: &ApiSchema) -> &'static [Field] {
        match self {
            Self::Request => api.request,
            Self::Response => api.response,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api;

    #[test]
    fn the_four_byte_metadata_body_is_refused() {
        let refused = check_request(ApiKey::Metadata, 1, &[0x7f, 0xff, 0xff, 0xff]).unwrap_err();
        assert_eq!((refused.at, refused.field), (0, "Topics"));
        assert_eq!(refused.fault, Fault::CountBeyondInput(0x7fff_ffff));
        assert_eq!(
            refused.to_string(),
            "Metadata request v1 refused at byte 0 of the body, field \"Topics\": \
             count 2147483647 is more than the input can hold"
        );
    }

    #[test]
    fn an_api_or_version_without_a_table_is_refused() {
        let unknown = check_request(ApiKey::Vote, 0, &[]).unwrap_err();
        assert_eq!(unknown.fault, Fault::UnknownApi);
        let unstable = check_request(ApiKey::OffsetCommit, 10, &[]).unwrap_err();
        assert!(matches!(unstable.fault, Fault::UnknownVersion(_)));
        assert!(check_request(ApiKey::Metadata, -1, &[]).is_err());
    }

    #[test]
    fn tables_and_header_rules_agree_on_flexible_versions() {
        for key in KEYS {
            let table = schema(key).unwrap();
            for version in table.versions.iter() {
                assert_eq!(table.is_flexible(version), api::is_flexible(key, version), "{key:?} v{version}");
            }
        }
    }

    #[test]
    fn unknown_tags_are_reported_and_dropped_from_nested_structs() {
        // FindCoordinator v3: key "g", type 0, tag 7 of two bytes.
        let body = [2, b'g', 0, 1, 7, 2, 0xaa, 0xbb];
        assert!(check_request(ApiKey::FindCoordinator, 3, &body).unwrap().unknown_tags);
        let kept = strip_unknown_tags(Direction::Request, ApiKey::FindCoordinator, 3, &body).unwrap();
        assert_eq!(kept, [2, b'g', 0, 0]);
    }

    #[test]
    fn a_kept_tag_around_a_dropped_one_gets_its_new_size() {
        // ApiVersions v3 answer: no error, no keys, throttle 0, then tag 0 (supported features): one
        // feature "f" 1-2 which carries tag 9 of one byte.
        let feature = [2, b'f', 0, 1, 0, 2, 1, 9, 1, 0xaa];
        let mut body = vec![0, 0, 1, 0, 0, 0, 0, 1, 0, 11, 2];
        body.extend_from_slice(&feature);
        assert!(check_response(ApiKey::ApiVersions, 3, &body).unwrap().unknown_tags);
        let kept = strip_unknown_tags(Direction::Response, ApiKey::ApiVersions, 3, &body).unwrap();
        assert_eq!(kept, [0, 0, 1, 0, 0, 0, 0, 1, 0, 8, 2, 2, b'f', 0, 1, 0, 2, 0]);
    }
}
