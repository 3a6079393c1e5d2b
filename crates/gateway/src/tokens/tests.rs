use std::sync::Mutex as StdMutex;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::routing::get;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::config::{Machine, parse};

const PACE: Pace = Pace {
    every: Duration::from_secs(3_600),
    least: Duration::from_millis(300),
    deadline: Duration::from_secs(5),
};
const NOW: Moment = Moment(1_000_000_000);

/// An identity provider on a port of its own: it shows what it is told to, and counts who asks.
struct Provider {
    port: u16,
    shown: Arc<StdMutex<(StatusCode, String)>>,
    asked: Arc<StdMutex<usize>>,
    /// How long an answer takes.
    pause: Arc<StdMutex<Duration>>,
}

impl Provider {
    async fn start(keys: &[&Key]) -> Self {
        let shown = Arc::new(StdMutex::new((StatusCode::OK, set(keys))));
        let asked = Arc::new(StdMutex::new(0));
        let pause = Arc::new(StdMutex::new(Duration::ZERO));
        let (show, count, wait) = (Arc::clone(&shown), Arc::clone(&asked), Arc::clone(&pause));
        let answer = move || {
            *count.lock().unwrap() += 1;
            let pause = *wait.lock().unwrap();
            let (status, body) = show.lock().unwrap().clone();
            let answer = Response::builder().status(status).header("location", "/keys");
            async move {
                sleep(pause).await;
                answer.body(Body::from(body)).unwrap()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/keys", get(answer.clone())).route("/elsewhere", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, shown, asked, pause }
    }

    fn show(&self, status: StatusCode, body: String) {
        *self.shown.lock().unwrap() = (status, body);
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

struct Key(&'static str, Ed25519KeyPair);

impl Key {
    fn new(id: &'static str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self(id, Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
    }

    fn token(&self, claims: &Value) -> SecretString {
        let header = json!({"alg": "EdDSA", "kid": self.0});
        let signed = [base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes())].join(".");
        let signature = base64(self.1.sign(signed.as_bytes()).as_ref());
        SecretString::from([signed, signature].join("."))
    }
}

fn set(keys: &[&Key]) -> String {
    let shown = keys.iter().map(|Key(id, pair)| {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": base64(pair.public_key().as_ref())})
    });
    json!({ "keys": shown.collect::<Vec<_>>() }).to_string()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |group: u32, n: usize| char::from(DIGITS[(group >> (18 - 6 * n)) as usize & 63]);
    let groups = bytes.chunks(3).map(|chunk| {
        let group =
            chunk.iter().fold(0, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|n| digit(group, n)).collect::<String>()
    });
    groups.collect()
}

/// The configuration of these providers.
fn config(providers: &Value) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let text = json!({
        "clusters": [{"name": "main", "bootstrap": ["localhost:9092"]}],
        "listeners": [{
            "name": "partners", "cluster": "main", "protocol": "SASL_PLAINTEXT", "mechanisms": ["OAUTHBEARER"],
            "bind": {"host": "127.0.0.1", "port": 19092}, "nodes": {"bindPort": 19100, "count": 2},
        }],
        "identityProviders": providers,
        "zones": {"folder": "."},
        "accounts": {"file": "accounts.yaml"},
        "rootKey": "ab".repeat(32),
    });
    parse(&text.to_string(), &folder.path().join("tidegate.yaml"), &Machine).unwrap()
}

fn by_url(port: u16, path: &str) -> Value {
    json!([{
        "name": "corp", "issuer": "corp", "audiences": ["tidegate"],
        "jwks": {"url": format!("http://127.0.0.1:{port}/{path}")},
    }])
}

fn tokens(config: &Config) -> Arc<Tokens> {
    Arc::new(Tokens::new(config).unwrap())
}

fn claims(principal: &str) -> Value {
    json!({"iss": "corp", "aud": "tidegate", "sub": principal, "exp": 2_000})
}

async fn account(tokens: &Arc<Tokens>, token: &SecretString) -> Result<String, String> {
    let proof = tokens.check(token, NOW, PACE).await;
    proof.map(|proof| proof.account).map_err(|rejection| rejection.to_string())
}

#[tokio::test]
async fn keys_are_fetched_when_a_token_needs_them_and_not_more_often() {
    let (old, new, foreign) = (Key::new("old"), Key::new("new"), Key::new("foreign"));
    let provider = Provider::start(&[&old]).await;
    let tokens = tokens(&config(&by_url(provider.port, "keys")));
    assert_eq!(account(&tokens, &old.token(&claims("acme"))).await.unwrap(), "acme");
    assert_eq!(account(&tokens, &old.token(&claims("acme"))).await.unwrap(), "acme");
    assert_eq!(provider.asked(), 1);

    provider.show(StatusCode::OK, set(&[&old, &new]));
    sleep(PACE.least).await;
    assert_eq!(account(&tokens, &new.token(&claims("acme"))).await.unwrap(), "acme", "at its first login");
    assert_eq!(provider.asked(), 2);
    for _ in 0..20 {
        account(&tokens, &foreign.token(&claims("acme"))).await.unwrap_err();
    }
    assert_eq!(provider.asked(), 2, "strangers cannot make the gateway ask all the time");
}

#[tokio::test]
async fn who_leaves_before_the_keys_are_there_keeps_them_from_nobody() {
    let key = Key::new("k");
    let provider = Provider::start(&[&key]).await;
    *provider.pause.lock().unwrap() = Duration::from_millis(100);
    let tokens = tokens(&config(&by_url(provider.port, "keys")));
    let token = key.token(&claims("acme"));
    let left = tokio::time::timeout(Duration::from_millis(30), account(&tokens, &token)).await;
    assert!(left.is_err(), "it has gone");
    assert_eq!(account(&tokens, &token).await.unwrap(), "acme");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_key_that_is_gone_takes_its_proofs_with_it() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(&[&old]).await;
    let tokens = tokens(&config(&by_url(provider.port, "keys")));
    let proof = tokens.check(&old.token(&claims("acme")), NOW, PACE).await.unwrap();
    assert_eq!(proof.until, Moment(2_030_000_000));
    assert!(tokens.still_takes(&proof));

    provider.show(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    sleep(PACE.least).await;
    account(&tokens, &new.token(&claims("acme"))).await.unwrap_err();
    assert!(tokens.still_takes(&proof), "keys that cannot be fetched stay");

    provider.show(StatusCode::OK, set(&[&new]));
    sleep(PACE.least).await;
    let mut seen = tokens.providers();
    seen.borrow_and_update();
    account(&tokens, &new.token(&claims("acme"))).await.unwrap();
    assert!(seen.has_changed().unwrap() && !tokens.still_takes(&proof));
}

#[tokio::test]
async fn a_new_configuration_keeps_fetched_keys_and_drops_whom_it_does_not_name() {
    let key = Key::new("k");
    let provider = Provider::start(&[&key]).await;
    let by_url = by_url(provider.port, "keys");
    let tokens = tokens(&config(&by_url));
    let proof = tokens.check(&key.token(&claims("acme")), NOW, PACE).await.unwrap();
    let enter = |providers: &Value| tokens.enter(Tokens::prepare(&config(providers)).unwrap());
    enter(&by_url);
    assert!(tokens.still_takes(&proof));
    let mut narrow = by_url.clone();
    narrow[0]["accounts"] = json!(["globex", "acme-*"]);
    enter(&narrow);
    assert!(!tokens.still_takes(&proof));
    let refused = account(&tokens, &key.token(&claims("acme"))).await.unwrap_err();
    assert!(refused.ends_with("provider `corp` may not speak for its account"), "{refused}");
    narrow[0]["rules"] = json!(["RULE:^(.*)$/acme-$1/"]);
    enter(&narrow);
    assert_eq!(account(&tokens, &key.token(&claims("7"))).await.unwrap(), "acme-7");
    assert_eq!(provider.asked(), 1);
    let mut elsewhere = by_url;
    elsewhere[0]["jwks"]["url"] = json!(format!("http://localhost:{}/keys", provider.port));
    enter(&elsewhere);
    assert!(!tokens.still_takes(&proof), "another address may have other keys");
}

#[tokio::test]
async fn no_answer_but_a_key_set_is_taken() {
    let key = Key::new("k");
    let provider = Provider::start(&[&key]).await;
    for (status, body, said) in [
        (StatusCode::FOUND, set(&[&key]), "no keys from a redirect"),
        (StatusCode::NOT_FOUND, set(&[&key]), "nor from an error"),
        (StatusCode::OK, "<html>".to_owned(), "nor from a page"),
        (StatusCode::OK, " ".repeat(10_000_000), "nor from what does not end"),
    ] {
        provider.show(status, body);
        let tokens = tokens(&config(&by_url(provider.port, "elsewhere")));
        let refused = account(&tokens, &key.token(&claims("acme"))).await.unwrap_err();
        assert!(refused.ends_with("the keys of provider `corp` are not fetched yet"), "{said}: {refused}");
    }
    assert_eq!(provider.asked(), 4, "no redirect is followed");
}

#[tokio::test]
async fn an_issuer_that_is_not_known_is_told_and_asks_nobody() {
    let key = Key::new("k");
    let provider = Provider::start(&[&key]).await;
    let tokens = tokens(&config(&by_url(provider.port, "keys")));
    let mut foreign = claims("acme");
    foreign["iss"] = json!("evil\n");
    let refused = account(&tokens, &key.token(&foreign)).await.unwrap_err();
    assert!(refused.ends_with("its issuer `evil\\n` is no identity provider of this gateway"), "{refused}");
    assert_eq!(provider.asked(), 0);
}

#[tokio::test]
async fn keys_are_kept_fresh_without_any_login() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::start(&[&old]).await;
    let tokens = tokens(&config(&by_url(provider.port, "keys")));
    let mut seen = tokens.providers();
    let pace = Pace { every: Duration::from_millis(200), least: Duration::from_millis(100), ..PACE };
    let keeping = tokio::spawn(Arc::clone(&tokens).keep(move || pace));
    seen.wait_for(|providers| providers[0].has_keys()).await.unwrap();
    let proof = tokens.check(&old.token(&claims("acme")), NOW, PACE).await.unwrap();
    provider.show(StatusCode::OK, set(&[&new]));
    seen.wait_for(|providers| !still_takes(providers, &proof)).await.unwrap();
    keeping.abort();
}
