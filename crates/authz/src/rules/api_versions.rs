//! ApiVersions (18): announces the rules, cut to what every broker of the cluster serves.
//!
//! It is answered before login and before any upstream connection. KIP-511: an unknown version gets a
//! version 0 body that says which versions of ApiVersions itself are known.

mod features;

use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::Outgoing;
use tidegate_wire::header::Request;

use crate::cluster::ClusterView;
use crate::outcome::RuleError;
use crate::rules::Exchange;
use crate::table::RuleTable;

/// Versions served.
pub const VERSIONS: Versions = Versions::new(0, 4);

/// First version that carries the client's software name.
const SOFTWARE_NAME_SINCE: i16 = 3;

/// The answer to a request at any version, and whether it was a refusal.
///
/// # Errors
/// [`RuleError`] when the body of a known version is malformed.
pub fn respond(
    table: &RuleTable,
    cluster: &ClusterView,
    request: &Request,
) -> Result<(Outgoing, ErrorCode), RuleError> {
    if !VERSIONS.contains(request.version) {
        return refuse(
            request,
            0,
            ErrorCode::UNSUPPORTED_VERSION,
            vec![shown(ApiKey::ApiVersions, VERSIONS)],
        );
    }
    let asked: ApiVersionsRequest = codec::decode(request.version, &request.body)?;
    if request.version >= SOFTWARE_NAME_SINCE
        && !(is_software_name(&asked.client_software_name)
            && is_software_name(&asked.client_software_version))
    {
        return refuse(request, request.version, ErrorCode::INVALID_REQUEST, Vec::new());
    }
    let announced = table.announced(cluster);
    let mut response = ApiVersionsResponse::default();
    features::show(&mut response, request.version, &announced, &cluster.features);
    response.api_keys = announced.into_iter().map(|(key, versions)| shown(key, versions)).collect();
    Ok((Exchange::of(request).encode(&response)?, ErrorCode::NONE))
}

fn refuse(
    request: &Request,
    version: i16,
    error: ErrorCode,
    keys: Vec<ApiVersion>,
) -> Result<(Outgoing, ErrorCode), RuleError> {
    let response = ApiVersionsResponse::default().with_error_code(error.0).with_api_keys(keys);
    let exchange = Exchange { version, correlation_id: request.correlation_id };
    Ok((exchange.encode(&response)?, error))
}

fn shown(key: ApiKey, versions: Versions) -> ApiVersion {
    ApiVersion::default()
        .with_api_key(key as i16)
        .with_min_version(versions.min)
        .with_max_version(versions.max)
}

/// KIP-511: letters, digits, dots and dashes, beginning and ending with a letter or digit.
fn is_software_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    name.bytes().all(is_inner) && ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;
    use tidegate_wire::header;

    use super::*;
    use crate::testing::{self, request_of};

    fn ask(version: i16, software: &'static str) -> (ApiVersionsResponse, ErrorCode) {
        let mut message = ApiVersionsRequest::default();
        if version >= SOFTWARE_NAME_SINCE {
            message.client_software_name = StrBytes::from_static_str(software);
            message.client_software_version = StrBytes::from_static_str("4.1.1");
        }
        let request = request_of(version, &message);
        let (frame, error) = respond(&RuleTable::default(), &testing::cluster(), &request).unwrap();
        let frame = frame.joined();
        let (correlation_id, at) = header::parse_response(&frame, ApiKey::ApiVersions, version).unwrap();
        assert_eq!(correlation_id, request.correlation_id);
        (codec::decode(version, &frame.slice(at..)).unwrap(), error)
    }

    #[test]
    fn what_is_announced_is_what_is_served_at_every_version() {
        for version in VERSIONS.iter() {
            let (response, error) = ask(version, "apache-kafka-java");
            assert_eq!(error, ErrorCode::NONE);
            let table = RuleTable::default();
            for shown in &response.api_keys {
                let key = ApiKey::try_from(shown.api_key).unwrap();
                assert!(table.serves(key, shown.max_version), "{key:?} {}", shown.max_version);
            }
            // ApiVersions and the two of the login are no rules.
            assert_eq!(response.api_keys.len(), table.keys().count() + 3);
            let finalized = response.finalized_features.iter().map(|feature| feature.name.as_str());
            let expected: &[_] = if version >= 3 { &["group.version", "transaction.version"] } else { &[] };
            assert_eq!(finalized.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn produce_is_shown_from_zero_so_that_old_librdkafka_keeps_its_compression() {
        let (response, _) = ask(0, "");
        let produce = response.api_keys.iter().find(|shown| shown.api_key == 0).unwrap();
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
        assert!(!RuleTable::default().serves(ApiKey::Produce, 2));
    }

    #[test]
    fn an_unknown_version_gets_a_version_zero_body_with_its_own_range() {
        let request = Request { version: 9, ..request_of(0, &ApiVersionsRequest::default()) };
        let (frame, error) = respond(&RuleTable::default(), &testing::cluster(), &request).unwrap();
        assert_eq!(error, ErrorCode::UNSUPPORTED_VERSION);
        let frame = frame.joined();
        let response: ApiVersionsResponse = codec::decode(0, &frame.slice(8..)).unwrap();
        let keys: Vec<_> =
            response.api_keys.iter().map(|k| (k.api_key, k.min_version, k.max_version)).collect();
        assert_eq!((response.error_code, keys), (35, vec![(18, 0, 4)]));
    }

    #[test]
    fn a_software_name_that_could_forge_a_log_line_is_refused() {
        for name in ["", "-x", "x-", "a b", "a\nb"] {
            assert_eq!(ask(3, name).1, ErrorCode::INVALID_REQUEST, "{name:?}");
        }
    }

    #[test]
    fn the_ranges_are_cut_to_the_cluster() {
        let mut cluster = testing::cluster();
        cluster.versions.insert(ApiKey::Fetch, Versions::new(4, 15));
        cluster.versions.remove(&ApiKey::OffsetForLeaderEpoch);
        let announced = RuleTable::default().announced(&cluster);
        assert!(announced.contains(&(ApiKey::Fetch, Versions::new(4, 15))));
        assert!(!announced.iter().any(|(key, _)| *key == ApiKey::OffsetForLeaderEpoch));
    }
}
