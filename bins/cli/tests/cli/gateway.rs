//! A daemon around the REST: two clusters, of which one can be entered.

use secrecy::SecretString;
use tidegate_admin::{Daemon, Door, ZoneStatus};
use tidegate_core::store::Revision;
use tidegate_core::{BackingTopic, ClusterName, Credential, CredentialId, ZoneSpec};
use tidegate_gateway::logins::{make_credential, make_password};

#[derive(Debug)]
pub(crate) struct Stand;

impl Daemon for Stand {
    fn clusters(&self) -> Vec<ClusterName> {
        ["main", "other"].map(|name| ClusterName::parse(name).unwrap()).to_vec()
    }

    fn owns(&self, _cluster: &ClusterName, topic: &BackingTopic) -> bool {
        topic.as_str() == "tidegate"
    }

    fn status(&self, _zone: &ZoneSpec, _revision: Revision) -> ZoneStatus {
        ZoneStatus::Ready
    }

    fn doors(&self, zone: &ZoneSpec) -> Vec<Door> {
        let door = Door {
            bootstrap: "kafka.example.com:9092".to_owned(),
            security_protocol: "SASL_SSL",
            mechanisms: vec!["SCRAM-SHA-512", "PLAIN"],
        };
        if zone.cluster().as_str() == "main" { vec![door] } else { Vec::new() }
    }

    fn make_password(&self) -> Option<SecretString> {
        make_password()
    }

    fn make_credential(
        &self,
        id: CredentialId,
        password: &SecretString,
        others: &[Credential],
    ) -> Option<Credential> {
        make_credential(id, password, others)
    }
}
