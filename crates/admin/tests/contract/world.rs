//! An admin REST over the memory store, and calls as the tools make them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine;
use http_body_util::BodyExt;
use ring::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tidegate_admin::{Access, Admin, Daemon, Door, Limits, NewToken, Parts, Peer, ZoneStatus};
use tidegate_core::account::ScramMechanism;
use tidegate_core::records::{AuditRecord, Moment, Role, Sealing, TokenKind};
use tidegate_core::registry::Registry;
use tidegate_core::store::{Revision, Sealer, SealingKey, Store};
use tidegate_core::{
    BackingTopic, ClusterName, Credential, CredentialId, Facts, Label, MemoryFacts, ZoneName, ZoneSpec,
};
use tidegate_gateway::logins::{make_credential, make_password};
use tidegate_store::MemoryStore;
use tidegate_wire::sasl::{ScramCredential, ScramHash};
use tower::ServiceExt;

pub(crate) const ZONES: &str = "/public/console/v2/partner-zone";
pub(crate) const TOKENS: &str = "/token/v1/admin_tokens";

/// What the REST works on, and a token of each role.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) facts: Arc<dyn Facts>,
    pub(crate) rest: Admin,
    router: Router,
    pub(crate) viewer: String,
    pub(crate) operator: String,
    pub(crate) admin: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The texts of an error, which has no other.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let fields = json.as_object().unwrap();
        assert!(fields.keys().all(|key| ["title", "msg", "cause"].contains(&key.as_str())), "{self:?}");
        assert!(!fields["title"].as_str().unwrap().is_empty(), "{self:?}");
        fields["cause"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(MemoryStore::new()), Access::Tokens, Limits::default()).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>, access: Access, limits: Limits) -> Self {
        let sealer = Arc::new(Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap()));
        let facts: Arc<dyn Facts> = Arc::new(MemoryFacts::default());
        let parts = Parts {
            store: Arc::clone(&store),
            sealer: Arc::clone(&sealer),
            facts: Arc::clone(&facts),
            daemon: Arc::new(Stand),
            access,
            limits,
        };
        let rest = Admin::new(parts);
        let mut world = Self {
            store,
            sealer,
            facts,
            router: rest.router(),
            rest,
            viewer: String::new(),
            operator: String::new(),
            admin: String::new(),
        };
        world.viewer = bearer(&world.token(TokenKind::Bearer, Role::Viewer, None).await);
        world.operator = bearer(&world.token(TokenKind::Bearer, Role::Operator, None).await);
        world.admin = bearer(&world.token(TokenKind::Bearer, Role::Admin, None).await);
        world
    }

    /// Puts a token into the store, as the command line does.
    pub(crate) async fn token(&self, kind: TokenKind, role: Role, expires: Option<Moment>) -> NewToken {
        let name = Label::parse(&format!("{role:?}")).unwrap();
        let token = NewToken::make(name, kind, role, Moment(1), expires, &SystemRandom::new()).unwrap();
        let change = self.look(|registry| registry.add_token(&token.record).unwrap());
        self.store.commit(change).await.unwrap();
        token
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Registry<'_>) -> T) -> T {
        let (image, random) = (self.store.image(), SystemRandom::new());
        let sealing = Sealing { sealer: &self.sealer, random: &random };
        look(&Registry { image: &image, sealing, now: Moment(1) })
    }

    pub(crate) fn history(&self) -> Vec<(String, String)> {
        let history = AuditRecord::all(&self.store.image(), &self.sealer);
        history.into_iter().map(|entry| (entry.who, entry.action)).collect()
    }

    /// Every password of a zone's account that lets somebody in among these.
    pub(crate) fn lets_in(&self, zone: &str, password: &str) -> bool {
        let zone = ZoneName::parse(zone).unwrap();
        let account = self.look(|registry| registry.account_of(&zone).unwrap().value.account);
        account.credentials().iter().any(|credential| {
            let verifier = credential.verifier(ScramMechanism::Sha256);
            let keys = (verifier.stored_key().expose_secret(), verifier.server_key().expose_secret());
            let (hash, salt, rounds) = (ScramHash::Sha256, verifier.salt(), verifier.iterations());
            let scram = ScramCredential::from_parts(hash, salt, rounds, keys.0, keys.1).unwrap();
            scram.verify_password(&SecretString::from(password.to_owned()))
        })
    }

    /// A call with a token, as a tool makes it.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", token);
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        if request.extensions().get::<Peer>().is_none() {
            request.extensions_mut().insert(Peer(([127, 0, 0, 1], 1_234).into()));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(crate) async fn put(&self, zone: &Value) -> Answer {
        self.call("PUT", ZONES, &self.operator, &zone.to_string()).await
    }

    /// Makes a zone.
    pub(crate) async fn made(&self, name: &str) -> Value {
        let answer = self.put(&zone(name)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }
}

/// A manifest as somebody writes it.
pub(crate) fn zone(name: &str) -> Value {
    json!({
        "apiVersion": "v2",
        "kind": "PartnerZone",
        "metadata": {"name": name},
        "spec": {
            "cluster": "partner1",
            "displayName": "External Partner Zone",
            "url": "https://partner1.com",
            "serviceAccount": format!("{name}-account"),
            "topics": [
                {"name": "topic-a", "backingTopic": "kafka-topic-a", "permission": "WRITE"},
                {"name": "topic-b", "backingTopic": "kafka-topic-a", "permission": "READ"}
            ],
            "partner": {"name": "John Doe", "role": "Data analyst", "email": "johndoe@company.io", "phone": "07827 837 177"}
        }
    })
}

pub(crate) fn bearer(token: &NewToken) -> String {
    format!("Bearer {}", token.bearer().expose_secret())
}

pub(crate) fn basic(key: &str, secret: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{key}:{secret}"));
    format!("Basic {pair}")
}

/// Waits until something is so; what is done in the background is done soon.
pub(crate) async fn until(mut is: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come");
}

/// A daemon with two clusters, of which one can be entered.
#[derive(Debug)]
struct Stand;

impl Daemon for Stand {
    fn clusters(&self) -> Vec<ClusterName> {
        ["partner1", "other"].map(|name| ClusterName::parse(name).unwrap()).to_vec()
    }

    fn owns(&self, _cluster: &ClusterName, topic: &BackingTopic) -> bool {
        topic.as_str() == "tidegate"
    }

    fn status(&self, _zone: &ZoneSpec, _revision: Revision) -> ZoneStatus {
        ZoneStatus::Pending
    }

    fn doors(&self, zone: &ZoneSpec) -> Vec<Door> {
        let door = Door {
            bootstrap: "kafka.example.com:9092".to_owned(),
            security_protocol: "SASL_SSL",
            mechanisms: vec!["SCRAM-SHA-512", "PLAIN"],
        };
        if zone.cluster().as_str() == "partner1" { vec![door] } else { Vec::new() }
    }

    fn make_password(&self) -> Option<SecretString> {
        make_password()
    }

    fn make_credential(
        &self,
        id: CredentialId,
        password: &SecretString,
        others: &[Credential],
    ) -> Option<Credential> {
        make_credential(id, password, others)
    }
}
