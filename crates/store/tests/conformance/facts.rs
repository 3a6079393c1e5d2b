//! What every store of facts must hold to.

use tidegate_core::facts::{BINDING_RETENTION_S, Fact, Facts, Timestamp, Unbound};
use tidegate_core::{Alias, BackingTopic, CredentialId, ZoneId};

pub(crate) const ONE: ZoneId = ZoneId::from_bytes([1; 16]);
pub(crate) const OTHER: ZoneId = ZoneId::from_bytes([2; 16]);

pub(crate) fn producer(id: i64, used: u64) -> Fact {
    Fact::Producer { id, used: Timestamp(used) }
}

pub(crate) fn binding(group: &str, alias: &str, used: u64) -> Fact {
    Fact::Binding {
        group: group.to_owned(),
        backing: BackingTopic::parse("t").unwrap(),
        alias: Alias::parse(alias).unwrap(),
        used: Timestamp(used),
    }
}

fn unbound(group: &str) -> Unbound {
    Unbound {
        group: group.to_owned(),
        backing: BackingTopic::parse("t").unwrap(),
        alias: Alias::parse("a").unwrap(),
    }
}

/// What every store of facts must hold to.
pub(crate) async fn are_kept(facts: &dyn Facts) {
    facts.keep(ONE, vec![producer(7, 10), producer(i64::MAX, 11), binding("g", "a", 12)]).await.unwrap();
    facts.keep(ONE, vec![producer(7, 20), binding("g", "a", 21)]).await.unwrap();
    facts.keep(OTHER, vec![producer(8, 30), binding("g", "b", 31)]).await.unwrap();
    let known = facts.producers(ONE, vec![7, 8, i64::MAX, 9]).await.unwrap();
    assert_eq!(known, [(7, Timestamp(20)), (i64::MAX, Timestamp(11))]);
    assert_eq!(facts.producers(OTHER, vec![7, 8]).await.unwrap(), [(8, Timestamp(30))]);
    assert_eq!(bindings(facts).await, [(ONE, binding("g", "a", 21)), (OTHER, binding("g", "b", 31))]);
    facts.unbind(ONE, vec![unbound("g"), unbound("never bound")]).await.unwrap();
    facts.unbind(OTHER, vec![unbound("g")]).await.unwrap();
    assert_eq!(bindings(facts).await, [(OTHER, binding("g", "b", 31))]);
    facts.expire(Timestamp(20)).await.unwrap();
    assert_eq!(facts.producers(ONE, vec![7, i64::MAX]).await.unwrap(), [(7, Timestamp(20))]);
    facts.expire(Timestamp(100)).await.unwrap();
    assert_eq!(facts.producers(ONE, vec![7]).await.unwrap(), []);
    assert_eq!(bindings(facts).await, []);
    the_first_binding_stands(facts).await;
    the_last_login_counts(facts).await;
}

async fn the_last_login_counts(facts: &dyn Facts) {
    let id = |text: &str| CredentialId::parse(text).unwrap();
    let login = |credential, used| Fact::Login { credential: id(credential), used: Timestamp(used) };
    facts.keep(ONE, vec![login("a", 10), login("b", 11)]).await.unwrap();
    facts.keep(ONE, vec![login("a", 20)]).await.unwrap();
    facts.keep(OTHER, vec![login("a", 30)]).await.unwrap();
    let mut logins = facts.logins(ONE).await.unwrap();
    logins.sort();
    assert_eq!(logins, [(id("a"), Timestamp(20)), (id("b"), Timestamp(11))]);
    facts.expire(Timestamp(20)).await.unwrap();
    assert_eq!(facts.logins(ONE).await.unwrap(), [(id("a"), Timestamp(20))]);
}

async fn the_first_binding_stands(facts: &dyn Facts) {
    let kept = |alias, used| facts.keep(ONE, vec![binding("g", alias, used)]);
    assert_eq!(kept("a", 100).await.unwrap(), [binding("g", "a", 100)]);
    assert_eq!(kept("b", 200).await.unwrap(), [binding("g", "a", 100)]);
    assert_eq!(kept("a", 300).await.unwrap(), [binding("g", "a", 300)]);
    let late = 300 + BINDING_RETENTION_S;
    assert_eq!(kept("b", late - 1).await.unwrap(), [binding("g", "a", 300)]);
    assert_eq!(kept("b", late).await.unwrap(), [binding("g", "b", late)]);
}

pub(crate) async fn bindings(facts: &dyn Facts) -> Vec<(ZoneId, Fact)> {
    let mut bindings = facts.bindings().await.unwrap();
    bindings.sort_by_key(|(zone, _)| *zone);
    bindings
}
