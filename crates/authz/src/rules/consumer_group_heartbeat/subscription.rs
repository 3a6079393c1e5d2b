//! What a member wants, in aliases, and what the broker is told, in backing names.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::facts::{Fact, Timestamp};
use tidegate_core::names::BackingTopic;

use super::refusal::Refusal;
use super::wanted::{Bound, Wanted};
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
    let is_whole = is_whole(asked);
    let names = asked.subscribed_topic_names.take();
    let pattern = asked.subscribed_topic_regex.take();
    // A join begins anew, whatever is left of an earlier life under the same id.
    let joins = asked.member_epoch == 0;
    let known = if joins { None } else { members.known(group, member, now) };
    match &known {
        Some(known) if !is_outdated(known, zone) => {}
        None if joins || is_whole => {}
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
    let told = earlier.filter(|earlier| !says_something && earlier.told);
    if let Some(earlier) = told.filter(|earlier| is_of(earlier, zone)) {
        // Nearly every heartbeat ends here, having kept the bindings of its group alive.
        let grants: Vec<_> =
            earlier.topics.iter().filter_map(|topic| zone.by_name(topic.alias.as_str())).collect();
        let facts = zone.bind(group, &grants, now).map_err(|Conflict| Refusal::CONFLICT)?;
        return if facts.is_empty() { Ok(None) } else { Err(Stop::Ask(facts)) };
    }
    let wanted = Wanted::of(zone, earlier, names.as_deref(), pattern.as_deref())?;
    let Bound { grants, facts } = wanted.bound(zone, group, now)?;
    if !facts.is_empty() {
        return Err(Stop::Ask(facts));
    }
    let next = Subscription {
        topics: grants.iter().map(|(granted, by_name)| subscribed(granted, *by_name, earlier)).collect(),
        pattern: wanted.pattern.map(str::to_owned),
        view: Arc::downgrade(zone),
        told: true,
    };
    if told.is_some_and(|earlier| backings(earlier) == backings(&next)) {
        members.renew(group, member, next);
        return Ok(None);
    }
    let name = |topic: &SubscribedTopic| TopicName(StrBytes::from_string(topic.backing.as_str().to_owned()));
    let names = next.topics.iter().map(name).collect();
    let change =
        members.begin(group, member, next, says_something, now).map_err(|NoRoom| Refusal::NO_ROOM)?;
    asked.subscribed_topic_names = Some(names);
    Ok(Some(change))
}

/// Whether a member that is not known tells its whole subscription. Names stand beside a pattern wherever a client has
/// both; a pattern without names is all there is only when everything else is told again as well.
fn is_whole(asked: &ConsumerGroupHeartbeatRequest) -> bool {
    const UNCHANGED: i32 = -1;
    let again = asked.rebalance_timeout_ms != UNCHANGED;
    asked.subscribed_topic_names.is_some() || (asked.subscribed_topic_regex.is_some() && again)
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
