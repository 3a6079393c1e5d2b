//! Several operators at once: nothing is lost, nothing is half done, and who is too slow is told what changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_admin::{Access, Limits};
use tidegate_core::store::{Answer, Change, CommitError, Image, Kind, Revision, Store, StoreError};
use tidegate_store::MemoryStore;

use crate::world::{World, ZONES, zone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_applies_at_once_are_all_made() {
    let world = Arc::new(World::new().await);
    let applies: Vec<_> = (0..200)
        .map(|n| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.made(&format!("z{n}")).await["upsertResult"].clone() })
        })
        .collect();
    for apply in applies {
        assert_eq!(apply.await.unwrap(), "Created");
    }
    let listed = world.call("GET", ZONES, &world.viewer, "").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 200);
    assert_eq!(world.store.image().of(&Kind::ACCOUNT).count(), 200);
    assert_eq!(world.history().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_changed_the_same_print_one_is_told() {
    let world = Arc::new(World::new().await);
    world.made("acme").await;
    let printed = world.call("GET", &format!("{ZONES}/acme"), &world.viewer, "").await.json();
    let applies: Vec<_> = (0..8)
        .map(|n| {
            let (world, mut mine) = (Arc::clone(&world), printed.clone());
            mine["spec"]["description"] = json!(format!("of {n}"));
            tokio::spawn(async move { world.put(&mine).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for apply in applies {
        statuses.push(apply.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_made_at_once_are_all_good() {
    let world = Arc::new(World::new().await);
    world.made("acme").await;
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let path = "/public/partner-zone/v2/acme/generate-credentials";
                world.call("POST", path, &world.operator, "null").await.json()
            })
        })
        .collect();
    for call in calls {
        let Value::String(password) = call.await.unwrap() else { panic!("no password") };
        assert!(world.lets_in("acme", &password));
    }
}

/// A store in which somebody else is faster so many times, or that breaks.
#[derive(Debug)]
struct Difficult {
    inner: MemoryStore,
    faster: Mutex<usize>,
    breaks: Mutex<Option<CommitError>>,
    behind: Mutex<Duration>,
}

impl Difficult {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            faster: Mutex::default(),
            breaks: Mutex::default(),
            behind: Mutex::default(),
        })
    }
}

impl Store for Difficult {
    fn image(&self) -> Arc<Image> {
        self.inner.image()
    }

    fn later(&self, than: Revision) -> Answer<Arc<Image>> {
        self.inner.later(than)
    }

    fn commit(&self, change: Change) -> Answer<Revision, CommitError> {
        if let Some(error) = self.breaks.lock().unwrap().take() {
            return Box::pin(std::future::ready(Err(error)));
        }
        let mut faster = self.faster.lock().unwrap();
        if *faster > 0 {
            *faster -= 1;
            // The place in the history that was to be ours; in memory a change is made as its answer is asked for.
            let theirs = change.writes().last().cloned().into_iter().fold(Change::new(), Change::and);
            let _theirs = self.inner.commit(theirs);
        }
        self.inner.commit(change)
    }

    fn behind(&self) -> Duration {
        *self.behind.lock().unwrap()
    }

    fn alarms(&self) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_change_is_decided_anew_when_somebody_else_was_faster() {
    let store = Difficult::new();
    let world = World::with(Arc::clone(&store) as _, Access::Tokens, Limits::default()).await;
    *store.faster.lock().unwrap() = 1;
    assert_eq!(world.made("acme").await["upsertResult"], "Created");
    let actions: Vec<String> = world.history().into_iter().map(|(_, action)| action).collect();
    assert_eq!(actions, ["put zone acme", "put zone acme"], "theirs and ours");
}

#[tokio::test]
async fn who_is_never_faster_is_told_what_changed() {
    let store = Difficult::new();
    let world = World::with(Arc::clone(&store) as _, Access::Tokens, Limits::default()).await;
    *store.faster.lock().unwrap() = usize::MAX;
    let answer = world.put(&zone("acme")).await;
    assert_eq!(answer.status, 409);
    let why = answer.error();
    assert!(
        why.contains("somebody else changes the same records") && why.contains("audit/9 exists"),
        "{why}"
    );
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.json(), json!([]));
}

#[tokio::test]
async fn no_token_opens_while_nobody_knows_whether_it_was_revoked() {
    let store = Difficult::new();
    let world = World::with(Arc::clone(&store) as _, Access::Tokens, Limits::default()).await;
    *store.behind.lock().unwrap() = Duration::from_secs(31);
    let answer = world.call("GET", ZONES, &world.admin, "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.error().starts_with("the store cannot be reached"), "{answer:?}");
    *store.behind.lock().unwrap() = Duration::from_secs(30);
    assert_eq!(world.call("GET", ZONES, &world.admin, "").await.status, 200);
    assert_eq!(world.history(), []);
}

#[tokio::test]
async fn a_store_that_fails_is_no_fault_of_the_caller() {
    let store = Difficult::new();
    let world = World::with(Arc::clone(&store) as _, Access::Tokens, Limits::default()).await;
    for (error, msg) in [
        (CommitError::Failed(StoreError("disk full".to_owned())), "the fault is not yours"),
        (CommitError::Unknown(StoreError("cut".to_owned())), "it is not known whether the change was made"),
    ] {
        *store.breaks.lock().unwrap() = Some(error);
        let answer = world.put(&zone("acme")).await;
        assert_eq!((answer.status, answer.json()["msg"].as_str().unwrap()), (500, msg));
        assert!(answer.error().contains("the store failed"), "{answer:?}");
    }
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.json(), json!([]));
    assert_eq!(world.made("acme").await["upsertResult"], "Created");
}
