//! Who may do what: every verb with every role, and without a token.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use std::sync::Arc;
use tidegate_admin::{Access, Limits, Peer};
use tidegate_store::MemoryStore;

use crate::world::{TOKENS, World, ZONES, until, zone};

/// Each verb, the smallest role that may, and what it answers then.
fn verbs() -> Vec<(&'static str, String, &'static str, String, u16)> {
    let acme = format!("{ZONES}/acme");
    let row = |method, path: &str, role, body: &str, status| {
        (method, path.to_owned(), role, body.to_owned(), status)
    };
    vec![
        row("GET", ZONES, "viewer", "", 200),
        row("GET", &acme, "viewer", "", 200),
        row("GET", &format!("{acme}/kafka-configuration"), "viewer", "", 200),
        row("GET", TOKENS, "viewer", "", 200),
        row("GET", "/token/v1/whoami", "viewer", "", 200),
        row("PUT", ZONES, "operator", &zone("acme").to_string(), 200),
        row("POST", "/public/partner-zone/v2/acme/generate-credentials", "operator", "null", 200),
        row("GET", "/public/partner-zone/v2/acme/credentials", "viewer", "", 200),
        row("POST", "/public/partner-zone/v2/acme/credentials", "operator", "{}", 200),
        row("DELETE", "/public/partner-zone/v2/acme/credentials/none", "operator", "", 404),
        row("POST", TOKENS, "admin", r#"{"name": "CI"}"#, 200),
        row("DELETE", "/token/v1/NONE", "admin", "", 404),
        row("DELETE", &format!("{ZONES}/none"), "operator", "", 404),
    ]
}

#[tokio::test]
async fn each_verb_takes_its_role_under_both_prefixes() {
    let world = World::new().await;
    world.made("acme").await;
    let roles = [("viewer", &world.viewer), ("operator", &world.operator), ("admin", &world.admin)];
    for (method, path, needed, body, status) in verbs() {
        let rank = |role: &str| roles.iter().position(|(name, _)| *name == role).unwrap();
        for prefix in ["", "/api"] {
            let path = format!("{prefix}{path}");
            for (role, token) in roles {
                let answer = world.call(method, &path, token, &body).await;
                if rank(role) >= rank(needed) {
                    assert_eq!(answer.status, status, "{role} {method} {path}: {answer:?}");
                } else {
                    assert_eq!(answer.status, 403, "{role} {method} {path}: {answer:?}");
                    let needed = needed.to_uppercase();
                    assert!(
                        answer.error().starts_with(&format!("this takes the role {needed}")),
                        "{answer:?}"
                    );
                }
            }
            let request =
                Request::builder().method(method).uri(&path).body(Body::from(body.clone())).unwrap();
            let nobody = world.send(request).await;
            assert_eq!(
                (nobody.status, &nobody.headers["www-authenticate"]),
                (401, &"Bearer".parse().unwrap())
            );
            assert!(nobody.error().starts_with("no token came with it"), "{nobody:?}");
        }
    }
}

#[tokio::test]
async fn who_is_denied_changes_nothing_and_is_in_the_history() {
    let world = World::new().await;
    let denied = world.call("PUT", ZONES, &world.viewer, &zone("acme").to_string()).await;
    assert_eq!(denied.status, 403);
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.json(), json!([]));
    until(|| !world.history().is_empty()).await;
    let (who, action) = world.history().remove(0);
    assert!(who.starts_with("token ") && who.ends_with(" (Viewer) from 127.0.0.1"), "{who}");
    assert_eq!(action, "denied: PUT /public/console/v2/partner-zone (put zone)");
    let request = Request::delete(format!("{ZONES}/acme")).body(Body::empty()).unwrap();
    world.send(request).await;
    until(|| world.history().len() == 2).await;
    let (who, action) = world.history().remove(1);
    assert_eq!(who, "somebody without a token from 127.0.0.1");
    assert_eq!(action, "denied: DELETE /public/console/v2/partner-zone/acme (delete zone)");
}

#[tokio::test]
async fn denied_calls_do_not_push_out_of_the_history_what_was_done() {
    let world = World::new().await;
    world.made("acme").await;
    for _ in 0..200 {
        world.call("DELETE", &format!("{ZONES}/acme"), &world.viewer, "").await;
    }
    until(|| world.history().len() == 31).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(world.history().len(), 31);
    assert_eq!(world.history()[0].1, "put zone acme");
}

#[tokio::test]
async fn every_change_is_in_the_history_with_who_made_it() {
    let world = World::new().await;
    world.made("acme").await;
    world.made("acme").await;
    world.call("POST", "/public/partner-zone/v2/acme/generate-credentials", &world.operator, "null").await;
    let made = world.call("POST", TOKENS, &world.admin, r#"{"name": "CI"}"#).await.json();
    let id = made["id"].as_str().unwrap();
    world.call("DELETE", &format!("/token/v1/{id}"), &world.admin, "").await;
    world.call("DELETE", &format!("{ZONES}/acme"), &world.operator, "").await;
    let history = world.history();
    let actions: Vec<&str> = history.iter().map(|(_, action)| action.as_str()).collect();
    assert_eq!(actions[0], "put zone acme");
    assert!(actions[1].starts_with("generate credentials rest-") && actions[1].ends_with(" of zone acme"));
    assert_eq!(actions[2], format!("create token {id} (CI)"));
    assert_eq!(actions[3..], [format!("revoke token {id} (CI)"), "delete zone acme".to_owned()]);
    assert!(
        history[0].0.contains("(Operator) from 127.0.0.1") && history[2].0.contains("(Admin)"),
        "{history:?}"
    );
}

#[tokio::test]
async fn without_authentication_this_machine_is_served_and_no_page_of_a_browser() {
    let world =
        World::with(Arc::new(MemoryStore::new()), Access::AnyoneOnThisMachine, Limits::default()).await;
    let send = |peer: [u8; 4], headers: &[(&str, &str)]| {
        let mut request = Request::put(ZONES);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(Peer((peer, 1).into()));
        world.send(request.body(Body::from(zone("acme").to_string())).unwrap())
    };
    let answer = send([127, 0, 0, 1], &[("host", "localhost:8080")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.history()[0].0, "anyone on this machine from 127.0.0.1");
    let page = [("host", "localhost:8080"), ("origin", "http://evil.example")];
    for (peer, headers) in [
        ([10, 0, 0, 1], &[][..]),
        ([127, 0, 0, 1], &page[..]),
        ([127, 0, 0, 1], &[("host", "evil.example")][..]),
    ] {
        let answer = send(peer, headers).await;
        assert_eq!(answer.status, 403, "{peer:?} {headers:?}");
        assert!(answer.error().starts_with("without tokens"), "{answer:?}");
    }
}
