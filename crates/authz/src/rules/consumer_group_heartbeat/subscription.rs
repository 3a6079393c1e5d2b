//! What a member wants, in aliases, and what the broker is told, in backing names.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::facts::{Fact, Timestamp};
use tidegate_core::names::BackingTopic;

use super::pattern::{BadPattern, Pattern};
use super::refusal::Refusal;
use crate::bindings::Conflict;
use crate::members::{Change, Known, NoRoom, SubscribedTopic, Subscription};
use crate::view::{Granted, ZoneView};

/// Why a heartbeat does not go upstream.
pub(super) enum Stop {
    Refuse(Refusal),
    Ask(Vec<Fact>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// Puts backing names in the place of what `asked` says of its subscription. Gives the change of the member, if the
/// broker must be told of one; before [`Stop::Ask`] nothing is done.
pub(super) fn to_upstream(
    zone: &Arc<ZoneView>,
    group: &str,
    asked: &mut ConsumerGroupHeartbeatRequest,
    now: Timestamp,
) -> Result<Option<Change>, Stop> {
    let members = zone.state().members();
    let member = asked.member_id.as_str();
    let names = asked.subscribed_topic_names.take();
    let pattern = asked.subscribed_topic_regex.take();
    // A join begins anew, whatever is left of an earlier life under the same id.
    let joins = asked.member_epoch == 0;
    let known = if joins { None } else { members.known(group, member, now) };
    match &known {
        Some(known) if !is_outdated(known, zone) => {}
        // The names are what every client sends with everything else; a pattern alone may stand beside names.
        None if joins || names.is_some() => {}
        _ => {
            members.forget(group, member);
            return Err(Refusal::FENCED.into());
        }
    }
    let says_something = names.is_some() || pattern.is_some();
    if joins && !says_something {
        // A broker refuses this.
        return Ok(None);
    }
    let earlier = known.as_ref().map(|known| known.subscription.as_ref());
    let wanted = Wanted::of(zone, earlier, names.as_deref(), pattern.as_deref())?;
    let (grants, facts) = wanted.bound(zone, group, now)?;
    if !facts.is_empty() {
        return Err(Stop::Ask(facts));
    }
    let next = Subscription {
        topics: grants.iter().map(|(granted, by_name)| subscribed(granted, *by_name, earlier)).collect(),
        pattern: wanted.pattern.map(str::to_owned),
        view: Arc::downgrade(zone),
        told: true,
    };
    if let Some(earlier) = earlier
        && !says_something
        && earlier.told
        && backings(earlier) == backings(&next)
    {
        if !is_of(earlier, zone) {
            members.renew(group, member, next);
        }
        return Ok(None);
    }
    let name = |topic: &SubscribedTopic| TopicName(StrBytes::from_string(topic.backing.as_str().to_owned()));
    let names = next.topics.iter().map(name).collect();
    let change = members.begin(group, member, next, now).map_err(|NoRoom| Refusal::NO_ROOM)?;
    asked.subscribed_topic_names = Some(names);
    Ok(Some(change))
}

/// Whether the member must begin anew: something that it holds is gone, or stands under another name or id now.
fn is_outdated(known: &Known, zone: &Arc<ZoneView>) -> bool {
    let shows_owed = |granted: &Granted| {
        granted.topic.as_ref().is_some_and(|topic| known.owed.contains(&topic.upstream.id))
    };
    if !known.owed.is_empty() && zone.topics().iter().any(shows_owed) {
        return true;
    }
    let subscription = &known.subscription;
    !is_of(subscription, zone) && subscription.topics.iter().any(|topic| has_changed(topic, zone))
}

fn has_changed(topic: &SubscribedTopic, zone: &ZoneView) -> bool {
    let Some(granted) = zone.by_name(topic.alias.as_str()) else {
        // What was only matched is no longer matched, unless it goes on under another name.
        return topic.by_name || zone.topics().iter().any(|granted| granted.backing == topic.backing);
    };
    let shown = granted.topic.as_ref().map(|topic| topic.virtual_id);
    granted.backing != topic.backing
        || (shown.is_some() && topic.virtual_id.is_some_and(|id| Some(id) != shown))
}

fn is_of(subscription: &Subscription, zone: &Arc<ZoneView>) -> bool {
    std::ptr::eq(subscription.view.as_ptr(), Arc::as_ptr(zone))
}

fn backings(subscription: &Subscription) -> HashSet<&BackingTopic> {
    subscription.topics.iter().map(|topic| &topic.backing).collect()
}

fn subscribed(granted: &Granted, by_name: bool, earlier: Option<&Subscription>) -> SubscribedTopic {
    // A topic that is deleted now and made anew later must be seen to have changed.
    let last_shown = || {
        let topics = &earlier?.topics;
        let at = topics.binary_search_by(|topic| topic.alias.cmp(&granted.alias)).ok()?;
        topics.get(at)?.virtual_id
    };
    SubscribedTopic {
        alias: granted.alias.clone(),
        backing: granted.backing.clone(),
        virtual_id: granted.topic.as_ref().map(|topic| topic.virtual_id).or_else(last_shown),
        by_name,
    }
}

/// Grants that a subscription covers.
struct Wanted<'a> {
    named: Vec<&'a Granted>,
    /// Without those of a backing topic that is named.
    matched: Vec<&'a Granted>,
    pattern: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// What is `None` stays as it was; an empty pattern is none.
    fn of(
        zone: &'a Arc<ZoneView>,
        earlier: Option<&'a Subscription>,
        names: Option<&[TopicName]>,
        pattern: Option<&'a str>,
    ) -> Result<Self, Refusal> {
        let named = match names {
            Some(names) => named(zone, names)?,
            None => {
                let topics = earlier.map_or(&[][..], |earlier| &earlier.topics).iter();
                let named = topics.filter(|topic| topic.by_name);
                named.filter_map(|topic| zone.by_name(topic.alias.as_str())).collect()
            }
        };
        let unchanged =
            earlier.filter(|earlier| names.is_none() && pattern.is_none() && is_of(earlier, zone));
        let pattern = pattern.or_else(|| earlier?.pattern.as_deref()).filter(|pattern| !pattern.is_empty());
        let matched = match (unchanged, pattern) {
            (_, None) => Vec::new(),
            // The same view gives the same answer: most heartbeats compile no pattern.
            (Some(earlier), _) => {
                let matched = earlier.topics.iter().filter(|topic| !topic.by_name);
                matched.filter_map(|topic| zone.by_name(topic.alias.as_str())).collect()
            }
            (None, Some(pattern)) => {
                let pattern = Pattern::parse(pattern).map_err(|BadPattern| Refusal::BAD_PATTERN)?;
                let taken: HashSet<_> = named.iter().map(|granted| &granted.backing).collect();
                let free = zone.topics().iter().filter(|granted| !taken.contains(&granted.backing));
                free.filter(|granted| pattern.matches(&granted.alias)).collect()
            }
        };
        Ok(Self { named, matched, pattern })
    }

    /// The grants that the group may use, each with whether it is named, sorted by alias; and what must be kept first.
    fn bound(
        &self,
        zone: &ZoneView,
        group: &str,
        now: Timestamp,
    ) -> Result<(Vec<(&'a Granted, bool)>, Vec<Fact>), Refusal> {
        let mut facts = zone.bind(group, &self.named, now).map_err(|Conflict| Refusal::CONFLICT)?;
        // Of two matches on one topic the bound one stays, else the first. A match that the group may not use is left
        // out, as a broker leaves out topics without rights: a pattern asks for what there is.
        let mut seen = HashSet::new();
        let usable = self.matched.iter().copied().filter(|granted| zone.may_use(group, granted));
        let matched: Vec<_> = usable.filter(|granted| seen.insert(&granted.backing)).collect();
        let (accepted, more) = zone.bind_some(group, &matched, now);
        facts.extend(more);
        let matched = matched.into_iter().zip(accepted).filter(|(_, accepted)| *accepted);
        let named = self.named.iter().map(|granted| (*granted, true));
        let mut grants: Vec<_> = named.chain(matched.map(|(granted, _)| (granted, false))).collect();
        grants.sort_by(|(one, _), (other, _)| one.alias.cmp(&other.alias));
        Ok((grants, facts))
    }
}

/// The grants behind names, each once; one name outside the zone refuses them all, as a broker does.
fn named<'a>(zone: &'a ZoneView, names: &[TopicName]) -> Result<Vec<&'a Granted>, Refusal> {
    let mut seen = HashSet::new();
    let names = names.iter().filter(|name| seen.insert(name.as_str()));
    names.map(|name| zone.by_name(name).ok_or(Refusal::FOREIGN)).collect()
}
