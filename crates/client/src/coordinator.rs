//! Which broker coordinates a group or a transactional id.

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
const TRANSACTION: i8 = 1;

/// The first version that knows transactional ids (KIP-98).
const TRANSACTIONS: Versions = Versions::new(1, 6);

/// The broker that coordinates.
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
    find(connection, OURS, GROUP, group).await
}

/// Finds the coordinator of a transactional id, by its full name in the cluster.
///
/// # Errors
/// [`AskError`]; while the coordinator moves it is retriable.
pub async fn find_transactional(connection: &mut Connection, id: &str) -> Result<Coordinator, AskError> {
    find(connection, TRANSACTIONS, TRANSACTION, id).await
}

async fn find(
    connection: &mut Connection,
    ours: Versions,
    kind: i8,
    key: &str,
) -> Result<Coordinator, AskError> {
    let version = connection.versions().version_for(KEY, ours);
    let version = version.ok_or(AskError::Unsupported { api: KEY, ours })?;
    let answer = connection.call(version, &request(version, kind, key)).await?;
    let coordinator = if version >= FIRST_BATCHED { batched(answer, key) } else { Ok(single(answer)) };
    let Found { code, id, host, port } = coordinator?;
    if !code.is_none() {
        return Err(AskError::Refused { api: KEY, code });
    }
    let port = u16::try_from(port).map_err(|_| malformed("the coordinator's port is out of range"))?;
    Ok(Coordinator { id, endpoint: Endpoint::new(host.to_string(), port) })
}

fn request(version: i16, kind: i8, key: &str) -> FindCoordinatorRequest {
    let key = StrBytes::from_string(key.to_owned());
    let request = FindCoordinatorRequest::default().with_key_type(kind);
    match version {
        FIRST_BATCHED.. => request.with_coordinator_keys(vec![key]),
        _ => request.with_key(key),
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

fn batched(answer: FindCoordinatorResponse, key: &str) -> Result<Found, AskError> {
    let ours = answer.coordinators.into_iter().find(|coordinator| coordinator.key.as_str() == key);
    let ours = ours.ok_or(malformed("the answer does not hold what was asked for"))?;
    Ok(Found { code: ErrorCode(ours.error_code), id: ours.node_id.0, host: ours.host, port: ours.port })
}

fn malformed(what: &'static str) -> AskError {
    AskError::Malformed { api: KEY, what }
}
