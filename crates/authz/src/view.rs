//! One zone, compiled: the only place where an alias and a backing topic meet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::Permission;
use tidegate_core::ZoneId;
use tidegate_core::facts::{Fact, Timestamp, Unbound};
use tidegate_core::keys::ZoneKeys;
use tidegate_core::names::{Alias, BackingTopic, ZoneName};
use tidegate_core::zone::{TopicGrant, TrafficPolicies, ZoneSpec};
use tidegate_wire::topic::{TopicKey, TopicRef};

use crate::bindings::{Binding, Conflict};
use crate::cluster::{ClusterView, TopicView};
use crate::groups::Prefix;
use crate::mirrors::{Mirror, Mirrors};
use crate::state::ZoneState;
use crate::traffic::Flow;

/// What one zone shows of the cluster; immutable, replaced whole on every change of either.
#[derive(Debug)]
pub struct ZoneView {
    id: ZoneId,
    name: ZoneName,
    cluster_id: String,
    prefix: Prefix,
    /// Sorted by alias.
    topics: Vec<Granted>,
    by_alias: HashMap<Arc<str>, usize>,
    by_virtual_id: HashMap<[u8; 16], usize>,
    by_backing: HashMap<Arc<str>, Vec<usize>>,
    traffic: TrafficPolicies,
    state: Arc<ZoneState>,
}

/// One alias of a zone.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The name that the partner sees.
    pub alias: Alias,
    /// The topic behind it.
    pub backing: BackingTopic,
    /// What the partner may do.
    pub permission: Permission,
    /// The topic as last seen; `None` while it does not exist upstream.
    pub topic: Option<ShownTopic>,
    /// Whether another alias of this zone has the same backing topic.
    pub has_sibling: bool,
    /// Whose fillers are to be hidden, if links have written into the topic.
    pub mirror: Option<Arc<Mirror>>,
}

/// A granted topic that exists.
#[derive(Debug, Clone)]
pub struct ShownTopic {
    /// The id that the partner sees.
    pub virtual_id: [u8; 16],
    /// The topic upstream.
    pub upstream: Arc<TopicView>,
}

impl ZoneView {
    /// Joins a zone with the picture of its cluster and what is known of mirrors. `state` outlives the view.
    #[must_use]
    pub fn compile(
        spec: &ZoneSpec,
        keys: &ZoneKeys,
        cluster: &ClusterView,
        mirrors: &Mirrors,
        state: Arc<ZoneState>,
    ) -> Self {
        let mut grants: Vec<&TopicGrant> = spec.topics().iter().collect();
        grants.sort_by(|a, b| a.alias.cmp(&b.alias));
        let compiled = |grant: &&TopicGrant| Granted::compile(grant, spec.topics(), keys, cluster, mirrors);
        let topics: Vec<Granted> = grants.iter().map(compiled).collect();
        let mut by_backing: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (at, granted) in topics.iter().enumerate() {
            by_backing.entry(granted.backing.as_str().into()).or_default().push(at);
        }
        Self {
            id: keys.zone(),
            name: spec.name().clone(),
            cluster_id: keys.cluster_id().to_owned(),
            prefix: Prefix::new(keys.tag(), spec.kind().clone()),
            by_alias: topics.iter().enumerate().map(|(at, t)| (t.alias.as_str().into(), at)).collect(),
            by_virtual_id: topics
                .iter()
                .enumerate()
                .filter_map(|(at, granted)| Some((granted.topic.as_ref()?.virtual_id, at)))
                .collect(),
            by_backing,
            topics,
            traffic: *spec.traffic(),
            state,
        }
    }

    /// The zone's internal id.
    #[must_use]
    pub fn id(&self) -> ZoneId {
        self.id
    }

    /// The zone's name.
    #[must_use]
    pub fn name(&self) -> &ZoneName {
        &self.name
    }

    /// The cluster id that the partner sees.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The zone's prefix for groups and transactional ids.
    #[must_use]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Every alias, sorted.
    #[must_use]
    pub fn topics(&self) -> &[Granted] {
        &self.topics
    }

    /// Whether any alias may be written.
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.topics.iter().any(|granted| granted.permission.can_write())
    }

    /// The grant behind a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Granted> {
        self.topics.get(*self.by_alias.get(name)?)
    }

    /// The grant behind a virtual topic id.
    #[must_use]
    pub fn by_id(&self, id: [u8; 16]) -> Option<&Granted> {
        self.topics.get(*self.by_virtual_id.get(&id)?)
    }

    /// The grant behind a name or id, as the partner wrote it.
    #[must_use]
    pub fn resolve(&self, topic: TopicRef<'_>) -> Option<&Granted> {
        match topic {
            TopicRef::Name(name) => self.by_name(name),
            TopicRef::Id(id) => self.by_id(id),
        }
    }

    /// What the zone remembers.
    #[must_use]
    pub fn state(&self) -> &ZoneState {
        &self.state
    }

    /// The zone's limits on traffic.
    #[must_use]
    pub fn traffic(&self) -> &TrafficPolicies {
        &self.traffic
    }

    /// Whether a flow has a limit; most zones have none, and need no clock.
    #[must_use]
    pub fn is_limited(&self, flow: Flow) -> bool {
        flow.rate(&self.traffic).is_some()
    }

    /// Counts `amount` of a flow; gives the pause that the zone owes from now on: see [`Traffic`](crate::Traffic).
    pub fn debit(&self, flow: Flow, amount: usize, now: Duration) -> Duration {
        self.state.traffic().debit(flow, amount, &self.traffic, now)
    }

    /// Takes in facts that the store keeps.
    pub fn take(&self, facts: &[Fact]) {
        self.state.take(facts);
    }

    /// Drops bindings that the store has forgotten.
    pub fn forget(&self, gone: &[Unbound]) {
        self.state.bindings().forget(gone);
    }

    /// Takes aliases for use in a group, all or none: see [`Bindings`](crate::Bindings). What is given must be kept
    /// before the group may be served; nothing is given when the store knows it all.
    ///
    /// # Errors
    /// [`Conflict`] when the group uses another alias of one of the topics.
    pub fn bind(&self, group: &str, grants: &[&Granted], now: Timestamp) -> Result<Vec<Fact>, Conflict> {
        // A client may name one alias as often as a frame is long.
        let mut seen = HashSet::new();
        let siblings =
            grants.iter().filter(|granted| granted.has_sibling && seen.insert(granted.alias.as_str()));
        let wanted: Vec<_> = siblings.map(|granted| granted.binding()).collect();
        if wanted.is_empty() { Ok(Vec::new()) } else { self.state.bindings().bind(group, &wanted, now) }
    }

    /// As [`ZoneView::bind`], one by one: tells of each whether the group may use it, and what must be kept.
    pub fn bind_some(&self, group: &str, grants: &[&Granted], now: Timestamp) -> (Vec<bool>, Vec<Fact>) {
        let siblings: Vec<usize> =
            (0..).zip(grants).filter(|(_, granted)| granted.has_sibling).map(|(at, _)| at).collect();
        let mut bound = vec![true; grants.len()];
        if siblings.is_empty() {
            return (bound, Vec::new());
        }
        let wanted: Vec<_> =
            grants.iter().filter(|granted| granted.has_sibling).map(|granted| granted.binding()).collect();
        let (accepted, facts) = self.state.bindings().bind_some(group, &wanted, now);
        for (at, accepted) in siblings.into_iter().zip(accepted) {
            if let Some(bound) = bound.get_mut(at) {
                *bound = accepted;
            }
        }
        (bound, facts)
    }

    /// Whether `group` uses this alias, or none of its topic yet.
    #[must_use]
    pub fn may_use(&self, group: &str, granted: &Granted) -> bool {
        let bound = || self.state.bindings().bound(group, &granted.backing);
        !granted.has_sibling || bound().is_none_or(|alias| alias == granted.alias)
    }

    /// The alias under which `group` knows a backing topic; `None` when the topic is not of this zone.
    #[must_use]
    pub fn alias_in_group(&self, group: &str, backing: &str) -> Option<&Alias> {
        let candidates = self.by_backing.get(backing)?;
        let mut granted = candidates.iter().filter_map(|at| self.topics.get(*at));
        let first = granted.next()?;
        if !first.has_sibling {
            return Some(&first.alias);
        }
        match self.state.bindings().bound(group, &first.backing) {
            // A binding may be of before an edit.
            Some(bound) => {
                let granted = self.by_name(bound.as_str()).filter(|now| now.backing == first.backing);
                granted.map(|granted| &granted.alias)
            }
            None => Some(&first.alias),
        }
    }

    /// Whether this view still shows `earlier`, a grant of an earlier view, under the same name and id.
    #[must_use]
    pub fn still_shows(&self, earlier: &Granted) -> bool {
        self.renewed(earlier).is_some()
    }

    /// The grant of this view that is what `earlier` was in an earlier one; `None` if it does not show that any more.
    #[must_use]
    pub fn renewed(&self, earlier: &Granted) -> Option<&Granted> {
        self.by_name(earlier.alias.as_str()).filter(|now| now.backing == earlier.backing)
    }
}

impl Granted {
    fn compile(
        grant: &TopicGrant,
        all: &[TopicGrant],
        keys: &ZoneKeys,
        cluster: &ClusterView,
        mirrors: &Mirrors,
    ) -> Self {
        let topic = cluster.topics.get(&grant.backing).map(|upstream| ShownTopic {
            virtual_id: *keys.virtual_topic_id(&grant.alias, upstream.id).as_bytes(),
            upstream: Arc::clone(upstream),
        });
        Self {
            alias: grant.alias.clone(),
            backing: grant.backing.clone(),
            permission: grant.permission,
            topic,
            has_sibling: all.iter().filter(|other| other.backing == grant.backing).count() > 1,
            mirror: mirrors.of(&grant.backing).cloned(),
        }
    }

    fn binding(&self) -> Binding {
        Binding { backing: self.backing.clone(), alias: self.alias.clone() }
    }

    /// How a request names this topic upstream.
    #[must_use]
    pub fn upstream_key(&self, by_id: bool) -> TopicKey {
        match &self.topic {
            Some(topic) if by_id => TopicKey::Id(topic.upstream.id),
            _ => TopicKey::Name(self.backing.shared()),
        }
    }

    /// How an answer names this topic to the partner.
    #[must_use]
    pub fn shown_key(&self, by_id: bool) -> TopicKey {
        match &self.topic {
            Some(topic) if by_id => TopicKey::Id(topic.virtual_id),
            _ => TopicKey::Name(self.alias.shared()),
        }
    }
}
