//! One immutable picture of everything a request needs, replaced whole on every change.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_authz::{ClusterView, ZoneState, ZoneView};
use tidegate_client::Endpoint;
use tidegate_core::account::{Account, Credential, Fingerprint};
use tidegate_core::{
    AccountName, Alias, AuthenticationMode, BackingTopic, ClusterName, Fact, RootKey, TopicGrant, Unbound,
    ZoneId, ZoneName, ZoneSpec,
};

use tidegate_core::manifest::SourcedZone;
use tidegate_core::records::Moment;
use tidegate_core::store::Revision;

use crate::desired::Desired;
use crate::logins::Proven;

/// What is known of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterSnapshot {
    /// What rules may see.
    pub view: ClusterView,
    /// Where each node listens.
    pub endpoints: HashMap<i32, Endpoint>,
    /// The topics that the cluster was asked for: one of these that is not in the view does not exist.
    pub asked: HashSet<BackingTopic>,
}

/// The picture.
#[derive(Debug, Default)]
pub struct Snapshot {
    clusters: HashMap<ClusterName, Arc<ClusterSnapshot>>,
    members: HashMap<String, Member>,
    /// The cluster of each zone that somebody can enter.
    zones: HashMap<ZoneName, ClusterName>,
    /// What the store's last change was.
    revision: Revision,
}

/// An account together with its zone.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the account proves itself with.
    pub account: Arc<Account>,
    /// Of each of its credentials.
    pub fingerprints: Arc<[Fingerprint]>,
    /// The cluster of the zone.
    pub cluster: ClusterName,
    /// How the account logs in.
    pub authentication: AuthenticationMode,
    /// What the account sees.
    pub zone: Arc<ZoneView>,
    /// Grows when an alias of the zone is pointed at another topic.
    pointing: u64,
}

impl Snapshot {
    /// Whether the account's clients may come from there; what is no account comes from anywhere.
    #[must_use]
    pub fn allows(&self, account: &str, address: IpAddr) -> bool {
        self.members.get(account).is_none_or(|member| member.account.allows(address))
    }

    /// What is known of a cluster; nothing before it was first reached.
    #[must_use]
    pub fn cluster(&self, name: &ClusterName) -> Option<&Arc<ClusterSnapshot>> {
        self.clusters.get(name)
    }

    /// The account of that name and its zone on `cluster`; the name may be anything.
    #[must_use]
    pub fn member(&self, cluster: &ClusterName, account: &str) -> Option<&Member> {
        self.members.get(account).filter(|member| member.cluster == *cluster)
    }

    /// Whether `zone` is one of `cluster`.
    #[must_use]
    pub fn has_zone(&self, cluster: &ClusterName, zone: &ZoneName) -> bool {
        self.zones.get(zone) == Some(cluster)
    }

    /// The change of the store up to which this is what it says.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The zones of `cluster`.
    pub fn zones<'a>(&'a self, cluster: &'a ClusterName) -> impl Iterator<Item = &'a ZoneName> {
        self.zones.iter().filter(move |(_, of)| *of == cluster).map(|(zone, _)| zone)
    }

    /// What a login that has proven so much of the account is bound to as of now; `None` if that does not hold.
    #[must_use]
    pub fn standing_of(&self, cluster: &ClusterName, account: &str, proven: &Proven) -> Option<Standing> {
        let standing = self.standing(cluster, account)?;
        let Proven::Credential(id) = proven else { return Some(standing) };
        let member = self.member(cluster, account)?;
        let credentials = member.account.credentials().iter().zip(member.fingerprints.iter());
        let found = credentials.into_iter().find(|(credential, _)| credential.id() == id);
        found.map(|(_, fingerprint)| standing.narrowed(fingerprint))
    }

    /// What a login of the account is bound to as of now, whichever credential it proves.
    #[must_use]
    pub fn standing(&self, cluster: &ClusterName, account: &str) -> Option<Standing> {
        let member = self.member(cluster, account)?;
        Some(Standing {
            fingerprints: Arc::clone(&member.fingerprints),
            zone: member.zone.name().clone(),
            id: member.zone.id(),
            authentication: member.authentication,
            pointing: member.pointing,
        })
    }
}

/// What a login is bound to: when any of it changes, the login does not stand any more.
///
/// Clients without topic ids remember leader epochs and offsets by name, so nobody stays connected while a name begins
/// to mean another topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    fingerprints: Arc<[Fingerprint]>,
    zone: ZoneName,
    /// One that is deleted and made again is another.
    id: ZoneId,
    /// Whoever entered in a way that is closed now would not be let in.
    authentication: AuthenticationMode,
    pointing: u64,
}

impl Standing {
    /// Whether a login of this standing goes on with what stands now. A credential more changes nothing: a partner that
    /// changes over from one to the next goes on meanwhile.
    pub(crate) fn goes_on(&self, now: &Self) -> bool {
        self.is_of_same_zone(now)
            && self.fingerprints.iter().all(|fingerprint| now.fingerprints.contains(fingerprint))
    }

    /// Whether both are of one zone that is entered in the same way and whose names mean the same.
    pub(crate) fn is_of_same_zone(&self, other: &Self) -> bool {
        (&self.zone, self.id, self.authentication, self.pointing)
            == (&other.zone, other.id, other.authentication, other.pointing)
    }

    /// The zone's id.
    pub(crate) fn zone_id(&self) -> ZoneId {
        self.id
    }

    /// Bound to no other credential than this one, as far as it has it.
    fn narrowed(self, fingerprint: &Fingerprint) -> Self {
        let fingerprints = self.fingerprints.iter().filter(|other| *other == fingerprint).copied().collect();
        Self { fingerprints, ..self }
    }

    /// The zone's name.
    pub(crate) fn zone(&self) -> &str {
        self.zone.as_str()
    }
}

/// Makes pictures; keeps what must outlive them.
#[derive(Debug)]
pub struct Compiler {
    root_key: RootKey,
    states: HashMap<ZoneId, Arc<ZoneState>>,
    pointings: HashMap<ZoneId, Pointing>,
}

/// Where the aliases of a zone point, and how often one was pointed elsewhere.
#[derive(Debug, Default)]
struct Pointing {
    aliases: HashMap<Alias, BackingTopic>,
    changes: u64,
}

impl Pointing {
    /// Takes over what a zone says now; the number of changes so far.
    fn follow(&mut self, spec: &ZoneSpec) -> u64 {
        let elsewhere = |grant: &&TopicGrant| {
            self.aliases.get(&grant.alias).is_some_and(|before| *before != grant.backing)
        };
        let moved: Vec<&TopicGrant> = spec.topics().iter().filter(elsewhere).collect();
        for grant in &moved {
            tracing::warn!(
                zone = %spec.name(),
                alias = %grant.alias,
                "an alias points at another topic: its partners are disconnected, and offsets that their groups committed stay with the topic before"
            );
        }
        self.changes += u64::from(!moved.is_empty());
        // A removed alias stays known: it may come back over another topic while clients still remember it.
        self.aliases.extend(spec.topics().iter().map(|grant| (grant.alias.clone(), grant.backing.clone())));
        self.changes
    }
}

/// A picture, and what no longer holds since it was made.
#[derive(Debug)]
pub struct Compiled {
    /// The picture.
    pub snapshot: Snapshot,
    /// Bindings that the store must forget, by zone.
    pub unbound: Vec<(ZoneId, Vec<Unbound>)>,
    /// When the next credential expires, and the picture must be made again.
    pub until: Option<Moment>,
}

impl Compiler {
    /// A compiler that derives ids and tags from `root_key` and knows the facts that a store kept.
    #[must_use]
    pub fn new(root_key: RootKey, kept: Vec<(ZoneId, Fact)>) -> Self {
        let mut states: HashMap<ZoneId, Arc<ZoneState>> = HashMap::new();
        for (zone, fact) in kept {
            states.entry(zone).or_default().take(&[fact]);
        }
        Self { root_key, states, pointings: HashMap::new() }
    }

    /// Joins what is wanted with what is known.
    pub fn compile(
        &mut self,
        desired: &Desired,
        clusters: HashMap<ClusterName, Arc<ClusterSnapshot>>,
        now: Moment,
    ) -> Compiled {
        let unbound = self.forget(desired);
        let mut members = HashMap::new();
        let mut names = HashMap::new();
        let mut until = None;
        for sourced in &desired.zones {
            let spec = &sourced.zone;
            let Some(account) = account(spec, desired) else { continue };
            until = [until, account.expires_after(now)].into_iter().flatten().min();
            let account = account.at(now);
            let unknown = Arc::default();
            let cluster = clusters.get(spec.cluster()).unwrap_or(&unknown);
            let keys = self.root_key.zone_keys(&self.id(sourced));
            let state = Arc::clone(self.states.entry(keys.zone()).or_default());
            let pointing = self.pointings.entry(keys.zone()).or_default().follow(spec);
            let zone = ZoneView::compile(spec, &keys, &cluster.view, &desired.mirrors, state);
            let member = Member {
                fingerprints: account.credentials().iter().map(Credential::fingerprint).collect(),
                account: Arc::new(account),
                authentication: spec.authentication(),
                cluster: spec.cluster().clone(),
                zone: Arc::new(zone),
                pointing,
            };
            names.insert(spec.name().clone(), spec.cluster().clone());
            members.insert(spec.account().as_str().to_owned(), member);
        }
        let revision = desired.revision;
        Compiled { snapshot: Snapshot { clusters, members, zones: names, revision }, unbound, until }
    }

    /// Forgets bindings to what is not there any more: another topic may come under the same alias.
    fn forget(&mut self, desired: &Desired) -> Vec<(ZoneId, Vec<Unbound>)> {
        let zones: HashMap<ZoneId, &ZoneSpec> =
            desired.zones.iter().map(|sourced| (self.id(sourced), &sourced.zone)).collect();
        let mut unbound = Vec::new();
        for (id, state) in &self.states {
            if desired.is_partial && !zones.contains_key(id) {
                continue;
            }
            let grants = zones.get(id).map_or(&[][..], |spec| spec.topics());
            let gone = state.retain_bindings(|backing, alias| {
                grants.iter().any(|grant| grant.alias == *alias && grant.backing == *backing)
            });
            if !gone.is_empty() {
                unbound.push((*id, gone));
            }
        }
        self.states.retain(|id, _| desired.is_partial || zones.contains_key(id));
        unbound
    }

    fn id(&self, sourced: &SourcedZone) -> ZoneId {
        sourced.id.unwrap_or_else(|| self.root_key.zone_id(sourced.zone.name()))
    }
}

/// The account of a zone; one that logs in by certificate or token has no credential and stands in no file.
fn account(spec: &ZoneSpec, desired: &Desired) -> Option<Account> {
    match spec.authentication() {
        AuthenticationMode::Plain => desired.accounts.find(spec.account().as_str()).cloned(),
        AuthenticationMode::Mtls | AuthenticationMode::OauthBearer => {
            let known = desired.accounts.find(spec.account().as_str());
            let networks = known.map_or_else(Vec::new, |account| account.networks().to_vec());
            Account::new(spec.account().clone(), Vec::new())
                .ok()
                .map(|account| account.from_networks(networks))
        }
    }
}

/// Accounts that a zone names and nobody has made yet; their partners cannot log in.
#[must_use]
pub fn missing_accounts(desired: &Desired) -> Vec<&AccountName> {
    let with_password = |zone: &&SourcedZone| zone.zone.authentication() == AuthenticationMode::Plain;
    let accounts = desired.zones.iter().filter(with_password).map(|zone| zone.zone.account());
    accounts.filter(|account| desired.accounts.find(account.as_str()).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use tidegate_authz::Mirrors;
    use tidegate_core::{LinkId, MirrorTopic, parse_zones};

    use super::*;

    fn zone(topics: &str) -> ZoneSpec {
        let manifest = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: z}}, spec: {{cluster: c, serviceAccount: u, topics: [{topics}]}}}}"
        );
        parse_zones(&manifest).unwrap().remove(0)
    }

    fn keeps(desired: &Desired) -> (Snapshot, usize) {
        let binding = Fact::Binding {
            group: "g".to_owned(),
            backing: BackingTopic::parse("t1").unwrap(),
            alias: Alias::parse("a").unwrap(),
            used: tidegate_core::Timestamp(1),
        };
        let root_key = RootKey::from_bytes([1; 32]);
        let id = root_key.zone_id(&ZoneName::parse("z").unwrap());
        let mut compiler = Compiler::new(root_key, vec![(id, binding)]);
        let compiled = compiler.compile(desired, HashMap::new(), Moment(1));
        (compiled.snapshot, compiled.unbound.len())
    }

    #[test]
    fn what_is_not_known_to_be_gone_loses_nothing() {
        assert_eq!(keeps(&Desired::default()).1, 1, "a zone that is gone");
        assert_eq!(keeps(&Desired { is_partial: true, ..Desired::default() }).1, 0, "one that is not served");
    }

    #[test]
    fn networks_hold_for_accounts_of_certificates_too() {
        let text = "{apiVersion: v2, kind: PartnerZone, metadata: {name: z}, spec: {cluster: c, authenticationMode: {type: MTLS, serviceAccount: u}, topics: [{name: a, backingTopic: t1, permission: READ}]}}";
        let zone = SourcedZone::new("here", parse_zones(text).unwrap().remove(0));
        let mut accounts = tidegate_core::Accounts::default();
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        accounts.insert(Account::new(zone.zone.account().clone(), vec![]).unwrap().from_networks(networks));
        let (snapshot, _) = keeps(&Desired { zones: vec![zone], accounts, ..Desired::default() });
        assert!(snapshot.allows("u", "10.0.0.1".parse().unwrap()));
        assert!(!snapshot.allows("u", "192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_topic_becomes_a_mirror_under_logins_that_go_on() {
        let zone = || SourcedZone::new("here", zone("{name: a, backingTopic: t1, permission: READ}"));
        let (cluster, link) = (ClusterName::parse("c").unwrap(), LinkId::from_bytes([1; 16]));
        let mirrors = || [(MirrorTopic::parse("t1").unwrap(), link)].into_iter().collect();
        let mut compiler = Compiler::new(RootKey::from_bytes([1; 32]), Vec::new());
        let [before, after] = [Mirrors::default(), mirrors()].map(|mirrors| {
            let desired = Desired { mirrors, ..Desired::of_zones(vec![zone()]).unwrap() };
            compiler.compile(&desired, HashMap::new(), Moment(1)).snapshot
        });
        let is_mirror =
            |of: &Snapshot| of.member(&cluster, "u").unwrap().zone.by_name("a").unwrap().mirror.is_some();
        assert_eq!((is_mirror(&before), is_mirror(&after)), (false, true));
        let standing = |of: &Snapshot| of.standing(&cluster, "u").unwrap();
        assert!(standing(&before).goes_on(&standing(&after)) && standing(&after).goes_on(&standing(&before)));
    }

    #[test]
    fn only_an_alias_over_another_topic_counts_as_a_change() {
        let mut pointing = Pointing::default();
        let (a, b) = (
            "{name: a, backingTopic: t1, permission: READ}",
            "{name: b, backingTopic: t2, permission: READ}",
        );
        assert_eq!(pointing.follow(&zone(a)), 0);
        assert_eq!(pointing.follow(&zone(&format!("{a}, {b}"))), 0);
        assert_eq!(pointing.follow(&zone(b)), 0);
        let elsewhere = a.replace("t1", "t3");
        assert_eq!(pointing.follow(&zone(&format!("{elsewhere}, {b}"))), 1);
        assert_eq!(pointing.follow(&zone(&elsewhere.replace("READ", "WRITE"))), 1);
    }
}
