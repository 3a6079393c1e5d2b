//! What only the daemon knows that serves this REST: which clusters it has, what it enforces, and where partners connect.

use std::fmt;

use secrecy::SecretString;
use serde::Serialize;
use tidegate_core::store::Revision;
use tidegate_core::{BackingTopic, ClusterName, Credential, CredentialId, ZoneSpec};
use utoipa::ToSchema;

/// The daemon around this REST.
pub trait Daemon: fmt::Debug + Send + Sync {
    /// The clusters that a zone may name.
    fn clusters(&self) -> Vec<ClusterName>;

    /// Whether a topic is the daemon's own: what it keeps its records in is nobody's to share.
    fn owns(&self, cluster: &ClusterName, topic: &BackingTopic) -> bool;

    /// Where a zone stands whose record is of that revision.
    fn status(&self, zone: &ZoneSpec, revision: Revision) -> ZoneStatus;

    /// Where the partner of a zone connects; the one to tell first comes first.
    fn doors(&self, zone: &ZoneSpec) -> Vec<Door>;

    /// A random password. `None` when the machine has no randomness.
    fn make_password(&self) -> Option<SecretString>;

    /// A credential of this password, for an account that has `others`. `None` when the machine has no randomness.
    fn make_credential(
        &self,
        id: CredentialId,
        password: &SecretString,
        others: &[Credential],
    ) -> Option<Credential>;
}

/// Where a zone stands. One that is deleted is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ZoneStatus {
    /// Something is still to be done before its partner can use it.
    Pending,
    /// All of it is served.
    Ready,
    /// Something in it cannot be served; the rest is.
    Failed,
}

/// Where partners connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Host and port that clients are given.
    pub bootstrap: String,
    /// As Kafka clients name it: `SSL`, `SASL_SSL` or `SASL_PLAINTEXT`.
    pub security_protocol: &'static str,
    /// As Kafka clients name them, the strongest first.
    pub mechanisms: Vec<&'static str>,
}
