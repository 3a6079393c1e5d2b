//! Passwords of a zone's account, one by one.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_core::{CredentialId, Fact, Timestamp, ZoneName};

use crate::world::{Answer, World, ZONES};

const ACME: &str = "/public/partner-zone/v2/acme/credentials";

async fn create(world: &World, body: &str) -> Answer {
    world.call("POST", ACME, &world.operator, body).await
}

async fn created(world: &World, body: &str) -> (String, String) {
    let made = create(world, body).await;
    assert_eq!(made.status, 200, "{made:?}");
    let (made, text) = (made.json(), |value: &Value| value.as_str().unwrap().to_owned());
    (text(&made["id"]), text(&made["password"]))
}

async fn listed(world: &World) -> Vec<Value> {
    let answer = world.call("GET", ACME, &world.viewer, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

async fn delete(world: &World, id: &str) -> Answer {
    world.call("DELETE", &format!("{ACME}/{id}"), &world.operator, "").await
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_password_is_made_shown_once_listed_and_taken_away() {
    let world = World::new().await;
    world.made("acme").await;
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    let made = world
        .call(
            "POST",
            &format!("/api{ACME}"),
            &world.operator,
            r#"{"label": "since May", "expiresInDays": 30}"#,
        )
        .await;
    assert_eq!((made.status, &made.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    let made = made.json();
    assert_eq!(names(&made), ["expiresAt", "id", "password"]);
    let (id, password) = (made["id"].as_str().unwrap(), made["password"].as_str().unwrap());
    assert!(world.lets_in("acme", password));
    let (other, another) = created(&world, "").await;

    let list = world.call("GET", &format!("/api{ACME}"), &world.viewer, "").await;
    assert!(!list.text.contains(password) && !list.text.contains(&another), "{list:?}");
    let list = listed(&world).await;
    assert_eq!((&list[0]["id"], &list[0]["label"]), (&json!(id), &json!("since May")), "the oldest first");
    assert_eq!(list[0]["expiresAt"], made["expiresAt"]);
    let life = [&list[0]["createdAt"], &list[0]["expiresAt"]].map(|time| time.as_str().unwrap().to_owned());
    assert!(life[0] < life[1] && life[0].len() == "2025-01-27T12:55:05Z".len(), "{life:?}");
    assert_eq!(names(&list[1]), ["createdAt", "id"]);
    assert!(!world.store.image().iter().any(|record| record.body.text().contains(password)));

    let gone = world.call("DELETE", &format!("/api{ACME}/{id}"), &world.operator, "").await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    assert!(!world.lets_in("acme", password) && world.lets_in("acme", &another));
    let left = listed(&world).await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(other)));
    let again = delete(&world, id).await;
    assert_eq!(
        (again.status, again.error()),
        (404, format!("account `acme-account` has no credential `{id}`"))
    );
}

#[tokio::test]
async fn the_last_one_may_go_and_others_come_after_it() {
    let world = World::new().await;
    world.made("acme").await;
    let (id, first) = created(&world, "null").await;
    assert_eq!(delete(&world, &id).await.status, 200);
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    let (_, second) = created(&world, "{}").await;
    assert!(!world.lets_in("acme", &first) && world.lets_in("acme", &second));
}

#[tokio::test]
async fn what_other_tools_made_is_listed_and_taken_away_too() {
    let world = World::new().await;
    world.made("acme").await;
    let generate = "/public/partner-zone/v2/acme/generate-credentials";
    let password = world.call("POST", generate, &world.operator, "null").await.json();
    let list = listed(&world).await;
    assert_eq!(delete(&world, list[0]["id"].as_str().unwrap()).await.status, 200);
    assert!(!world.lets_in("acme", password.as_str().unwrap()));
}

#[tokio::test]
async fn when_each_was_in_use_last() {
    let world = World::new().await;
    world.made("acme").await;
    let (id, _) = created(&world, "").await;
    created(&world, "").await;
    let acme = ZoneName::parse("acme").unwrap();
    let zone = world.look(|registry| registry.zone(&acme).unwrap().unwrap().value.id);
    let fact = Fact::Login { credential: CredentialId::parse(&id).unwrap(), used: Timestamp(1_709_251_200) };
    world.facts.keep(zone, vec![fact]).await.unwrap();
    let list = listed(&world).await;
    assert_eq!(list[0]["lastTimeUsed"], "2024-03-01T00:00:00Z");
    assert!(list[1]["lastTimeUsed"].is_null(), "{list:?}");
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let world = World::new().await;
    world.made("acme").await;
    let none = "/public/partner-zone/v2/none/credentials";
    for (method, path) in [("GET", none), ("POST", none), ("DELETE", &format!("{none}/x"))] {
        let answer = world.call(method, path, &world.operator, "").await;
        assert_eq!((answer.status, answer.error()), (404, "there is no zone `none`".to_owned()), "{method}");
    }
    for (path, part) in [
        (format!("{ACME}/a%20b"), "id: "),
        (format!("{ACME}/%ff"), "no UTF-8 text"),
        ("/public/partner-zone/v2/A%20b/credentials/x".to_owned(), "name: "),
    ] {
        let answer = world.call("DELETE", &path, &world.operator, "").await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().contains(part), "{answer:?}");
    }
    assert_eq!(world.call("PUT", ACME, &world.operator, "{}").await.status, 405);
    assert_eq!(world.call("GET", &format!("{ACME}/x"), &world.operator, "").await.status, 405);
    assert_eq!(world.history().len(), 1, "nothing but the zone was made");
}

#[tokio::test]
async fn all_mistakes_of_a_wanted_password_are_told_at_once() {
    let world = World::new().await;
    world.made("acme").await;
    let body = r#"{"label": "sealed:x", "expiresInDays": 3651, "password": "mine"}"#;
    let answer = create(&world, body).await;
    assert_eq!((answer.status, answer.json()["msg"].as_str().unwrap()), (400, "3 mistakes"));
    let told = answer.error();
    assert!(!told.contains("document") && !told.contains("mine"), "{told}");
    for part in ["label", "write 1 to 3650, or leave it out", "password"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let long = format!(r#"{{"label": "{}"}}"#, "x".repeat(129));
    for body in [
        "[]",
        "{",
        "x",
        "{}\n---\n{}",
        r#"{"label": ""}"#,
        r#"{"label": "a\u0007"}"#,
        r#"{"label": {}}"#,
        r#"{"expiresInDays": 0}"#,
        r#"{"expiresInDays": "1"}"#,
        r#"{"expiresInDays": -1}"#,
        r#"{"expiresInDays": 1.5}"#,
        &long,
    ] {
        let answer = create(&world, body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(!answer.error().is_empty());
    }
    assert_eq!(listed(&world).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_was_done_is_in_the_history_with_what_people_call_it() {
    let world = World::new().await;
    world.made("acme").await;
    let (named, _) = created(&world, r#"{"label": "since May"}"#).await;
    let (nameless, _) = created(&world, "").await;
    for id in [&named, &nameless] {
        assert_eq!(delete(&world, id).await.status, 200);
    }
    let actions: Vec<String> = world.history().into_iter().skip(1).map(|(_, action)| action).collect();
    assert_eq!(
        actions,
        [
            format!("create credential {named} (since May) of zone acme"),
            format!("create credential {nameless} of zone acme"),
            format!("revoke credential {named} (since May) of zone acme"),
            format!("revoke credential {nameless} of zone acme"),
        ]
    );
    assert!(world.history()[1].0.contains("(Operator) from 127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_at_once_one_gets_the_last_place() {
    let world = Arc::new(World::new().await);
    world.made("acme").await;
    for _ in 0..31 {
        created(&world, "").await;
    }
    let calls = [0, 1].map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { create(&world, "").await })
    });
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers.sort_by_key(|answer| answer.status);
    assert_eq!((answers[0].status, answers[1].status), (200, 409), "{answers:?}");
    assert!(answers[1].error().contains("has 32 passwords; revoke one"), "{answers:?}");
    let list = listed(&world).await;
    assert_eq!(list.len(), 32);
    assert_eq!(delete(&world, list[0]["id"].as_str().unwrap()).await.status, 200);
    created(&world, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_passwords_made_at_once_are_all_good() {
    let world = Arc::new(World::new().await);
    world.made("acme").await;
    let calls = [0, 1].map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { created(&world, "").await })
    });
    let mut ids = Vec::new();
    for call in calls {
        let (id, password) = call.await.unwrap();
        assert!(world.lets_in("acme", &password));
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(listed(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_take_the_same_away_one_is_told() {
    let world = Arc::new(World::new().await);
    world.made("acme").await;
    let (id, _) = created(&world, "").await;
    let (_, kept) = created(&world, "").await;
    let calls = [0, 1].map(|_| {
        let (world, id) = (Arc::clone(&world), id.clone());
        tokio::spawn(async move { delete(&world, &id).await.status })
    });
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert!(world.lets_in("acme", &kept));
    let revoked = world.history().into_iter().filter(|(_, action)| action.starts_with("revoke"));
    assert_eq!(revoked.count(), 1);
}

#[tokio::test]
async fn they_go_with_their_zone() {
    let world = World::new().await;
    world.made("acme").await;
    let (_, password) = created(&world, "").await;
    world.call("DELETE", &format!("{ZONES}/acme"), &world.operator, "").await;
    world.made("acme").await;
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    assert!(!world.lets_in("acme", &password));
}
