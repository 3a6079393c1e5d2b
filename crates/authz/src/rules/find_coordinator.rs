//! FindCoordinator (10): which node serves a group or a transactional id.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::{Rule, answer, forward};
use crate::addresses::AddressMap;
use crate::context::RequestContext;
use crate::groups::Prefix;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct FindCoordinator;

/// First version that asks for several keys at once (KIP-699).
const BATCH_SINCE: i16 = 4;
/// First version that knows share-state keys (KIP-932).
const SHARE_SINCE: i16 = 6;

const KEY_GROUP: i8 = 0;
const KEY_TRANSACTION: i8 = 1;
const KEY_SHARE: i8 = 2;

impl Rule for FindCoordinator {
    fn key(&self) -> ApiKey {
        ApiKey::FindCoordinator
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 6)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: FindCoordinatorRequest = codec::decode(request.version, &request.body)?;
        let batch = request.version >= BATCH_SINCE;
        let keys = if batch { std::mem::take(&mut asked.coordinator_keys) } else { vec![asked.key.clone()] };
        let mapped: Vec<Mapped> = keys
            .into_iter()
            .map(|key| Mapped {
                upstream: map(context.zone.prefix(), asked.key_type, request.version, &key),
                key,
            })
            .collect();
        for key in &mapped {
            if let Err(error) = key.upstream {
                context.refused(error, &key.key);
            }
        }
        let upstream: Vec<StrBytes> = mapped.iter().filter_map(|key| key.upstream.clone().ok()).collect();
        if upstream.is_empty() {
            return answer(request, &shape(mapped.iter().map(Mapped::refusal).collect(), batch, 0));
        }
        if batch {
            asked.coordinator_keys = upstream;
        } else {
            asked.key = upstream.into_iter().next().unwrap_or_default();
        }
        forward(context, request, &asked, move |response: FindCoordinatorResponse, context| {
            let throttle = response.throttle_time_ms;
            let found = found(response, batch);
            let coordinators = mapped.iter().map(|key| key.shown(&found, batch, context.addresses)).collect();
            shape(coordinators, batch, throttle)
        })
    }
}

/// A key as the partner wrote it and as the cluster knows it.
struct Mapped {
    key: StrBytes,
    upstream: Result<StrBytes, ErrorCode>,
}

fn map(prefix: &Prefix, key_type: i8, version: i16, key: &str) -> Result<StrBytes, ErrorCode> {
    match key_type {
        KEY_GROUP => prefix.group(key).map(StrBytes::from_string),
        KEY_TRANSACTION => prefix.transactional_id(key).map(StrBytes::from_string),
        // Only brokers look for these.
        KEY_SHARE if version >= SHARE_SINCE => Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        _ => Err(ErrorCode::INVALID_REQUEST),
    }
}

impl Mapped {
    fn refusal(&self) -> Coordinator {
        let error = self.upstream.as_ref().err().copied().unwrap_or(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        nowhere(&self.key, error)
    }

    fn shown(&self, found: &[Coordinator], batch: bool, addresses: &AddressMap) -> Coordinator {
        let Ok(upstream) = &self.upstream else { return self.refusal() };
        let Some(found) = found.iter().find(|found| !batch || found.key == *upstream) else {
            return self.refusal();
        };
        if found.error_code != ErrorCode::NONE.0 {
            return nowhere(&self.key, ErrorCode(found.error_code));
        }
        match addresses.of(found.node_id.0) {
            None => nowhere(&self.key, ErrorCode::COORDINATOR_NOT_AVAILABLE),
            Some((host, port)) => Coordinator::default()
                .with_key(self.key.clone())
                .with_node_id(found.node_id)
                .with_host(StrBytes::from_string(host.to_owned()))
                .with_port(i32::from(port))
                .with_error_message(None),
        }
    }
}

/// An answer for one key without a node and without the broker's text.
fn nowhere(key: &StrBytes, error: ErrorCode) -> Coordinator {
    Coordinator::default()
        .with_key(key.clone())
        .with_error_code(error.0)
        .with_node_id(BrokerId(-1))
        .with_port(-1)
        .with_error_message(None)
}

/// The upstream's answer in the form of version 4, whatever its version.
fn found(response: FindCoordinatorResponse, batch: bool) -> Vec<Coordinator> {
    if batch {
        return response.coordinators;
    }
    vec![Coordinator::default().with_node_id(response.node_id).with_error_code(response.error_code)]
}

fn shape(mut coordinators: Vec<Coordinator>, batch: bool, throttle: i32) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default().with_throttle_time_ms(throttle);
    if batch {
        return response.with_coordinators(coordinators);
    }
    let only = coordinators.pop().unwrap_or_default();
    response
        .with_error_code(only.error_code)
        .with_error_message(None)
        .with_node_id(only.node_id)
        .with_host(only.host)
        .with_port(only.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Bench};

    fn asked(version: i16, key_type: i8, keys: &[&'static str]) -> FindCoordinatorRequest {
        let keys: Vec<_> = keys.iter().map(|key| StrBytes::from_static_str(key)).collect();
        let mut asked = FindCoordinatorRequest::default();
        if version >= 1 {
            asked.key_type = key_type;
        }
        if version >= BATCH_SINCE {
            asked.with_coordinator_keys(keys)
        } else {
            asked.with_key(keys[0].clone())
        }
    }

    /// A broker that finds everything on `node` and tells its real address.
    fn broker(version: i16, node: i32) -> impl FnMut(&FindCoordinatorRequest) -> FindCoordinatorResponse {
        move |request| {
            let host = StrBytes::from_static_str("upstream-1");
            if version < BATCH_SINCE {
                return FindCoordinatorResponse::default()
                    .with_node_id(BrokerId(node))
                    .with_host(host)
                    .with_port(9092);
            }
            let found = |key: &StrBytes| {
                let found = Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(node));
                found.with_host(host.clone()).with_port(9092).with_error_message(Some(host.clone()))
            };
            FindCoordinatorResponse::default()
                .with_coordinators(request.coordinator_keys.iter().map(found).collect())
        }
    }

    fn shown(version: i16, response: &FindCoordinatorResponse) -> Vec<(i16, i32, String, i32)> {
        if version < BATCH_SINCE {
            return vec![(response.error_code, response.node_id.0, response.host.to_string(), response.port)];
        }
        let all = response.coordinators.iter();
        all.map(|c| (c.error_code, c.node_id.0, c.host.to_string(), c.port)).collect()
    }

    #[test]
    fn groups_and_transactional_ids_are_prefixed_and_nodes_get_their_advertised_address() {
        for version in FindCoordinator.versions().iter() {
            for key_type in if version == 0 { 0..=0 } else { 0..=1 } {
                let (sent, got) = Bench::new().exchange(
                    &FindCoordinator,
                    version,
                    &asked(version, key_type, &["x"]),
                    broker(version, 2),
                );
                let prefix = testing::prefix("partner");
                let expected =
                    if key_type == 0 { prefix.group("x") } else { prefix.transactional_id("x") }.unwrap();
                let key = if version >= BATCH_SINCE { &sent[0].coordinator_keys[0] } else { &sent[0].key };
                assert_eq!(key.as_str(), expected);
                assert_eq!(shown(version, &got), [(0, 2, "gateway.example".to_owned(), 19102)]);
                if version >= BATCH_SINCE {
                    assert_eq!(
                        (got.coordinators[0].key.as_str(), &got.coordinators[0].error_message),
                        ("x", &None)
                    );
                }
            }
        }
    }

    #[test]
    fn a_coordinator_without_an_advertised_address_is_not_available() {
        for version in FindCoordinator.versions().iter() {
            let (_, got) = Bench::new().exchange(
                &FindCoordinator,
                version,
                &asked(version, 0, &["x"]),
                broker(version, 3),
            );
            assert_eq!(shown(version, &got), [(15, -1, String::new(), -1)]);
        }
    }

    #[test]
    fn keys_that_only_brokers_ask_for_and_empty_ones_are_refused_here() {
        for version in FindCoordinator.versions().iter() {
            for (key_type, key, error) in
                [(0, "", 24), (1, "", 42), (2, "g:1:0", if version >= 6 { 31 } else { 42 }), (9, "x", 42)]
            {
                if version == 0 && key_type != 0 {
                    continue;
                }
                let got: FindCoordinatorResponse =
                    Bench::new().answer(&FindCoordinator, version, &asked(version, key_type, &[key]));
                assert_eq!(
                    shown(version, &got),
                    [(error, -1, String::new(), -1)],
                    "v{version} type {key_type}"
                );
            }
        }
    }

    #[test]
    fn refused_keys_keep_their_place_among_found_ones() {
        let (sent, got) =
            Bench::new().exchange(&FindCoordinator, 4, &asked(4, 0, &["a", "", "b"]), broker(4, 1));
        assert_eq!(sent[0].coordinator_keys.len(), 2);
        let keys: Vec<_> = got.coordinators.iter().map(|c| (c.key.as_str(), c.error_code)).collect();
        assert_eq!(keys, [("a", 0), ("", 24), ("b", 0)]);
    }
}
