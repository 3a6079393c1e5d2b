//! Who is let in, and who is refused later and later.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use tidegate_admin::{Access, Limits};
use tidegate_core::records::{Moment, Role, TokenKind};
use tidegate_store::MemoryStore;
use tokio::time::Instant;

use crate::world::{World, ZONES, basic, bearer};

const WHO: &str = "/token/v1/whoami";

#[tokio::test(start_paused = true)]
async fn a_token_opens_only_as_what_it_is() {
    let world = World::new().await;
    let pair = world.token(TokenKind::KeySecret, Role::Viewer, None).await;
    let (key, secret) = (pair.record.id.as_str(), pair.secret.expose_secret());
    let answer = world.call("GET", WHO, &basic(key, secret), "").await;
    assert_eq!(answer.json(), json!({"id": key, "name": "Viewer", "role": "VIEWER"}));
    let token = world.token(TokenKind::Bearer, Role::Viewer, None).await;
    let expired = world.token(TokenKind::Bearer, Role::Admin, Some(Moment(2))).await;
    assert_eq!(world.call("GET", WHO, &bearer(&token), "").await.status, 200);
    let cut = bearer(&token);
    for wrong in [
        bearer(&pair),
        basic(token.record.id.as_str(), token.secret.expose_secret()),
        bearer(&expired),
        cut[..cut.len() - 1].to_owned(),
        basic(key, ""),
        "Bearer tidegate_NOBODY_secret".to_owned(),
        "Bearer x".to_owned(),
        "Negotiate x".to_owned(),
    ] {
        let answer = world.call("GET", WHO, &wrong, "").await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.error().starts_with("the token does not open"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_any_more() {
    let world = World::new().await;
    let token = world.token(TokenKind::Bearer, Role::Viewer, None).await;
    assert_eq!(world.call("GET", WHO, &bearer(&token), "").await.status, 200);
    let path = format!("/token/v1/{}", token.record.id);
    assert_eq!(world.call("DELETE", &path, &world.admin, "").await.status, 200);
    assert_eq!(world.call("GET", WHO, &bearer(&token), "").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn guessing_is_refused_later_and_later_and_locks_nobody_out() {
    let world = World::new().await;
    let begin = Instant::now();
    let mut waits = Vec::new();
    for _ in 0..7 {
        let before = Instant::now();
        world.call("GET", ZONES, "Bearer tidegate_A_guess", "").await;
        waits.push(before.elapsed().as_millis());
    }
    let expected = [100, 200, 400, 800, 1_600, 3_200, 5_000];
    for (waited, least) in waits.iter().zip(expected) {
        assert!((least..least + 50).contains(waited), "{waits:?}");
    }
    let before = Instant::now();
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.status, 200);
    assert_eq!(before.elapsed(), Duration::ZERO, "a token that opens is let in at once");
    assert!(begin.elapsed() > Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn guessing_at_once_is_no_faster() {
    let limits = Limits { failed_logins_at_once: 2, ..Limits::default() };
    let world = Arc::new(World::with(Arc::new(MemoryStore::new()), Access::Tokens, limits).await);
    let guesses: Vec<_> = (0..10)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.call("GET", ZONES, "Bearer tidegate_A_guess", "").await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 8, "{statuses:?}");
}
