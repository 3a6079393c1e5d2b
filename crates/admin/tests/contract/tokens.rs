//! Tokens over REST.

use serde_json::json;

use crate::world::{TOKENS, World, ZONES, basic};

#[tokio::test]
async fn a_token_is_made_shown_once_listed_and_taken_away() {
    let world = World::new().await;
    let made = world.call("POST", TOKENS, &world.admin, r#"{"name": "CI"}"#).await;
    assert_eq!(made.headers["cache-control"], "no-store");
    let made = made.json();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert!(token.starts_with(&format!("tidegate_{id}_")), "{token}");
    assert_eq!(
        (&made["name"], &made["role"], &made["kind"]),
        (&json!("CI"), &json!("ADMIN"), &json!("BEARER"))
    );
    let shown = format!("Bearer {token}");
    assert_eq!(world.call("GET", TOKENS, &shown, "").await.status, 200);
    let list = world.call("GET", TOKENS, &world.viewer, "").await;
    assert!(!list.text.contains(token) && !list.text.contains("sha256"), "{list:?}");
    let list = list.json();
    let listed = list.as_array().unwrap().iter().find(|token| token["id"] == id).unwrap();
    assert_eq!((&listed["createdAt"], &listed["name"]), (&made["createdAt"], &json!("CI")));
    assert!(listed["lastTimeUsed"].as_str().unwrap().ends_with('Z'), "{listed}");
    let secret = token.rsplit_once('_').unwrap().1;
    assert!(!world.store.image().iter().any(|record| record.body.text().contains(secret)));
    let gone = world.call("DELETE", &format!("/api/token/v1/{id}"), &world.admin, "").await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    let again = world.call("DELETE", &format!("/token/v1/{id}"), &world.admin, "").await;
    assert_eq!((again.status, again.error()), (404, format!("there is no token `{id}`")));
}

#[tokio::test]
async fn a_pair_with_a_role_and_an_end_is_made_too() {
    let world = World::new().await;
    let body = r#"{"name": "terraform", "role": "OPERATOR", "kind": "KEY_SECRET", "expiresInDays": 30}"#;
    let made = world.call("POST", TOKENS, &world.admin, body).await.json();
    assert!(made["token"].is_null() && made["expiresAt"].as_str().unwrap().ends_with('Z'), "{made}");
    let shown = basic(made["key"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(world.call("GET", ZONES, &shown, "").await.status, 200);
    assert_eq!(world.call("POST", TOKENS, &shown, body).await.status, 403);
    let who = world.call("GET", "/token/v1/whoami", &shown, "").await.json();
    assert_eq!((&who["role"], &who["expiresAt"]), (&json!("OPERATOR"), &made["expiresAt"]));
}

#[tokio::test]
async fn all_mistakes_of_a_wanted_token_are_told_at_once() {
    let world = World::new().await;
    let body = r#"{"nam": "x", "role": "ROOT", "kind": "COOKIE", "expiresInDays": 0}"#;
    let answer = world.call("POST", TOKENS, &world.admin, body).await;
    assert_eq!((answer.status, answer.json()["msg"].as_str().unwrap()), (400, "5 mistakes"));
    let told = answer.error();
    assert!(!told.contains("document"), "{told}");
    for part in ["field `name` is missing", "nam", "role", "kind", "expiresInDays"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for body in
        ["", "null", "[]", "{", r#"{"name": ""}"#, r#"{"name": "a\u0007"}"#, r#"{"name": "sealed:x"}"#]
    {
        let answer = world.call("POST", TOKENS, &world.admin, body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(!answer.error().is_empty());
    }
}

#[tokio::test]
async fn who_one_is() {
    let world = World::new().await;
    for (token, role) in [(&world.viewer, "VIEWER"), (&world.operator, "OPERATOR"), (&world.admin, "ADMIN")] {
        for prefix in ["", "/api"] {
            let who = world.call("GET", &format!("{prefix}/token/v1/whoami"), token, "").await.json();
            assert_eq!(who["role"], role);
            assert!(token.contains(who["id"].as_str().unwrap()));
        }
    }
}
