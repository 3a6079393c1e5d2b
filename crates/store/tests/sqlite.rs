//! The file: what is acknowledged is there after a restart, and one process owns it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::path::PathBuf;

use tidegate_core::facts::{BINDING_RETENTION_S, Fact, Facts, MemoryFacts, Timestamp, Unbound};
use tidegate_core::{Alias, BackingTopic, ZoneId};
use tidegate_store::{OpenError, SqliteFacts};

const ONE: ZoneId = ZoneId::from_bytes([1; 16]);
const OTHER: ZoneId = ZoneId::from_bytes([2; 16]);

fn producer(id: i64, used: u64) -> Fact {
    Fact::Producer { id, used: Timestamp(used) }
}

fn binding(group: &str, alias: &str, used: u64) -> Fact {
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
async fn facts_are_kept(facts: &dyn Facts) {
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

async fn bindings(facts: &dyn Facts) -> Vec<(ZoneId, Fact)> {
    let mut bindings = facts.bindings().await.unwrap();
    bindings.sort_by_key(|(zone, _)| *zone);
    bindings
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

/// Waits until the thread of a dropped store has let the file go.
fn open_again(path: &std::path::Path) -> SqliteFacts {
    SqliteFacts::open(path).unwrap()
}

#[tokio::test]
async fn memory_keeps_facts() {
    facts_are_kept(&MemoryFacts::default()).await;
}

#[tokio::test]
async fn a_file_keeps_facts() {
    let (_folder, path) = file();
    facts_are_kept(&SqliteFacts::open(&path).unwrap()).await;
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let (_folder, path) = file();
    let facts = SqliteFacts::open(&path).unwrap();
    facts.keep(ONE, vec![producer(7, 10), binding("g", "a", 12)]).await.unwrap();
    drop(facts);
    let facts = open_again(&path);
    assert_eq!(facts.producers(ONE, vec![7]).await.unwrap(), [(7, Timestamp(10))]);
    assert_eq!(bindings(&facts).await, [(ONE, binding("g", "a", 12))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_are_all_served() {
    let (_folder, path) = file();
    let facts = std::sync::Arc::new(SqliteFacts::open(&path).unwrap());
    let keep = |id| {
        let facts = std::sync::Arc::clone(&facts);
        tokio::spawn(async move { facts.keep(ONE, vec![producer(id, 1)]).await })
    };
    for kept in (0..1_000).map(keep).collect::<Vec<_>>() {
        kept.await.unwrap().unwrap();
    }
    assert_eq!(facts.producers(ONE, (0..1_000).collect()).await.unwrap().len(), 1_000);
}

#[test]
fn a_second_owner_is_told_of_the_first() {
    let (_folder, path) = file();
    let _first = SqliteFacts::open(&path).unwrap();
    assert!(matches!(SqliteFacts::open(&path), Err(OpenError::InUse { .. })));
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_folder, path) = file();
    let text = "accounts: []\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteFacts::open(&path), Err(OpenError::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_newer_file_is_left_alone() {
    let (_folder, path) = file();
    drop(SqliteFacts::open(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(matches!(SqliteFacts::open(&path), Err(OpenError::TooNew { found: 99, known: 1, .. })));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = file();
    let path = folder.path().join("missing").join("state.db");
    let Err(error @ OpenError::System { .. }) = SqliteFacts::open(&path) else { panic!("opened") };
    assert!(error.to_string().contains("missing/state.db"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = file();
    let _facts = SqliteFacts::open(&path).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
