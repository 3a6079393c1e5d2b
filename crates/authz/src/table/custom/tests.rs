//! Rules that fit and rules that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI16, AtomicUsize, Ordering};

use kafka_protocol::messages::{
    CreateTopicsResponse, HeartbeatRequest, HeartbeatResponse, ListOffsetsRequest, ListOffsetsResponse,
};
use tidegate_wire::header::Request;

use super::*;
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};
use crate::rules::{answer, produce::Produce};
use crate::table::Service;
use crate::testing::{self, Bench};

/// A rule that says of itself what a test wants, and refuses every request.
struct Says(ApiKey, Versions, Versions);

impl Rule for Says {
    fn key(&self) -> ApiKey {
        self.0
    }

    fn versions(&self) -> Versions {
        self.1
    }

    fn announced(&self) -> Versions {
        self.2
    }

    fn on_request(&self, _: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        match self.0 {
            ApiKey::CreateTopics => answer(request, &CreateTopicsResponse::default()),
            _ => answer(request, &HeartbeatResponse::default().with_error_code(41)),
        }
    }
}

fn says(key: ApiKey, min: i16, max: i16) -> Box<Says> {
    Box::new(Says(key, Versions::new(min, max), Versions::new(min, max)))
}

/// Counts, and leaves the rest to the rule inside.
struct Counted {
    inner: Box<dyn Rule>,
    seen: Arc<AtomicUsize>,
}

impl Rule for Counted {
    fn key(&self) -> ApiKey {
        self.inner.key()
    }

    fn versions(&self) -> Versions {
        self.inner.versions()
    }

    fn announced(&self) -> Versions {
        self.inner.announced()
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.inner.on_request(context, request)
    }
}

fn announced(table: &RuleTable, key: ApiKey) -> Option<Versions> {
    let all = table.announced(&testing::cluster());
    let mut of_key = all.iter().filter(|(shown, _)| *shown == key);
    let versions = of_key.next().map(|(_, versions)| *versions);
    assert!(of_key.next().is_none(), "{key:?} is announced twice");
    versions
}

fn rule(table: &RuleTable, key: ApiKey, version: i16) -> &dyn Rule {
    match table.service(key, version) {
        Some(Service::Rule(rule)) => rule,
        _ => panic!("no rule for {key:?} {version}"),
    }
}

#[test]
fn one_more_rule_is_announced_and_served() {
    let table = RuleTable::default().with_rule(says(ApiKey::CreateTopics, 5, 6)).unwrap();
    assert_eq!(announced(&table, ApiKey::CreateTopics).unwrap().max, 6);
    assert!(table.serves(ApiKey::CreateTopics, 5) && !table.serves(ApiKey::CreateTopics, 7));
    assert!(announced(&RuleTable::default(), ApiKey::CreateTopics).is_none());
}

#[test]
fn a_rule_takes_the_place_of_ours() {
    let table = RuleTable::default().with_rule(says(ApiKey::Heartbeat, 0, 3)).unwrap();
    let answered: HeartbeatResponse =
        Bench::new().answer(rule(&table, ApiKey::Heartbeat, 3), 3, &HeartbeatRequest::default());
    assert_eq!(answered.error_code, 41);
    assert!(!table.serves(ApiKey::Heartbeat, 4), "ours would");
    assert_eq!(announced(&table, ApiKey::Heartbeat), Some(Versions::new(0, 3)));
    assert_eq!(table.keys().count(), RuleTable::default().keys().count());
}

#[test]
fn a_wrapper_sees_every_request_and_changes_nothing_that_is_announced() {
    let seen = Arc::new(AtomicUsize::new(0));
    let mut table = RuleTable::default();
    for key in RuleTable::default().keys() {
        let seen = Arc::clone(&seen);
        table = table.wrap(key, |inner| Box::new(Counted { inner, seen })).unwrap();
    }
    let cluster = testing::cluster();
    assert_eq!(table.announced(&cluster), RuleTable::default().announced(&cluster));
    let request = ListOffsetsRequest::default().with_replica_id((-1).into());
    let inside: ListOffsetsResponse =
        Bench::new().answer(rule(&RuleTable::default(), ApiKey::ListOffsets, 7), 7, &request);
    let wrapped: ListOffsetsResponse = Bench::new().answer(rule(&table, ApiKey::ListOffsets, 7), 7, &request);
    assert_eq!((inside, seen.load(Ordering::Relaxed)), (wrapped, 1));
}

#[test]
fn what_is_not_there_is_neither_wrapped_nor_brought_back() {
    let table = RuleTable::default().without(ApiKey::DeleteGroups);
    let table = table.wrap(ApiKey::DeleteGroups, |_| panic!("there is nothing to wrap")).unwrap();
    assert!(!table.serves(ApiKey::DeleteGroups, 2));
    assert!(announced(&table, ApiKey::DeleteGroups).is_none());
}

#[test]
fn the_apis_of_a_login_are_not_open_to_rules() {
    for key in [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate, ApiKey::Vote] {
        let misfit = RuleTable::default().with_rule(says(key, 0, 0)).unwrap_err();
        assert_eq!(misfit, RuleMisfit::Api(key));
    }
}

#[test]
fn no_rule_serves_what_guard_and_codec_cannot_read() {
    for (min, max) in [(0, 99), (-1, 3), (5, 4), (4, i16::MAX), (i16::MIN, i16::MAX)] {
        let misfit = RuleTable::default().with_rule(says(ApiKey::Heartbeat, min, max)).unwrap_err();
        assert!(matches!(misfit, RuleMisfit::Versions { .. }), "{min} to {max}: {misfit}");
    }
}

#[test]
fn a_wrapper_may_narrow_and_not_widen() {
    let wrap = |key, min, max| RuleTable::default().wrap(key, |_| says(key, min, max));
    let table = wrap(ApiKey::Fetch, 12, 13).unwrap();
    assert_eq!(announced(&table, ApiKey::Fetch).unwrap().max, 13);
    assert!(table.serves(ApiKey::Fetch, 12) && !table.serves(ApiKey::Fetch, 14));
    let served = rules_own(ApiKey::Fetch);
    let misfit = wrap(ApiKey::Fetch, served.min, served.max + 1).unwrap_err();
    assert!(matches!(misfit, RuleMisfit::Versions { allowed, .. } if allowed == served), "{misfit}");
    let misfit = RuleTable::default().wrap(ApiKey::Fetch, |_| says(ApiKey::Heartbeat, 0, 1)).unwrap_err();
    assert_eq!(misfit, RuleMisfit::Key { wrapped: ApiKey::Fetch, found: ApiKey::Heartbeat });
}

#[test]
fn nothing_is_announced_that_is_not_served() {
    let produce = |served: (i16, i16), shown: (i16, i16)| {
        let (served, shown) = (Versions::new(served.0, served.1), Versions::new(shown.0, shown.1));
        RuleTable::default().wrap(ApiKey::Produce, |_| Box::new(Says(ApiKey::Produce, served, shown)))
    };
    // Produce 0 to 2 is shown and refused; a wrapper may keep that as it is.
    assert_eq!(Produce.announced().min, 0);
    assert_eq!(announced(&produce((3, 12), (0, 12)).unwrap(), ApiKey::Produce), Some(Versions::new(0, 12)));
    assert!(produce((3, 12), (3, 12)).is_ok());
    for (served, shown) in [((3, 12), (0, 13)), ((7, 13), (0, 13)), ((3, 13), (1, 13)), ((3, 13), (4, 13))] {
        let misfit = produce(served, shown).unwrap_err();
        assert!(matches!(misfit, RuleMisfit::Announced { .. }), "{served:?} {shown:?}: {misfit}");
    }
    let more = Says(ApiKey::CreateTopics, Versions::new(5, 6), Versions::new(2, 6));
    let misfit = RuleTable::default().with_rule(Box::new(more)).unwrap_err();
    assert!(matches!(misfit, RuleMisfit::Announced { .. }), "{misfit}");
}

/// A rule that changes its mind after it was looked at.
struct Fickle(AtomicI16);

impl Rule for Fickle {
    fn key(&self) -> ApiKey {
        ApiKey::Heartbeat
    }

    fn versions(&self) -> Versions {
        Versions::new(0, self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn announced(&self) -> Versions {
        Versions::new(0, 0)
    }

    fn on_request(&self, _: &mut RequestContext<'_>, _: &Request) -> Result<Outcome, RuleError> {
        Ok(Outcome::Close("never"))
    }
}

#[test]
fn what_a_rule_said_of_itself_when_it_came_is_what_holds() {
    let table = RuleTable::default().with_rule(Box::new(Fickle(AtomicI16::new(0)))).unwrap();
    for _ in 0..10 {
        assert!(table.serves(ApiKey::Heartbeat, 0) && !table.serves(ApiKey::Heartbeat, 1));
        assert_eq!(announced(&table, ApiKey::Heartbeat), Some(Versions::new(0, 0)));
    }
}

#[test]
fn our_own_rules_keep_the_same_law() {
    let mut table = RuleTable { entries: Vec::new() };
    for entry in RuleTable::default().entries {
        table = match entry.key {
            ApiKey::Produce => table,
            _ => table.with_rule(entry.rule).unwrap(),
        };
    }
    assert_eq!(table.entries.len() + 1, RuleTable::default().entries.len());
}

fn rules_own(key: ApiKey) -> Versions {
    let table = RuleTable::default();
    let entry = table.entries.iter().find(|entry| entry.key == key).unwrap();
    entry.versions
}
