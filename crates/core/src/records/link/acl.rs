//! ACLs as a record has them.

use crate::acl::{AclBinding, AclOperation, AclPattern, AclPermission, AclResource};

/// A list and not an object: a link may have made thousands, and all of them have to fit into one record. Its first
/// places are what it is about.
pub(super) type AclBody = (AclResource, AclPattern, String, String, String, AclOperation, AclPermission);

pub(super) fn body(acl: &AclBinding) -> AclBody {
    let AclBinding { resource, pattern, name, principal, host, operation, permission } = acl.clone();
    (resource, pattern, name, principal, host, operation, permission)
}

pub(super) fn binding(body: AclBody) -> AclBinding {
    let (resource, pattern, name, principal, host, operation, permission) = body;
    AclBinding { resource, pattern, name, principal, host, operation, permission }
}
