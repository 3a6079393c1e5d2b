//! An identity provider: it shows its public keys and gives out tokens by client credentials (RFC 6749 section 4.4), as
//! Keycloak and the like do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::pki::Identity;

/// What `iss` says unless a test says otherwise.
pub const ISSUER: &str = "https://idp.example.com/realms/partners";
/// What `aud` says unless a test says otherwise.
pub const AUDIENCE: &str = "tidegate";

/// An identity provider on a port of its own, for as long as the test runs.
pub struct Idp {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    keys: Vec<Key>,
    /// What tokens say, by the client's id; without it they are good and stand for the id.
    claims: HashMap<String, Value>,
    /// Tokens that were given out over the network.
    given: usize,
}

/// A key that signs tokens.
#[derive(Clone)]
pub struct Key {
    id: String,
    pair: Arc<EcdsaKeyPair>,
}

impl Key {
    /// A new key.
    pub fn create(id: &str) -> Result<Self> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let failed = |_| anyhow::anyhow!("no key");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
        let pair = pair.map_err(|error| anyhow::anyhow!("no key: {error}"))?;
        Ok(Self { id: id.to_owned(), pair: Arc::new(pair) })
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.id});
        let signed = [encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes())].join(".");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| anyhow::anyhow!("no signature"))?;
        Ok([signed, encode(signature.as_ref())].join("."))
    }

    fn public(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": encode(x), "y": encode(y),
        })
    }
}

impl Idp {
    /// Starts one with these keys, the first of which signs.
    pub fn start(keys: &[Key]) -> Result<Self> {
        Self::start_with(keys, None)
    }

    /// As [`Idp::start`], behind TLS.
    pub fn start_over_tls(keys: &[Key], identity: &Identity) -> Result<Self> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(&identity.chain)?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&identity.key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Self::start_with(keys, Some(Arc::new(config)))
    }

    fn start_with(keys: &[Key], tls: Option<Arc<ServerConfig>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { keys: keys.to_vec(), claims: HashMap::new(), given: 0 }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                thread::spawn(move || match tls {
                    None => answer(stream, &state),
                    Some(config) => answer(StreamOwned::new(ServerConnection::new(config)?, stream), &state),
                });
            }
        });
        Ok(Self { address, state })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where tokens are given out.
    pub fn token_endpoint(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Where the public keys are, in plain text.
    pub fn keys_url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// The keys from now on; the first signs.
    pub fn rotate(&self, keys: &[Key]) {
        self.state.lock().unwrap().keys = keys.to_vec();
    }

    /// What the tokens of a client say from now on.
    pub fn claims(&self, client: &str, claims: Value) {
        self.state.lock().unwrap().claims.insert(client.to_owned(), claims);
    }

    /// How many tokens were given out over the network.
    pub fn given(&self) -> usize {
        self.state.lock().unwrap().given
    }

    /// A token of a client.
    pub fn token(&self, client: &str) -> Result<String> {
        self.state.lock().unwrap().token(client)
    }
}

impl State {
    fn token(&self, client: &str) -> Result<String> {
        let claims = self.claims.get(client).cloned().unwrap_or_else(|| good(client));
        self.keys.first().context("no key")?.sign(&claims)
    }
}

/// Claims that are good for five minutes.
pub fn good(principal: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": [AUDIENCE, "account"], "sub": principal, "iat": now(), "exp": now() + 300, "scope": "kafka",
    })
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A token that nobody has signed (`alg` is `none`), good for so many seconds.
pub fn unsigned(principal: &str, lasts: u64) -> String {
    let claims = json!({"sub": principal, "iat": now(), "exp": now() + lasts});
    format!("{}.{}.", encode(br#"{"alg":"none"}"#), encode(claims.to_string().as_bytes()))
}

/// The public keys as a file has them.
pub fn key_set(keys: &[Key]) -> String {
    json!({"keys": keys.iter().map(Key::public).collect::<Vec<_>>()}).to_string()
}

/// Answers one request of HTTP/1.1 and closes.
fn answer(mut stream: impl Read + Write, state: &Mutex<State>) -> Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let (mut first, mut length, mut basic) = (String::new(), 0, None);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "authorization" => basic = value.trim().strip_prefix("Basic ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, text) = match first.split(' ').nth(1) {
        Some("/keys") => ("200 OK", key_set(&state.lock().unwrap().keys)),
        Some("/token") => {
            let mut state = state.lock().unwrap();
            state.given += 1;
            let token = state.token(&client_id(basic.as_deref(), &body)?)?;
            ("200 OK", json!({"access_token": token, "token_type": "Bearer", "expires_in": 300}).to_string())
        }
        _ => ("404 Not Found", String::new()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )?;
    stream.flush()?;
    Ok(())
}

/// Who asks for a token: in the header, or in the form.
fn client_id(basic: Option<&str>, body: &[u8]) -> Result<String> {
    if let Some(basic) = basic {
        let text = String::from_utf8(STANDARD.decode(basic)?)?;
        return Ok(text.split(':').next().unwrap_or_default().to_owned());
    }
    let form = String::from_utf8_lossy(body).into_owned();
    let id = form.split('&').find_map(|pair| pair.strip_prefix("client_id="));
    id.map(str::to_owned).context("no client id")
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
