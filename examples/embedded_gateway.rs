//! The smallest embedding: a gateway inside another program, which says itself who may log in and what they see.
//!
//! ```sh
//! cargo xtask kafka up     # or any Kafka of your own
//! cargo run -p tidegate-examples --bin embedded_gateway -- localhost:9092 my-topic 19092
//! kcat -b 127.0.0.1:19092 -X security.protocol=SASL_PLAINTEXT -X sasl.mechanism=PLAIN \
//!      -X sasl.username=acme -X sasl.password=token-of-acme -t orders
//! ```
//!
//! The program brings its own authenticator, zones and store, so there is no zone folder, no accounts file and no state
//! file; only `tidegate-example.key`, the root key, is made in the working directory.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use tidegate_core::{Account, MemoryFacts, SourcedZone, parse_zones};
use tidegate_gateway::config::{self, Machine};
use tidegate_gateway::desired::Desired;
use tidegate_gateway::logins::{Authenticator, Proven};
use tidegate_gateway::{Gateway, Parts};
use tidegate_wire::sasl::{Rejection, ScramCredential, ScramHash};
use tokio::sync::watch;

/// Partners show a token instead of a password. Your program would ask its own database here.
#[derive(Debug)]
struct Tokens {
    /// The SHA-256 of each user's token: tokens are random and long, so there is nothing to stretch.
    of: HashMap<String, Vec<u8>>,
}

#[async_trait]
impl Authenticator for Tokens {
    async fn check_password(
        &self,
        user: &str,
        _account: Option<Arc<Account>>,
        password: SecretString,
    ) -> Result<Proven, Rejection> {
        // Hashed before anything is looked up: an unknown user takes as long as a known one, and how many bytes of two
        // hashes agree tells nothing of the token.
        let shown = digest(&SHA256, password.expose_secret().as_bytes());
        match self.of.get(user) {
            None => Err(Rejection::UnknownUser),
            Some(token) if token.as_slice() == shown.as_ref() => Ok(Proven::Account),
            Some(_) => Err(Rejection::WrongPassword),
        }
    }

    /// SCRAM needs a verifier, which tokens have not; the listener below does not offer it.
    fn scram_credential(
        &self,
        _user: &str,
        _account: Option<Arc<Account>>,
        _hash: ScramHash,
    ) -> Option<(ScramCredential, bool)> {
        None
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, topic, port] = arguments.as_slice() else {
        anyhow::bail!("write: embedded_gateway BOOTSTRAP TOPIC PORT");
    };
    let port: u16 = port.parse().context("PORT is not a port")?;

    // What an operator would write, without `zones` and `accounts`; the path says where relative ones begin.
    let text = format!(
        "
clusters: [{{name: main, bootstrap: ['{bootstrap}']}}]
listeners:
  - name: partners
    cluster: main
    protocol: SASL_PLAINTEXT
    mechanisms: [PLAIN]
    bind: {{host: 127.0.0.1, port: {port}}}
    nodes: {{bindPort: {nodes}, count: 8}}
http: {{bind: {{host: 127.0.0.1, port: {http}}}}}
rootKey: file:tidegate-example.key
",
        nodes = port + 1,
        http = port + 20,
    );
    let config = config::parse_embedded(&text, Path::new("in embedded_gateway"), &Machine)?;

    // Zones are values. Whatever is sent later holds at once: keep `publish` and send a new `Desired` for every change.
    let (publish, zones) = watch::channel(Arc::new(zones(topic)?));

    let token = digest(&SHA256, b"token-of-acme").as_ref().to_vec();
    let authenticator = Arc::new(Tokens { of: [("acme".to_owned(), token)].into() });
    // Facts in memory are gone with the process; `tidegate-store` keeps them in a file.
    let parts = Parts::new(authenticator, Arc::new(MemoryFacts::default())).with_desired(zones);

    // Reaches the cluster and binds every port, or fails and leaves nothing behind.
    let gateway = Gateway::start_with(config, parts, None).await?;
    println!("ready");
    // Serves until the future resolves, then lets open requests finish.
    gateway
        .run(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
    drop(publish);
    Ok(())
}

/// One zone: its partner sees `topic` under the name `orders`.
fn zones(topic: &str) -> Result<Desired> {
    let manifest = format!(
        "
apiVersion: v2
kind: PartnerZone
metadata: {{name: acme}}
spec:
  cluster: main
  serviceAccount: acme
  topics: [{{name: orders, backingTopic: '{topic}', permission: WRITE}}]
"
    );
    let source = "embedded_gateway".to_owned();
    let zones = parse_zones(&manifest)?.into_iter().map(|zone| SourcedZone::new(source.clone(), zone));
    // Each zone's account exists without credentials: `Tokens` alone decides who logs in.
    Ok(Desired::of_zones(zones.collect())?)
}
