//! A cluster link as it is kept, with its passwords and keys sealed.

mod acl;

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown, sealed};
use crate::acl::AclBinding;
use crate::link_id::LinkId;
use crate::names::{ClusterId, LinkConfigName, LinkName};
use crate::store::{Body, Kind, Record, Sealer, escaped};

/// A cluster link and what it left behind at its own cluster. Its record's id is its name.
#[derive(Debug, Clone)]
pub struct LinkRecord {
    /// Its name.
    pub name: LinkName,
    /// What its mirrors and leases are bound to: one that is made again under the name finds nothing of this one.
    pub id: LinkId,
    /// Which way it goes.
    pub mode: LinkMode,
    /// The clusters that it joins, as far as they were named.
    pub clusters: LinkClusters,
    /// What was said of it; what was not has its default.
    pub configs: BTreeMap<LinkConfigName, LinkConfig>,
    /// Whether somebody told it to wait.
    pub is_paused: bool,
    /// The ACLs that it made, and may take away again; those that others made are none of its business.
    pub acls: BTreeSet<AclBinding>,
    /// When it was made.
    pub created: Moment,
    /// When it was changed last.
    pub updated: Moment,
    /// Fields of a later version.
    pub unknown: Unknown,
}

/// Which way a link goes, seen from the cluster that it was made at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LinkMode {
    /// Topics come to it.
    Destination,
    /// Topics go from it.
    Source,
    /// Both.
    Bidirectional,
}

/// The ids of the clusters that a link joins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClusters {
    /// Where topics come from.
    #[serde(default, rename = "source_cluster", skip_serializing_if = "Option::is_none")]
    pub source: Option<ClusterId>,
    /// Where they go.
    #[serde(default, rename = "destination_cluster", skip_serializing_if = "Option::is_none")]
    pub destination: Option<ClusterId>,
    /// The other one, of a link that goes both ways.
    #[serde(default, rename = "remote_cluster", skip_serializing_if = "Option::is_none")]
    pub remote: Option<ClusterId>,
}

/// The value of a config.
#[derive(Debug, Clone)]
pub enum LinkConfig {
    /// Anybody who sees the link may see it.
    Open(String),
    /// A password, a key, or a text with one in it.
    Secret(SecretString),
}

impl LinkRecord {
    /// The id of the cluster at the other end, if it was named.
    #[must_use]
    pub fn peer(&self) -> Option<&ClusterId> {
        match self.mode {
            LinkMode::Destination => self.clusters.source.as_ref(),
            LinkMode::Source => self.clusters.destination.as_ref(),
            LinkMode::Bidirectional => self.clusters.remote.as_ref(),
        }
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct LinkBody {
    id: Uuid,
    mode: LinkMode,
    #[serde(flatten)]
    clusters: LinkClusters,
    /// A list, where no secret can stand: so a value that looks sealed is not taken for one when the key is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    configs: Vec<ConfigBody>,
    /// By name, since what is sealed stands under names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<LinkConfigName, String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    acls: Vec<acl::AclBody>,
    created: Moment,
    updated: Moment,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct ConfigBody {
    name: LinkConfigName,
    value: String,
}

impl Recorded for LinkRecord {
    const KIND: Kind = Kind::LINK;

    fn id(&self) -> String {
        self.name.to_string()
    }

    fn to_body(&self, sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let key = self.key()?;
        let (mut configs, mut secrets) = (Vec::new(), BTreeMap::new());
        for (name, config) in &self.configs {
            let name = name.clone();
            match config {
                LinkConfig::Open(value) => configs.push(ConfigBody { name, value: value.clone() }),
                LinkConfig::Secret(value) => {
                    let sealed = sealed::seal(&key, &pointer(&name), value, sealing)?;
                    secrets.insert(name, sealed);
                }
            }
        }
        let body = LinkBody {
            id: Uuid::from_bytes(*self.id.as_bytes()),
            mode: self.mode,
            clusters: self.clusters.clone(),
            configs,
            secrets,
            paused: self.is_paused,
            acls: self.acls.iter().map(acl::body).collect(),
            created: self.created,
            updated: self.updated,
            unknown: self.unknown.clone(),
        };
        json::write(&key, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, sealer: &Sealer) -> Result<Self, RecordError> {
        let body: LinkBody = json::read(record, &MIGRATIONS)?;
        let mut configs = BTreeMap::new();
        for (name, text) in body.secrets {
            let secret = sealed::open(record, &pointer(&name), &text, sealer)?;
            configs.insert(name, LinkConfig::Secret(secret));
        }
        for ConfigBody { name, value } in body.configs {
            // A secret that stood there in the open as well would be shown.
            if configs.contains_key(&name) {
                return Err(RecordError::malformed(record, format!("config `{name}` stands there twice")));
            }
            configs.insert(name, LinkConfig::Open(value));
        }
        Ok(Self {
            name: LinkName::parse(record.key.id()).map_err(|error| RecordError::malformed(record, error))?,
            id: LinkId::from_bytes(body.id.into_bytes()),
            mode: body.mode,
            clusters: body.clusters,
            configs,
            is_paused: body.paused,
            acls: body.acls.into_iter().map(acl::binding).collect(),
            created: body.created,
            updated: body.updated,
            unknown: body.unknown,
        })
    }
}

/// Where a secret config stands.
fn pointer(name: &LinkConfigName) -> String {
    format!("/secrets/{}", escaped(name.as_str()))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::acl::{AclOperation, AclPattern, AclPermission, AclResource};
    use crate::records::testing::{
        keeps_later_fields, kept, read, saying, sealer, sealing_key, without_nonces,
    };
    use crate::store::{MAX_BODY_BYTES, SealError};

    const SECRETS: [(&str, &str); 2] =
        [("sasl.jaas.config", "a \"password\" of the link"), ("ssl.keystore.key", "-----BEGIN a key")];

    fn acl(name: &str) -> AclBinding {
        AclBinding {
            resource: AclResource::TransactionalId,
            pattern: AclPattern::Prefixed,
            name: name.to_owned(),
            principal: "User:CN=Acme, Inc".to_owned(),
            host: "*".to_owned(),
            operation: AclOperation::DescribeConfigs,
            permission: AclPermission::Deny,
        }
    }

    fn link() -> LinkRecord {
        let name = |text| LinkConfigName::parse(text).unwrap();
        let open =
            [("acl.sync.ms", "5000"), ("bootstrap.servers", "a:9092"), ("looks", "sealed:v1:00000000:AA")];
        let open = open.map(|(key, value)| (name(key), LinkConfig::Open(value.to_owned())));
        let secret = SECRETS.map(|(key, value)| (name(key), LinkConfig::Secret(SecretString::from(value))));
        LinkRecord {
            name: LinkName::parse("dc1-to-dc2").unwrap(),
            id: LinkId::from_bytes([7; 16]),
            mode: LinkMode::Destination,
            clusters: LinkClusters {
                source: Some(ClusterId::parse("lkc-1").unwrap()),
                destination: Some(ClusterId::parse("MkU3OEVBNTcwNTJENDM2Qk").unwrap()),
                remote: None,
            },
            configs: open.into_iter().chain(secret).collect(),
            is_paused: true,
            acls: BTreeSet::from([acl("b"), acl("a")]),
            created: Moment(1),
            updated: Moment(2),
            unknown: Unknown::default(),
        }
    }

    /// All of it, secrets too.
    fn shown(link: &LinkRecord) -> String {
        let secrets = link.configs.values().filter_map(|config| match config {
            LinkConfig::Secret(secret) => Some(secret.expose_secret().to_owned()),
            LinkConfig::Open(_) => None,
        });
        format!("{link:?} {:?}", secrets.collect::<Vec<_>>())
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let plain = LinkRecord {
            mode: LinkMode::Bidirectional,
            clusters: LinkClusters {
                remote: Some(ClusterId::parse("x").unwrap()),
                ..LinkClusters::default()
            },
            configs: BTreeMap::new(),
            is_paused: false,
            acls: BTreeSet::new(),
            ..link()
        };
        for link in [link(), plain, LinkRecord { mode: LinkMode::Source, ..link() }] {
            let read: LinkRecord = read(&kept(&link));
            assert_eq!(shown(&read), shown(&link));
            assert!(read.peer().is_some());
        }
    }

    #[test]
    fn no_secret_stands_there_in_the_open() {
        let (link, record) = (link(), kept(&link()));
        for (_, secret) in SECRETS {
            let quoted = serde_json::to_string(secret).unwrap();
            assert!(!record.body.text().contains(quoted.trim_matches('"')));
            assert!(!format!("{link:?}").contains(secret));
        }
    }

    #[test]
    fn its_secrets_can_be_sealed_anew() {
        let record = kept(&link());
        let both = Sealer::new(sealing_key(2)).with_previous(sealing_key(1));
        let body = both.reseal(&record.key, &record.body, &SystemRandom::new()).unwrap().unwrap();
        assert_eq!(both.reseal(&record.key, &body, &SystemRandom::new()).unwrap(), None);
        let record = Record { body, ..record };
        let read = LinkRecord::from_record(&record, &Sealer::new(sealing_key(2))).unwrap();
        assert_eq!(shown(&read), shown(&link()), "what looks sealed and is not stays as it is");
        assert!(LinkRecord::from_record(&record, &sealer()).is_err());
    }

    #[test]
    fn a_secret_is_good_for_its_own_config_alone() {
        let record = kept(&link());
        let moved = record.body.text().replace("\"sasl.jaas.config\":\"sealed", "\"acl.filters\":\"sealed");
        let error = LinkRecord::from_record(&saying(&record, &moved), &sealer()).unwrap_err();
        assert!(matches!(error, RecordError::Seal(SealError::Broken { .. })), "{error}");
        let twice = record.body.text().replace("acl.sync.ms", "sasl.jaas.config");
        let error = LinkRecord::from_record(&saying(&record, &twice), &sealer()).unwrap_err();
        assert!(error.to_string().contains("config `sasl.jaas.config` stands there twice"), "{error}");
    }

    #[test]
    fn thousands_of_acls_fit_into_a_record() {
        let acls = (0..6_000).map(|number| acl(&format!("a-topic-name-of-some-length-{number}")));
        let link = LinkRecord { acls: acls.collect(), ..link() };
        assert!(kept(&link).body.text().len() < MAX_BODY_BYTES);
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&link(), |link| LinkRecord { is_paused: false, ..link });
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        insta::assert_snapshot!(without_nonces(&kept(&link())));
    }
}
