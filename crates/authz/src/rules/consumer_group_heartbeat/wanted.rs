//! Which grants a subscription covers, and which of them its group may use.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::TopicName;
use tidegate_core::facts::{Fact, Timestamp};

use super::pattern::{BadPattern, Pattern};
use super::refusal::Refusal;
use crate::bindings::Conflict;
use crate::members::Subscription;
use crate::view::{Granted, ZoneView};

/// Grants that a subscription covers.
pub(super) struct Wanted<'a> {
    named: Vec<&'a Granted>,
    /// Without those of a backing topic that is named.
    matched: Vec<&'a Granted>,
    pub(super) pattern: Option<&'a str>,
}

/// Grants that a group may use.
pub(super) struct Bound<'a> {
    /// Each with whether it is named; sorted by alias.
    pub(super) grants: Vec<(&'a Granted, bool)>,
    /// What must be kept first.
    pub(super) facts: Vec<Fact>,
}

impl<'a> Wanted<'a> {
    /// What is `None` stays as it was; an empty pattern is none.
    pub(super) fn of(
        zone: &'a Arc<ZoneView>,
        earlier: Option<&'a Subscription>,
        names: Option<&[TopicName]>,
        pattern: Option<&'a str>,
    ) -> Result<Self, Refusal> {
        let named = match names {
            Some(names) => named(zone, names)?,
            None => named_earlier(zone, earlier),
        };
        let pattern = pattern.or_else(|| earlier?.pattern.as_deref()).filter(|pattern| !pattern.is_empty());
        let mut matched = Vec::new();
        if let Some(pattern) = pattern {
            let pattern = Pattern::parse(pattern).map_err(|BadPattern| Refusal::BAD_PATTERN)?;
            let taken: HashSet<_> = named.iter().map(|granted| &granted.backing).collect();
            let free = zone.topics().iter().filter(|granted| !taken.contains(&granted.backing));
            matched.extend(free.filter(|granted| pattern.matches(&granted.alias)));
        }
        Ok(Self { named, matched, pattern })
    }

    /// What of it `group` may use.
    pub(super) fn bound(&self, zone: &ZoneView, group: &str, now: Timestamp) -> Result<Bound<'a>, Refusal> {
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
        Ok(Bound { grants, facts })
    }
}

/// The grants behind names, each once; one name outside the zone refuses them all, as a broker does.
fn named<'a>(zone: &'a ZoneView, names: &[TopicName]) -> Result<Vec<&'a Granted>, Refusal> {
    let mut seen = HashSet::new();
    let names = names.iter().filter(|name| seen.insert(name.as_str()));
    names.map(|name| zone.by_name(name).ok_or(Refusal::FOREIGN)).collect()
}

fn named_earlier<'a>(zone: &'a ZoneView, earlier: Option<&Subscription>) -> Vec<&'a Granted> {
    let topics = earlier.into_iter().flat_map(|earlier| &earlier.topics).filter(|topic| topic.by_name);
    topics.filter_map(|topic| zone.by_name(topic.alias.as_str())).collect()
}
