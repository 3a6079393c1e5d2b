//! The cases.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::store::{
    Body, Change, ChangeError, CommitError, Kind, MAX_BODY_BYTES, MAX_ID, Record, RecordKey, Revision, Store,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Something that stores can be opened on.
pub(crate) trait Subject {
    /// Whether what was committed is there when a store is opened again.
    const LASTS: bool;

    /// With nothing in it.
    async fn new() -> Self;

    /// A store; every one before must be dropped.
    async fn open(&self) -> Arc<dyn Store>;
}

pub(crate) fn key(text: &str) -> RecordKey {
    RecordKey::parse(text).unwrap()
}

pub(crate) fn body(text: &str) -> Body {
    Body::new(1, text)
}

fn record(store: &dyn Store, name: &str) -> Record {
    store.image().get(&key(name)).unwrap().clone()
}

pub(crate) async fn a_new_store_is_empty(store: Arc<dyn Store>) {
    assert!(store.image().is_empty());
    assert_eq!(store.image().revision(), Revision(0));
    assert!(store.alarms().is_empty());
    assert!(store.behind() < Duration::from_secs(1));
}

pub(crate) async fn what_is_committed_is_there(store: Arc<dyn Store>) {
    let one = store.commit(Change::new().create(key("zone/a"), body("1"))).await.unwrap();
    let (image, a) = (store.image(), record(&*store, "zone/a"));
    assert_eq!((one, image.revision(), a.revision), (Revision(1), Revision(1), Revision(1)));
    assert_eq!(a.body, body("1"));
    let two = store.commit(Change::new().update(&a, Body::new(2, "2"))).await.unwrap();
    let after = record(&*store, "zone/a");
    assert_eq!((two, after.revision, after.body), (Revision(2), Revision(2), Body::new(2, "2")));
    let three = store.commit(Change::new().delete(&record(&*store, "zone/a"))).await.unwrap();
    assert_eq!((three, store.image().get(&key("zone/a"))), (Revision(3), None));
    // A record made again never looks like the one before.
    store.commit(Change::new().create(key("zone/a"), body("1"))).await.unwrap();
    assert_eq!(record(&*store, "zone/a").revision, Revision(4));
    assert_eq!(image.get(&key("zone/a")), Some(&a), "an image does not change");
}

pub(crate) async fn a_change_is_whole_or_nothing(store: Arc<dyn Store>) {
    let first = Change::new().create(key("zone/a"), body("1")).create(key("account/a"), body("1"));
    store.commit(first).await.unwrap();
    let before = store.image();
    let stale = Record { revision: Revision(9), ..record(&*store, "account/a") };
    let change = Change::new()
        .create(key("zone/b"), body("2"))
        .update(&record(&*store, "zone/a"), body("2"))
        .delete(&stale);
    store.commit(change).await.unwrap_err();
    assert_eq!(store.image(), before);
    // What it builds upon must hold too.
    let absent = Change::new().create(key("zone/b"), body("2")).absent(key("account/a"));
    store.commit(absent).await.unwrap_err();
    let kept = Change::new().create(key("zone/b"), body("2")).keep(&stale);
    store.commit(kept).await.unwrap_err();
    assert_eq!(store.image(), before);
    let good = Change::new()
        .create(key("zone/b"), body("2"))
        .keep(&record(&*store, "account/a"))
        .absent(key("account/b"));
    assert_eq!(store.commit(good).await.unwrap(), Revision(2), "a change that failed has no number");
}

pub(crate) async fn a_conflict_tells_what_changed(store: Arc<dyn Store>) {
    store.commit(Change::new().create(key("zone/a"), body("1"))).await.unwrap();
    let seen = record(&*store, "zone/a");
    store.commit(Change::new().update(&seen, body("2"))).await.unwrap();
    let error = store.commit(Change::new().update(&seen, body("3"))).await.unwrap_err();
    let CommitError::Change(ChangeError::Conflict(conflict)) = error else { panic!("{error}") };
    let [clash] = &conflict.0[..] else { panic!("{conflict}") };
    assert_eq!((&clash.key, clash.expected), (&key("zone/a"), Some(Revision(1))));
    assert_eq!(clash.found.as_ref(), Some(&record(&*store, "zone/a")));
    assert!(conflict.to_string().contains("zone/a was changed from revision 1 to 2"), "{conflict}");
}

pub(crate) async fn of_two_writers_one_wins(store: Arc<dyn Store>) {
    for round in 0..20 {
        let name = format!("zone/{round}");
        let (one, two) = tokio::join!(
            store.commit(Change::new().create(key(&name), body("one"))),
            store.commit(Change::new().create(key(&name), body("two"))),
        );
        let winner = match (one, two) {
            (Ok(_), Err(_)) => "one",
            (Err(_), Ok(_)) => "two",
            other => panic!("{other:?}"),
        };
        assert_eq!(record(&*store, &name).body.text(), winner);
    }
}

pub(crate) async fn no_increment_is_lost(store: Arc<dyn Store>) {
    const WRITERS: u32 = 8;
    const TIMES: u32 = 10;
    store.commit(Change::new().create(key("counter/c"), body("0"))).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for _ in 0..TIMES {
                loop {
                    let seen = record(&*store, "counter/c");
                    let next: u32 = seen.body.text().parse::<u32>().unwrap() + 1;
                    match store.commit(Change::new().update(&seen, body(&next.to_string()))).await {
                        Ok(_) => break,
                        Err(CommitError::Change(ChangeError::Conflict(_))) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(record(&*store, "counter/c").body.text(), (WRITERS * TIMES).to_string());
    assert_eq!(store.image().revision(), Revision(u64::from(WRITERS * TIMES) + 1));
}

pub(crate) async fn who_waits_is_woken_in_order(store: Arc<dyn Store>) {
    const CHANGES: u64 = 20;
    let watched = Arc::clone(&store);
    let watcher = tokio::spawn(async move {
        let mut seen = Revision(0);
        while seen < Revision(CHANGES) {
            let image = watched.later(seen).await.unwrap();
            assert!(image.revision() > seen);
            let records = u64::try_from(image.of(&Kind::ZONE).count()).unwrap();
            assert_eq!(records, image.revision().0, "an image is never half of a change");
            seen = image.revision();
        }
    });
    for n in 0..CHANGES {
        let revision =
            store.commit(Change::new().create(key(&format!("zone/{n}")), body("1"))).await.unwrap();
        // Whoever is told of its end finds the change made.
        assert!(store.image().revision() >= revision);
    }
    timeout(Duration::from_secs(30), watcher).await.unwrap().unwrap();
    let at_once =
        timeout(Duration::from_secs(30), store.later(Revision(CHANGES - 1))).await.unwrap().unwrap();
    assert_eq!(at_once.revision(), Revision(CHANGES));
    let never = timeout(Duration::from_millis(50), store.later(Revision(CHANGES))).await;
    assert!(never.is_err(), "nothing is later than the last");
}

pub(crate) async fn who_leaves_does_not_undo_a_change(store: Arc<dyn Store>) {
    drop(store.commit(Change::new().create(key("zone/a"), body("1"))));
    let image = timeout(Duration::from_secs(30), store.later(Revision(0))).await.unwrap().unwrap();
    assert!(image.get(&key("zone/a")).is_some());
}

pub(crate) async fn a_change_that_breaks_a_bound_changes_nothing(store: Arc<dyn Store>) {
    let largest = "x".repeat(MAX_BODY_BYTES);
    store.commit(Change::new().create(key("zone/large"), body(&largest))).await.unwrap();
    assert_eq!(record(&*store, "zone/large").body.text().len(), MAX_BODY_BYTES);
    let before = store.image();
    let larger = body(&format!("{largest}x"));
    for change in [
        Change::new().create(key("zone/a"), body("1")).create(key("zone/b"), larger),
        Change::new().create(key("zone/a"), body("1")).create(key("zone/a"), body("2")),
        Change::new().create(key("zone/a"), body("1")).create(key("head/head"), body("2")),
    ] {
        store.commit(change).await.unwrap_err();
        assert_eq!(store.image(), before);
    }
}

pub(crate) async fn keys_of_any_length_are_kept(store: Arc<dyn Store>) {
    for length in [1, 92, 93, 100, 101, MAX_ID] {
        let key = key(&format!("zone/{}", "x".repeat(length)));
        store.commit(Change::new().create(key.clone(), body("1"))).await.unwrap();
        assert!(store.image().get(&key).is_some(), "{length} characters");
    }
    assert!(store.alarms().is_empty());
}

pub(crate) async fn bodies_are_kept_to_the_byte(store: Arc<dyn Store>) {
    let texts =
        ["{}", " { \"a\" : 1.0 } \n", r#"{"a":"\u0000\ud83c\udf0a"}"#, "{\"é\":\"🌊\",\"b\":[1e400]}", ""];
    for (n, text) in texts.iter().enumerate() {
        store.commit(Change::new().create(key(&format!("zone/{n}")), body(text))).await.unwrap();
        assert_eq!(record(&*store, &format!("zone/{n}")).body.text(), *text);
    }
}
