//! OAUTHBEARER: tokens of an identity provider, good ones and bad ones.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use serde_json::{Value, json};
use tidegate_e2e::clients::{Client, ClientConfig, Step};
use tidegate_e2e::gateway::{Gateway, Home, client_config};
use tidegate_e2e::idp::{AUDIENCE, ISSUER, Idp, Key, good, key_set, now};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::site::{Handled, wait_for};

use super::{ALIAS, LIMIT, PASSWORD, add_zone, start, topics, works};

/// What every refused client hears, whatever the cause.
const REFUSAL: &str = "Authentication failed, invalid credentials";

/// A gateway that takes the tokens of an identity provider.
struct Site {
    home: Home,
    idp: Idp,
    key: Key,
    gateway: Gateway,
}

impl Site {
    /// With zone `acme` of tokens and `other` of passwords.
    fn start() -> Result<Self> {
        let key = Key::create("first")?;
        let idp = Idp::start(std::slice::from_ref(&key))?;
        let home = home(&format!("{{url: \"{}\"}}", idp.keys_url()))?;
        let gateway = start(&home)?;
        Ok(Self { home, idp, key, gateway })
    }

    fn client(&self, id: &str) -> ClientConfig {
        let endpoint = Some(self.idp.token_endpoint());
        ClientConfig {
            token_endpoint: endpoint,
            bootstrap: self.home.ports().bound().to_string(),
            ..client_config(&self.home, "OAUTHBEARER", id, "a-secret-of-the-client")
        }
    }

    fn open(&self) -> Result<Connection> {
        Connection::open(self.home.ports().bound(), LIMIT)
    }

    /// Logs in with a token.
    fn enter(&self, token: &str) -> Result<(Connection, SaslAuthenticateResponse)> {
        let mut connection = self.open()?;
        let answer = present(&mut connection, token)?;
        Ok((connection, answer))
    }

    /// Logs in with a token that says this.
    fn enter_with(&self, claims: &Value) -> Result<(Connection, SaslAuthenticateResponse)> {
        self.enter(&self.key.sign(claims)?)
    }

    fn reload(&self) -> Result<()> {
        let before = self.home.log().len();
        self.gateway.reload()?;
        Handled::logged_after(&self.home, before)?;
        Ok(())
    }
}

/// The files of a gateway with `jwks` as the place of the keys; fetched every second, and again after half a second.
fn home(jwks: &str) -> Result<Home> {
    let home = super::home("protocol: SASL_PLAINTEXT\nmechanisms: [OAUTHBEARER, PLAIN]\n{bind}\n{nodes}")?;
    let text = fs::read_to_string(home.file("tidegate.yaml"))?;
    let providers = format!(
        "identityProviders:\n  - {{name: corp, issuer: \"{ISSUER}\", audiences: [{AUDIENCE}], jwks: {jwks}}}\n"
    );
    let limits = "limits: {jwksRefreshMs: 1000, jwksRefreshMinMs: 500, tokenClockSkewMs: 1000}\n";
    home.write("tidegate.yaml", &format!("{text}\n{providers}{limits}"))?;
    add_zone(&home, "acme", "OAUTHBEARER")?;
    add_zone(&home, "other", "PLAIN")?;
    Ok(home)
}

/// Shows a token; the last answer, after the challenge if there is one.
fn present(connection: &mut Connection, token: &str) -> Result<SaslAuthenticateResponse> {
    let mechanism = StrBytes::from_static_str("OAUTHBEARER");
    let shaken = connection.call(1, &SaslHandshakeRequest::default().with_mechanism(mechanism))?;
    ensure!(shaken.error_code == 0, "SASL handshake refused with code {}", shaken.error_code);
    let send = |connection: &mut Connection, message: String| {
        connection.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message)))
    };
    let answer = send(connection, format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}"))?;
    if answer.auth_bytes.is_empty() {
        return Ok(answer);
    }
    assert_eq!((answer.error_code, &answer.auth_bytes[..]), (0, &br#"{"status":"invalid_token"}"#[..]));
    send(connection, "\u{1}".to_owned())
}

#[test]
fn stock_clients_log_in_with_tokens_of_their_provider() -> Result<()> {
    for client in [Client::Java, Client::Librdkafka] {
        works(client, &Site::start()?.client("acme"))?;
    }
    Ok(())
}

#[test]
fn stock_clients_hear_that_a_token_does_not_serve() -> Result<()> {
    let site = Site::start()?;
    let with = |name: &str, value: Value| {
        let mut claims = good("acme");
        claims[name] = value;
        claims
    };
    site.idp.claims("wrong-audience", with("aud", json!("somebody-else")));
    site.idp.claims("wrong-issuer", with("iss", json!("https://idp.example.com/realms/other")));
    site.idp.claims("expired", with("exp", json!(now() - 3)));
    for client in [Client::Java, Client::Librdkafka] {
        for id in ["wrong-audience", "wrong-issuer", "expired", "unknown-account"] {
            let refusal = client.run(&site.client(id), Step::List)?.refusal;
            println!("{client} with a token that is {id}: {refusal:?}");
            // librdkafka itself does not send what has expired.
            let own = client == Client::Librdkafka && id == "expired";
            let said = if own { "expired" } else { REFUSAL };
            assert!(format!("{refusal:?}").contains(said), "{client}, {id}: {refusal:?}");
        }
        let listed = client.run(&site.client("acme"), Step::List)?.accepted()?;
        assert_eq!(listed.topics, [ALIAS], "{client}");
    }
    let log = site.home.log();
    for cause in [
        "its audience is not this gateway",
        "its issuer `https://idp.example.com/realms/other` is no identity provider of this gateway",
        "it has expired",
        "account `unknown-account` has no zone here that takes tokens",
    ] {
        assert!(log.contains(cause), "the log does not tell the operator: {cause}");
    }
    Ok(())
}

#[test]
fn no_token_that_is_bent_or_of_somebody_else_enters() -> Result<()> {
    let site = Site::start()?;
    let (mut inside, answer) = site.enter_with(&good("acme"))?;
    assert_eq!((answer.error_code, topics(&mut inside)?), (0, vec![ALIAS.to_owned()]));
    let token = site.key.sign(&good("acme"))?;
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (_, payload) = signed.split_once('.').expect("three parts");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    for (what, token) in [
        ("signed by another key of that name", Key::create("first")?.sign(&good("acme"))?),
        ("signed by a key that is not known", Key::create("second")?.sign(&good("acme"))?),
        ("not signed", unsigned),
        ("cut", signed.to_owned()),
        (
            "of other claims",
            format!(
                "{}.{signature}",
                Key::create("first")?.sign(&good("other"))?.rsplit_once('.').expect("parts").0
            ),
        ),
        ("no token", "abc".to_owned()),
        ("for an account with a password", site.key.sign(&good("other"))?),
    ] {
        let (mut connection, answer) = site.enter(&token)?;
        let said = answer.error_message.as_deref().unwrap_or_default();
        assert_eq!((answer.error_code, said), (58, REFUSAL), "{what}");
        assert!(topics(&mut connection).is_err(), "a token {what} got in");
    }
    // Nor does a password where tokens are asked for.
    assert!(site.open()?.log_in("acme", PASSWORD).is_err());
    site.open()?.log_in("other", PASSWORD)?;
    assert_eq!(topics(&mut inside)?, [ALIAS]);
    Ok(())
}

#[test]
fn a_session_ends_with_its_token_unless_it_is_renewed() -> Result<()> {
    let site = Site::start()?;
    let short = |principal: &str, seconds: u64| {
        let mut claims = good(principal);
        claims["exp"] = json!(now() + seconds);
        site.key.sign(&claims)
    };
    let (mut renewed, answer) = site.enter(&short("acme", 3)?)?;
    assert!((2_000..=4_000).contains(&answer.session_lifetime_ms), "{answer:?}");
    let (mut left, _) = site.enter(&short("acme", 3)?)?;
    thread::sleep(Duration::from_secs(1));
    let again = present(&mut renewed, &short("acme", 300)?)?;
    assert_eq!(again.error_code, 0);
    assert!(again.session_lifetime_ms > 290_000, "{again:?}");
    thread::sleep(Duration::from_secs(4));
    assert_eq!(topics(&mut renewed)?, [ALIAS]);
    assert!(topics(&mut left).is_err(), "a session outlives its token");
    // A renewal is one of the same account.
    let (mut changing, _) = site.enter(&short("acme", 300)?)?;
    thread::sleep(Duration::from_secs(1));
    let refused = present(&mut changing, &site.key.sign(&good("other"))?)?;
    assert_eq!(refused.error_code, 58);
    assert!(topics(&mut changing).is_err());
    Ok(())
}

#[test]
fn a_key_that_the_provider_takes_back_cuts_who_used_it() -> Result<()> {
    let site = Site::start()?;
    let next = Key::create("next")?;
    let (mut old, _) = site.enter_with(&good("acme"))?;
    site.idp.rotate(&[next.clone(), site.key.clone()]);
    // At the first login, without waiting for the next fetch.
    wait_for("the new key is taken", || Ok(site.enter(&site.idp.token("acme")?)?.1.error_code == 0))?;
    let (mut new, _) = site.enter(&site.idp.token("acme")?)?;
    assert_eq!(topics(&mut old)?, [ALIAS], "both keys are good");
    site.idp.rotate(std::slice::from_ref(&next));
    wait_for("the old key's connection is cut", || Ok(topics(&mut old).is_err()))?;
    assert_eq!(topics(&mut new)?, [ALIAS]);
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 58);
    Ok(())
}

#[test]
fn a_zone_and_a_provider_that_go_take_their_connections_with_them() -> Result<()> {
    let site = Site::start()?;
    let (mut first, _) = site.enter_with(&good("acme"))?;
    assert_eq!(topics(&mut first)?, [ALIAS]);
    let manifest = fs::read_to_string(site.home.file("zones/acme.yaml"))?;
    fs::remove_file(site.home.file("zones/acme.yaml"))?;
    site.reload()?;
    wait_for("the zone's connection is cut", || Ok(topics(&mut first).is_err()))?;
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 58);

    site.home.write("zones/acme.yaml", &manifest)?;
    site.reload()?;
    // Who comes while the picture is made anew is cut and may come again.
    wait_for("the zone is back", || {
        Ok(site.enter_with(&good("acme")).is_ok_and(|(_, a)| a.error_code == 0))
    })?;
    let (mut second, _) = site.enter_with(&good("acme"))?;
    assert_eq!(topics(&mut second)?, [ALIAS]);
    let text = fs::read_to_string(site.home.file("tidegate.yaml"))?;
    let narrow = text.replace("jwks:", "accounts: [globex], jwks:");
    site.home.write("tidegate.yaml", &narrow)?;
    site.reload()?;
    wait_for("who may not speak for it is cut", || Ok(topics(&mut second).is_err()))?;
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 58);
    Ok(())
}

#[test]
fn a_zone_that_takes_passwords_from_now_on_cuts_who_came_with_a_token() -> Result<()> {
    let site = Site::start()?;
    site.home.add_account("acme", PASSWORD)?;
    site.reload()?;
    let (mut connection, _) = site.enter_with(&good("acme"))?;
    assert_eq!(topics(&mut connection)?, [ALIAS]);
    let manifest = fs::read_to_string(site.home.file("zones/acme.yaml"))?;
    site.home.write("zones/acme.yaml", &manifest.replace("type: OAUTHBEARER", "type: PLAIN"))?;
    site.reload()?;
    wait_for("the token's connection is cut", || Ok(topics(&mut connection).is_err()))?;
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 58);
    let mut by_password = site.open()?;
    by_password.log_in("acme", PASSWORD)?;
    assert_eq!(topics(&mut by_password)?, [ALIAS]);
    Ok(())
}

#[test]
fn keys_come_from_a_file_or_over_tls_that_is_checked() -> Result<()> {
    let key = Key::create("first")?;
    let home = home("{file: keys.json}")?;
    home.write("keys.json", &key_set(std::slice::from_ref(&key)))?;
    let gateway = start(&home)?;
    let authority = Authority::create(&home.file("pki"))?;
    let idp = Idp::start_over_tls(std::slice::from_ref(&key), &authority.issue("idp", &["127.0.0.1"])?)?;
    let site = Site { home, idp, key, gateway };
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 0);

    fs::copy(authority.certificate(), site.home.file("idp-ca.pem"))?;
    let text = fs::read_to_string(site.home.file("tidegate.yaml"))?;
    let url = format!("url: \"https://127.0.0.1:{}/keys\"", site.idp.port());
    let over_tls = |more: &str| text.replace("{file: keys.json}", &format!("{{{url}{more}}}"));
    site.home.write("tidegate.yaml", &over_tls(""))?;
    site.reload()?;
    assert_eq!(site.enter_with(&good("acme"))?.1.error_code, 58, "an authority that nobody trusts");
    site.home.write("tidegate.yaml", &over_tls(", ca: idp-ca.pem"))?;
    site.reload()?;
    wait_for("keys are fetched", || Ok(site.enter_with(&good("acme"))?.1.error_code == 0))?;
    Ok(())
}
