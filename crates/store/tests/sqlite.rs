//! The file: what is acknowledged is there after a restart, and one process owns it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

#[path = "conformance/facts.rs"]
mod facts;

use std::path::PathBuf;

use facts::{ONE, binding, bindings, producer};
use tidegate_core::RootKey;
use tidegate_core::facts::{Facts, MemoryFacts, Timestamp};
use tidegate_core::store::{Body, Change, RecordKey, Revision, Store, StoreKeys};
use tidegate_store::{OpenError, SqliteStore};

fn keys() -> StoreKeys {
    StoreKeys::new(&RootKey::from_bytes([1; 32]))
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

/// Waits until the thread of a dropped store has let the file go.
fn open_again(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, keys()).unwrap()
}

#[tokio::test]
async fn memory_keeps_facts() {
    facts::are_kept(&MemoryFacts::default()).await;
}

#[tokio::test]
async fn a_file_keeps_facts() {
    let (_folder, path) = file();
    facts::are_kept(&SqliteStore::open(&path, keys()).unwrap()).await;
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let (_folder, path) = file();
    let facts = SqliteStore::open(&path, keys()).unwrap();
    facts.keep(ONE, vec![producer(7, 10), binding("g", "a", 12)]).await.unwrap();
    drop(facts);
    let facts = open_again(&path);
    assert_eq!(facts.producers(ONE, vec![7]).await.unwrap(), [(7, Timestamp(10))]);
    assert_eq!(bindings(&facts).await, [(ONE, binding("g", "a", 12))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_are_all_served() {
    let (_folder, path) = file();
    let facts = std::sync::Arc::new(SqliteStore::open(&path, keys()).unwrap());
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
    let _first = SqliteStore::open(&path, keys()).unwrap();
    assert!(matches!(SqliteStore::open(&path, keys()), Err(OpenError::InUse { .. })));
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_folder, path) = file();
    let text = "accounts: []\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path, keys()), Err(OpenError::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_newer_file_is_left_alone() {
    let (_folder, path) = file();
    drop(SqliteStore::open(&path, keys()).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(matches!(SqliteStore::open(&path, keys()), Err(OpenError::TooNew { found: 99, known: 3, .. })));
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date() {
    let (_folder, path) = file();
    let first = rusqlite::Connection::open(&path).unwrap();
    // What the first version made, word for word.
    first.execute_batch(include_str!("state-v1.sql")).unwrap();
    drop(first);
    let store = SqliteStore::open(&path, keys()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let known = runtime.block_on(store.producers(ONE, vec![7])).unwrap();
    assert_eq!(known, [(7, Timestamp(10))]);
    assert!(store.image().is_empty());
}

/// A file with two records, and what somebody does to it behind the program's back.
async fn meddled(sql: &str) -> Result<SqliteStore, OpenError> {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path, keys()).unwrap();
    for name in ["zone/a", "zone/b"] {
        let change = Change::new().create(RecordKey::parse(name).unwrap(), Body::new(1, "{}"));
        store.commit(change).await.unwrap();
    }
    drop(store);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    other.execute_batch(sql).unwrap();
    drop(other);
    SqliteStore::open(&path, keys())
}

#[tokio::test]
async fn a_record_changed_behind_its_back_is_refused() {
    let unchanged = meddled("").await.unwrap();
    assert_eq!(unchanged.image().revision(), Revision(2));
    for (sql, said) in [
        ("UPDATE records SET body = '{\"a\":1}' WHERE key = 'zone/a'", "zone/a is not signed"),
        ("UPDATE records SET key = 'zone/c' WHERE key = 'zone/a'", "zone/c is not signed"),
        ("UPDATE records SET revision = 2 WHERE key = 'zone/a'", "zone/a is not signed"),
        ("DELETE FROM records WHERE key = 'zone/a'", "records are missing"),
        ("DELETE FROM records WHERE key = 'head/head'", "no word of its last change"),
        ("UPDATE records SET key = 'zone' WHERE key = 'zone/a'", "`` is no id"),
    ] {
        let error = meddled(sql).await.unwrap_err().to_string();
        assert!(error.contains("state.db: the records in the state file cannot be used"), "{error}");
        assert!(error.contains(said), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_file_of_another_root_key_is_told_from_a_damaged_one() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path, keys()).unwrap();
    store
        .commit(Change::new().create(RecordKey::parse("zone/a").unwrap(), Body::new(1, "{}")))
        .await
        .unwrap();
    drop(store);
    let other = StoreKeys::new(&RootKey::from_bytes([2; 32]));
    let error = SqliteStore::open(&path, other).unwrap_err().to_string();
    assert!(error.contains("the root key is another one"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = file();
    let path = folder.path().join("missing").join("state.db");
    let Err(error @ OpenError::System { .. }) = SqliteStore::open(&path, keys()) else { panic!("opened") };
    assert!(error.to_string().contains("missing/state.db"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = file();
    let _facts = SqliteStore::open(&path, keys()).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
