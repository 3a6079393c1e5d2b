//! The domain of Tidegate: names, zones, permissions, manifests, accounts and keys.
//!
//! Everything here is a value. The crate opens no socket and no file, asks no clock and reads no environment:
//! text goes in, and either a thing that cannot be wrong or the list of all its mistakes comes out.
//!
//! ```
//! let manifest = "
//! apiVersion: v2
//! kind: PartnerZone
//! metadata: {name: acme}
//! spec:
//!   cluster: main
//!   serviceAccount: acme
//!   topics: [{name: orders, backingTopic: internal-orders-v3, permission: READ}]
//! ";
//! let zones = tidegate_core::parse_zones(manifest)?;
//! assert_eq!(zones[0].topics()[0].alias.as_str(), "orders");
//!
//! let mistakes = tidegate_core::parse_zones(&manifest.replace("READ", "ALL")).unwrap_err();
//! assert!(mistakes.to_string().contains("spec.topics[0].permission"));
//! # Ok::<(), tidegate_core::ManifestErrors>(())
//! ```

pub mod account;
pub mod acl;
pub mod document;
pub mod facts;
pub mod keys;
pub mod link_id;
pub mod manifest;
pub mod names;
pub mod permission;
pub mod producer_ids;
pub mod records;
pub mod registry;
pub mod secret_hash;
pub mod store;
pub mod token;
pub mod topic_id;
pub mod zone;
pub mod zone_id;

pub use account::{
    Account, AccountErrors, AccountProblem, Accounts, Credential, Fingerprint, ScramMechanism, ScramVerifier,
};
pub use acl::AclBinding;
pub use facts::{Fact, Facts, FactsError, MemoryFacts, Timestamp, Unbound};
pub use keys::{RootKey, RootKeyError, VirtualTopicId, ZoneKeys, ZoneTag};
pub use link_id::LinkId;
pub use manifest::{
    ManifestErrors, SourcedZone, ZoneConflict, ZoneManifest, check_zones, manifest_json, parse_manifests,
    parse_zones, render_zone,
};
pub use names::{
    AccountName, Alias, BackingTopic, ClusterId, ClusterName, CredentialId, EmailAddress, GroupPrefix,
    HolderId, Label, LeaseName, LinkConfigName, LinkName, ListenerName, MirrorTopic, NameError, ProviderName,
    SchemaSubject, ShareId, SourceTopic, TokenId, ZoneName,
};
pub use permission::Permission;
pub use producer_ids::ProducerIds;
pub use secret_hash::SecretHash;
pub use topic_id::SourceTopicId;
pub use zone::{
    AuthenticationMode, Partner, TopicGrant, TrafficPolicies, ZoneDraft, ZoneKind, ZoneProblem, ZoneSpec,
};
pub use zone_id::ZoneId;
