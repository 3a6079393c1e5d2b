//! DescribeCluster (60): answered from the picture of the cluster, never forwarded; what Metadata says of it.

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::{Rule, answer};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct DescribeCluster;

/// First version that says what to describe, brokers or controllers (KIP-919).
const ENDPOINT_TYPE_SINCE: i16 = 1;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

const MISMATCHED_ENDPOINT_TYPE: ErrorCode = ErrorCode(114);
const UNSUPPORTED_ENDPOINT_TYPE: ErrorCode = ErrorCode(115);

/// "Not asked for" in the authorized-operations field (KIP-430).
const OPERATIONS_UNKNOWN: i32 = i32::MIN;

impl Rule for DescribeCluster {
    fn key(&self) -> ApiKey {
        ApiKey::DescribeCluster
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 2)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        // Fenced brokers (KIP-1073) are never shown: no client can do anything with them.
        let asked: DescribeClusterRequest = codec::decode(request.version, &request.body)?;
        if let Some((error, text)) = refusal(request.version, asked.endpoint_type) {
            let response = DescribeClusterResponse::default()
                .with_error_code(error.0)
                .with_error_message(Some(StrBytes::from_static_str(text)));
            return answer(request, &response);
        }
        let brokers = brokers(context);
        let operations = if asked.include_cluster_authorized_operations { 0 } else { OPERATIONS_UNKNOWN };
        let response = DescribeClusterResponse::default()
            .with_cluster_id(StrBytes::from_string(context.zone.cluster_id().to_owned()))
            .with_controller_id(controller(context.cluster.controller, &brokers))
            .with_brokers(brokers)
            .with_cluster_authorized_operations(operations);
        answer(request, &response)
    }
}

fn refusal(version: i16, endpoint_type: i8) -> Option<(ErrorCode, &'static str)> {
    match endpoint_type {
        BROKERS => None,
        _ if version < ENDPOINT_TYPE_SINCE => Some((ErrorCode::INVALID_REQUEST, "the request is not valid")),
        CONTROLLERS => Some((MISMATCHED_ENDPOINT_TYPE, "these are brokers, not controllers")),
        _ => Some((UNSUPPORTED_ENDPOINT_TYPE, "the endpoint type is unknown")),
    }
}

/// The live brokers that are advertised, without racks.
fn brokers(context: &RequestContext<'_>) -> Vec<DescribeClusterBroker> {
    let broker = |node: &i32| {
        let (host, port) = context.addresses.of(*node)?;
        let broker = DescribeClusterBroker::default()
            .with_broker_id(BrokerId(*node))
            .with_host(StrBytes::from_string(host.to_owned()))
            .with_port(i32::from(port));
        Some(broker)
    };
    context.cluster.nodes.iter().filter_map(broker).collect()
}

/// The controller if it is shown, else any broker that is: clients only send it what is refused anyway.
fn controller(controller: Option<i32>, shown: &[DescribeClusterBroker]) -> BrokerId {
    let is_controller = |broker: &&DescribeClusterBroker| Some(broker.broker_id.0) == controller;
    let any = shown.iter().find(is_controller).or_else(|| shown.first());
    any.map_or(BrokerId(-1), |broker| broker.broker_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    const FENCED_SINCE: i16 = 2;

    fn ask(version: i16, endpoint_type: i8, operations: bool) -> DescribeClusterResponse {
        let asked = DescribeClusterRequest::default()
            .with_endpoint_type(endpoint_type)
            .with_include_cluster_authorized_operations(operations)
            .with_include_fenced_brokers(version >= FENCED_SINCE);
        Bench::new().answer(&DescribeCluster, version, &asked)
    }

    #[test]
    fn advertised_brokers_are_shown_at_their_advertised_address_at_every_version() {
        for version in DescribeCluster.versions().iter() {
            let response = ask(version, BROKERS, false);
            let brokers: Vec<_> = response
                .brokers
                .iter()
                .map(|b| (b.broker_id.0, b.host.as_str(), b.port, b.rack.as_deref(), b.is_fenced))
                .collect();
            assert_eq!(
                brokers,
                [(1, "gateway.example", 19101, None, false), (2, "gateway.example", 19102, None, false)]
            );
            assert_eq!(response.cluster_id.as_str(), Bench::new().zone.cluster_id());
            assert_eq!((response.error_code, response.controller_id.0), (0, 1), "the real one is not shown");
            assert_eq!(response.cluster_authorized_operations, i32::MIN);
            assert_eq!(ask(version, BROKERS, true).cluster_authorized_operations, 0);
        }
    }

    #[test]
    fn other_endpoint_types_get_an_error_and_nothing_of_the_cluster() {
        for version in ENDPOINT_TYPE_SINCE..=2 {
            for (endpoint_type, error) in [(CONTROLLERS, 114), (0, 115), (9, 115), (-1, 115)] {
                let response = ask(version, endpoint_type, true);
                assert_eq!(response.error_code, error);
                assert_eq!((response.cluster_id.as_str(), response.brokers.len()), ("", 0));
            }
        }
        assert_eq!(refusal(0, CONTROLLERS).map(|(error, _)| error), Some(ErrorCode::INVALID_REQUEST));
    }

    #[test]
    fn the_controller_is_told_if_it_is_shown() {
        let shown = [4, 7].map(|id| DescribeClusterBroker::default().with_broker_id(BrokerId(id)));
        for (real, told) in [(Some(7), 7), (Some(9), 4), (None, 4)] {
            assert_eq!(controller(real, &shown), BrokerId(told));
        }
        assert_eq!(controller(Some(7), &[]), BrokerId(-1));
    }
}
