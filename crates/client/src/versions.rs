//! Which APIs, versions and features a broker speaks.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::Connection;
use crate::error::{AskError, CallError};

const KEY: ApiKey = ApiKey::ApiVersions;
const NEWEST: i16 = 4;
const SOFTWARE_NAME: &str = "tidegate";

/// What a broker announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiVersions {
    // By number, for a broker may know keys that this side does not.
    ranges: BTreeMap<i16, Versions>,
    supported_features: BTreeMap<String, Versions>,
    finalized_features: BTreeMap<String, i16>,
    features_epoch: Option<i64>,
}

impl ApiVersions {
    /// The broker's range of an API.
    #[must_use]
    pub fn range(&self, key: ApiKey) -> Option<Versions> {
        self.ranges.get(&(key as i16)).copied()
    }

    /// The highest version of an API that both the broker and `ours` hold.
    #[must_use]
    pub fn version_for(&self, key: ApiKey, ours: Versions) -> Option<i16> {
        self.range(key)?.intersect(ours).map(|both| both.max)
    }

    /// Every range by the number of its key.
    pub fn ranges(&self) -> impl Iterator<Item = (i16, Versions)> {
        self.ranges.iter().map(|(key, versions)| (*key, *versions))
    }

    /// Every feature with the levels that the broker's software supports.
    pub fn supported_features(&self) -> impl Iterator<Item = (&str, Versions)> {
        self.supported_features.iter().map(|(name, levels)| (name.as_str(), *levels))
    }

    /// The finalized level of a feature, such as `transaction.version`.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<i16> {
        self.finalized_features.get(name).copied()
    }

    /// Every finalized feature with its level.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.finalized_features.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// Whether both brokers tell the same finalized features; the epoch grows all the time and says nothing.
    #[must_use]
    pub fn agrees_on_features(&self, other: &Self) -> bool {
        self.finalized_features == other.finalized_features
    }

    /// The epoch of the finalized features; `None` when the broker has none.
    #[must_use]
    pub fn features_epoch(&self) -> Option<i64> {
        self.features_epoch
    }

    fn of(response: &ApiVersionsResponse) -> Self {
        let range = |api: &kafka_protocol::messages::api_versions_response::ApiVersion| {
            (api.api_key, Versions::new(api.min_version, api.max_version))
        };
        let supported = response.supported_features.iter();
        let features = response.finalized_features.iter();
        Self {
            ranges: response.api_keys.iter().map(range).collect(),
            supported_features: supported
                .map(|feature| {
                    (feature.name.to_string(), Versions::new(feature.min_version, feature.max_version))
                })
                .collect(),
            finalized_features: features
                .map(|feature| (feature.name.to_string(), feature.max_version_level))
                .collect(),
            features_epoch: (response.finalized_features_epoch >= 0)
                .then_some(response.finalized_features_epoch),
        }
    }
}

/// Asks a broker for its versions.
///
/// A broker that does not know the version asked for answers error 35 with a body of version 0, which may
/// hold its own range (KIP-511); then it is asked once more within that range.
pub(crate) async fn ask(connection: &mut Connection) -> Result<ApiVersions, AskError> {
    let response = match ask_at(connection, NEWEST).await? {
        Answer::Versions(response) => response,
        Answer::Unsupported(range) => match ask_at(connection, fallback(range)).await? {
            Answer::Versions(response) => response,
            Answer::Unsupported(_) => {
                return Err(AskError::Unsupported { api: KEY, ours: Versions::new(0, NEWEST) });
            }
        },
    };
    match ErrorCode(response.error_code) {
        ErrorCode::NONE => Ok(ApiVersions::of(&response)),
        code => Err(AskError::Refused { api: KEY, code }),
    }
}

enum Answer {
    Versions(ApiVersionsResponse),
    Unsupported(Option<Versions>),
}

async fn ask_at(connection: &mut Connection, version: i16) -> Result<Answer, CallError> {
    let limit = connection.request_timeout();
    let body = connection.exchange(limit, version, &request()).await?;
    if error_code(&body) != Some(ErrorCode::UNSUPPORTED_VERSION) {
        return connection.decode(version, KEY, &body).map(Answer::Versions);
    }
    let refusal: ApiVersionsResponse = connection.decode(0, KEY, &body)?;
    Ok(Answer::Unsupported(ApiVersions::of(&refusal).range(KEY)))
}

/// The error code, which leads the body at every version.
fn error_code(body: &Bytes) -> Option<ErrorCode> {
    body.first_chunk().map(|code| ErrorCode(i16::from_be_bytes(*code)))
}

/// The version to ask for after a refusal.
fn fallback(broker: Option<Versions>) -> i16 {
    broker.and_then(|range| range.intersect(Versions::new(0, NEWEST))).map_or(0, |both| both.max)
}

/// Versions below 3 leave the software's name out, and the codec crate does not mind.
fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str(SOFTWARE_NAME))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_taken() {
        let ranges = BTreeMap::from([(ApiKey::Metadata as i16, Versions::new(0, 12))]);
        let versions = ApiVersions { ranges, ..ApiVersions::default() };
        assert_eq!(versions.version_for(ApiKey::Metadata, Versions::new(4, 13)), Some(12));
        assert_eq!(versions.version_for(ApiKey::Metadata, Versions::new(13, 13)), None);
        assert_eq!(versions.version_for(ApiKey::Fetch, Versions::new(4, 17)), None);
    }

    #[test]
    fn a_refusal_without_a_usable_range_falls_back_to_zero() {
        assert_eq!(fallback(None), 0);
        assert_eq!(fallback(Some(Versions::new(0, 3))), 3);
        assert_eq!(fallback(Some(Versions::new(7, 9))), 0);
    }
}
