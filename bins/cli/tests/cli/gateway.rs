//! A daemon around the REST: two clusters, of which one can be entered.

use base64::Engine;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use tidegate_admin::{Daemon, Door, ZoneStatus};
use tidegate_core::account::{ScramMechanism, ScramVerifier};
use tidegate_core::store::Revision;
use tidegate_core::{BackingTopic, ClusterName, Credential, CredentialId, ZoneSpec};
use tidegate_wire::sasl::{ScramCredential, ScramHash};

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
        let mut bytes = [0_u8; 24];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(SecretString::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn make_credential(
        &self,
        id: CredentialId,
        password: &SecretString,
        others: &[Credential],
    ) -> Option<Credential> {
        let mut fresh = [0; 16];
        SystemRandom::new().fill(&mut fresh).ok()?;
        let verifier = |hash, mechanism: ScramMechanism| {
            let shared = others.first().map(|other| other.verifier(mechanism).salt());
            let salt = shared.unwrap_or(&fresh);
            let scram = ScramCredential::derive(hash, password, salt, 4_096).ok()?;
            let (stored, server) = (scram.stored_key().expose_secret(), scram.server_key().expose_secret());
            ScramVerifier::new(mechanism, salt.to_vec(), 4_096, stored.to_vec(), server.to_vec()).ok()
        };
        let sha_256 = verifier(ScramHash::Sha256, ScramMechanism::Sha256)?;
        let sha_512 = verifier(ScramHash::Sha512, ScramMechanism::Sha512)?;
        Credential::new(id, None, sha_256, sha_512).ok()
    }
}
