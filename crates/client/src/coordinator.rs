//! Which broker coordinates a group.

use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use crate::error::AskError;
use crate::{Connection, Endpoint};

const KEY: ApiKey = ApiKey::FindCoordinator;
const OURS: Versions = Versions::new(0, 6);

/// From this version on many keys are asked for at once (KIP-699).
const FIRST_BATCHED: i16 = 4;

const GROUP: i8 = 0;

/// The broker that coordinates a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinator {
    /// Its node id.
    pub id: i32,
    /// Where it listens.
    pub endpoint: Endpoint,
}

/// Finds the coordinator of a group, by its full name in the cluster.
///
/// # Errors
/// [`AskError`]; while the coordinator moves it is retriable.
pub async fn find_group(connection: &mut Connection, group: &str) -> Result<Coordinator, AskError> {
    let version = connection.versions().version_for(KEY, OURS);
    let version = version.ok_or(AskError::Unsupported { api: KEY, ours: OURS })?;
    let answer = connection.call(version, &request(version, group)).await?;
    let coordinator = if version >= FIRST_BATCHED { batched(answer, group) } else { Ok(single(answer)) };
    let Found { code, id, host, port } = coordinator?;
    if !code.is_none() {
        return Err(AskError::Refused { api: KEY, code });
    }
    let port = u16::try_from(port).map_err(|_| malformed("the coordinator's port is out of range"))?;
    Ok(Coordinator { id, endpoint: Endpoint::new(host.to_string(), port) })
}

fn request(version: i16, group: &str) -> FindCoordinatorRequest {
    let group = StrBytes::from_string(group.to_owned());
    let request = FindCoordinatorRequest::default();
    match version {
        FIRST_BATCHED.. => request.with_key_type(GROUP).with_coordinator_keys(vec![group]),
        _ => request.with_key_type(GROUP).with_key(group),
    }
}

struct Found {
    code: ErrorCode,
    id: i32,
    host: StrBytes,
    port: i32,
}

fn single(answer: FindCoordinatorResponse) -> Found {
    let code = ErrorCode(answer.error_code);
    Found { code, id: answer.node_id.0, host: answer.host, port: answer.port }
}

fn batched(answer: FindCoordinatorResponse, group: &str) -> Result<Found, AskError> {
    let ours = answer.coordinators.into_iter().find(|coordinator| coordinator.key.as_str() == group);
    let ours = ours.ok_or(malformed("the answer does not hold the group asked for"))?;
    Ok(Found { code: ErrorCode(ours.error_code), id: ours.node_id.0, host: ours.host, port: ours.port })
}

fn malformed(what: &'static str) -> AskError {
    AskError::Malformed { api: KEY, what }
}
