//! What is asked of the cluster and done there, with the gateway's own user.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest,
};
use kafka_protocol::protocol::StrBytes;
use ring::pbkdf2;
use secrecy::ExposeSecret;
use tidegate_client::{CallError, ConnectError, Connection};
use tidegate_core::{RootKey, ZoneId, ZoneName};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::sasl::{PasswordMechanism, ScramHash};

use super::acl::{Acl, Effect, Kind, Operation, Pattern};
use super::plan::Plan;
use crate::upstream::{Access, ZoneLogins};

/// ACLs in one request; each is some hundred bytes.
const BATCH: usize = 500;

/// Kafka's least: the password has 256 bits, which no guessing reaches.
const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4_095);

/// Why users or ACLs are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrincipalError {
    #[error("no bootstrap server is configured")]
    NoBootstrap,
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the brokers do not serve {0:?}")]
    Unsupported(ApiKey),
    #[error(
        "the gateway's user may not {0}: grant it {1} on the cluster, or let somebody else do this (`acls: leave`, `passwords: {{folder: PATH}}`)"
    )]
    Right(&'static str, &'static str),
    #[error("the brokers have no authorizer: set one, or write `acls: leave`")]
    NoAuthorizer,
    #[error("the brokers refuse to {what}: {code}")]
    Refused { what: &'static str, code: ErrorCode },
}

/// Connects as the gateway itself to the first broker that answers.
pub(super) async fn connect(access: &Access) -> Result<Connection, PrincipalError> {
    let mut last = PrincipalError::NoBootstrap;
    for endpoint in &access.bootstrap {
        match tidegate_client::connect(endpoint, &access.options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// Makes the SCRAM credentials of zones that are not `made`, and deletes those of zones that are gone.
pub(super) async fn credentials(
    connection: &mut Connection,
    logins: &ZoneLogins,
    root_key: &RootKey,
    made: &BTreeMap<ZoneName, ZoneId>,
    zones: &BTreeMap<ZoneName, ZoneId>,
) -> Result<(), PrincipalError> {
    let Some((mechanism, algorithm, length)) = scram(logins.mechanism) else { return Ok(()) };
    let user = |zone: &ZoneName| text(&logins.config.username.user(zone));
    let upsertion = |(zone, id): (&ZoneName, &ZoneId)| {
        let (password, salt) = (root_key.upstream_password(id), root_key.upstream_salt(id));
        let mut salted = vec![0; length];
        pbkdf2::derive(algorithm, ITERATIONS, &salt, password.expose_secret().as_bytes(), &mut salted);
        ScramCredentialUpsertion::default()
            .with_name(user(zone))
            .with_mechanism(mechanism)
            .with_iterations(ITERATIONS.get().try_into().unwrap_or(i32::MAX))
            .with_salt(Bytes::copy_from_slice(&salt))
            .with_salted_password(Bytes::from(salted))
    };
    let deletion =
        |zone: &ZoneName| ScramCredentialDeletion::default().with_name(user(zone)).with_mechanism(mechanism);
    let new: Vec<_> = zones.iter().filter(|(zone, _)| !made.contains_key(*zone)).map(upsertion).collect();
    let gone: Vec<_> = made.keys().filter(|zone| !zones.contains_key(*zone)).map(deletion).collect();
    if new.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(new).with_deletions(gone);
    let version = version(connection, ApiKey::AlterUserScramCredentials, Versions::new(0, 0))?;
    let answer = connection.call(version, &request).await?;
    for result in &answer.results {
        match ErrorCode(result.error_code) {
            // One that is gone already is gone.
            ErrorCode::RESOURCE_NOT_FOUND => {}
            code => check(code, "make SCRAM users", "ALTER")?,
        }
    }
    Ok(())
}

/// Every ACL that exists.
pub(super) async fn existing(connection: &mut Connection) -> Result<Vec<Acl>, PrincipalError> {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(Kind::ANY.0)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(Pattern::ANY.0)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(Operation::ANY.0)
        .with_permission_type(Effect::ANY.0);
    let version = version(connection, ApiKey::DescribeAcls, ACL_VERSIONS)?;
    let answer = connection.call(version, &request).await?;
    check(ErrorCode(answer.error_code), "list ACLs", "DESCRIBE and ALTER")?;
    let acls = answer.resources.iter().flat_map(|resource| {
        resource.acls.iter().map(|acl| Acl {
            principal: acl.principal.to_string(),
            kind: Kind(resource.resource_type),
            pattern: Pattern(resource.pattern_type),
            name: resource.resource_name.to_string(),
            operation: Operation(acl.operation),
            permission: Effect(acl.permission_type),
            host: acl.host.to_string(),
        })
    });
    Ok(acls.collect())
}

/// Does what the plan says: what is missing first, so that nobody loses in between what both versions allow.
pub(super) async fn apply(connection: &mut Connection, plan: &Plan) -> Result<(), PrincipalError> {
    for acls in plan.create.chunks(BATCH) {
        let creations = acls.iter().map(creation).collect();
        let version = version(connection, ApiKey::CreateAcls, ACL_VERSIONS)?;
        let answer =
            connection.call(version, &CreateAclsRequest::default().with_creations(creations)).await?;
        for result in &answer.results {
            check(ErrorCode(result.error_code), "create ACLs", "ALTER")?;
        }
    }
    for acls in plan.delete.chunks(BATCH) {
        let filters = acls.iter().map(filter).collect();
        let version = version(connection, ApiKey::DeleteAcls, ACL_VERSIONS)?;
        let answer = connection.call(version, &DeleteAclsRequest::default().with_filters(filters)).await?;
        for result in &answer.filter_results {
            check(ErrorCode(result.error_code), "delete ACLs", "ALTER")?;
        }
    }
    Ok(())
}

fn creation(acl: &Acl) -> AclCreation {
    AclCreation::default()
        .with_resource_type(acl.kind.0)
        .with_resource_name(text(&acl.name))
        .with_resource_pattern_type(acl.pattern.0)
        .with_principal(text(&acl.principal))
        .with_host(text(&acl.host))
        .with_operation(acl.operation.0)
        .with_permission_type(acl.permission.0)
}

/// A filter that this ACL alone passes.
fn filter(acl: &Acl) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(acl.kind.0)
        .with_resource_name_filter(Some(text(&acl.name)))
        .with_pattern_type_filter(acl.pattern.0)
        .with_principal_filter(Some(text(&acl.principal)))
        .with_host_filter(Some(text(&acl.host)))
        .with_operation(acl.operation.0)
        .with_permission_type(acl.permission.0)
}

fn check(code: ErrorCode, what: &'static str, right: &'static str) -> Result<(), PrincipalError> {
    match code {
        ErrorCode::NONE => Ok(()),
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => Err(PrincipalError::Right(what, right)),
        ErrorCode::SECURITY_DISABLED => Err(PrincipalError::NoAuthorizer),
        code => Err(PrincipalError::Refused { what, code }),
    }
}

fn version(connection: &Connection, key: ApiKey, ours: Versions) -> Result<i16, PrincipalError> {
    connection.versions().version_for(key, ours).ok_or(PrincipalError::Unsupported(key))
}

/// Kafka's number of a mechanism, its hash, and how long its salted passwords are.
fn scram(mechanism: PasswordMechanism) -> Option<(i8, pbkdf2::Algorithm, usize)> {
    match mechanism {
        PasswordMechanism::Plain => None,
        PasswordMechanism::Scram(ScramHash::Sha256) => Some((1, pbkdf2::PBKDF2_HMAC_SHA256, 32)),
        PasswordMechanism::Scram(ScramHash::Sha512) => Some((2, pbkdf2::PBKDF2_HMAC_SHA512, 64)),
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

const ACL_VERSIONS: Versions = Versions::new(1, 3);
