use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::records::Moment;

const NOW: Moment = Moment(1_000_000_000);

fn issuer() -> Issuer {
    Issuer {
        issuer: "https://idp.example".to_owned(),
        audiences: vec!["tidegate".to_owned(), "kafka".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    }
}

fn good() -> Value {
    json!({"iss": "https://idp.example", "aud": "tidegate", "sub": "acme", "exp": 2_000})
}

fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A key that signs, with its public half as a provider shows it.
enum Signer {
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn ec(algorithm: &'static signature::EcdsaSigningAlgorithm, name: &'static str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &SystemRandom::new()).unwrap();
        Self::Ec(pair, name)
    }

    fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256")
    }

    fn ed() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_, name) => name,
            Self::Ed(_) => "EdDSA",
        }
    }

    fn public(&self, id: &str) -> Value {
        match self {
            Self::Ec(pair, name) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(if *name == "ES256" { 32 } else { 48 });
                let curve = if *name == "ES256" { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "kid": id, "x": encode(x), "y": encode(y)})
            }
            Self::Ed(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x, "use": "sig", "alg": "EdDSA"})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = [encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes())].join(".");
        let signature = match self {
            Self::Ec(pair, _) => {
                pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        [signed, encode(&signature)].join(".")
    }

    fn token(&self, id: &str, claims: &Value) -> String {
        self.sign(&json!({"alg": self.algorithm(), "kid": id}), claims)
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// Whom it stands for, and until when.
fn check(token: &str, keys: &KeySet) -> Result<(String, Moment), TokenError> {
    let bearer = issuer().check(&Token::parse(&SecretString::from(token))?, keys, NOW)?;
    assert!(keys.holds(&bearer.key) && !set(&[Signer::ed().public("k")]).holds(&bearer.key));
    Ok((bearer.principal, bearer.until))
}

fn serves() -> Result<(String, Moment), TokenError> {
    Ok(("acme".to_owned(), Moment(2_030_000_000)))
}

#[test]
fn every_kind_of_key_signs_and_no_other_fits() {
    let signers = [Signer::p256(), Signer::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384"), Signer::ed()];
    for signer in &signers {
        let token = signer.token("k", &good());
        assert_eq!(check(&token, &set(&[signer.public("k")])), serves(), "{}", signer.algorithm());
        let another = if signer.algorithm() == "ES256" { Signer::p256() } else { Signer::ed() };
        assert!(check(&token, &set(&[another.public("k")])).is_err());
        // Any bit of any part.
        for place in [3, token.find('.').unwrap() + 5, token.rfind('.').unwrap() + 9] {
            let mut bent = token.clone().into_bytes();
            bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert!(check(&bent, &set(&[signer.public("k")])).is_err(), "{place}");
        }
    }
    let all: Vec<Value> = signers.iter().map(|signer| signer.public("same name")).collect();
    for signer in &signers {
        assert_eq!(check(&signer.token("same name", &good()), &set(&all)), serves());
    }
}

#[test]
fn what_openssl_signed_with_rsa_serves() {
    let written: Value = serde_json::from_str(include_str!("rsa-by-openssl.json")).unwrap();
    let keys = set(&[written["key"].clone()]);
    let tokens = written["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 6);
    for (algorithm, token) in tokens {
        assert_eq!(check(token.as_str().unwrap(), &keys), serves(), "{algorithm}");
    }
    let mut only_384 = written["key"].clone();
    only_384["alg"] = json!("RS384");
    let meant = |algorithm: &str| check(tokens[algorithm].as_str().unwrap(), &set(&[only_384.clone()]));
    assert_eq!(meant("RS384"), serves());
    assert!(matches!(meant("RS256"), Err(TokenError::UnknownKey(_))));
}

#[test]
fn each_claim_that_is_wrong_is_told() {
    let signer = Signer::p256();
    let keys = set(&[signer.public("k")]);
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        check(&signer.token("k", &claims), &keys)
    };
    let without = |name: &str| {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        check(&signer.token("k", &claims), &keys)
    };
    for other in [json!("https://idp.example/"), json!("HTTPS://idp.example"), json!(["https://idp.example"])]
    {
        assert!(matches!(with("iss", other), Err(TokenError::Issuer(_))));
    }
    assert!(matches!(without("iss"), Err(TokenError::Issuer(_))));
    for audience in [json!("other"), json!([]), json!(["a", 1, null]), json!({"tidegate": 1}), json!(null)] {
        assert_eq!(with("aud", audience), Err(TokenError::Audience));
    }
    assert_eq!(without("aud"), Err(TokenError::Audience));
    assert_eq!(with("aud", json!(["other", "kafka"])), serves());

    assert_eq!(without("exp"), Err(TokenError::NoExpiry));
    for date in [json!("2000"), json!(null), json!(-1), json!(1e300), json!([2_000])] {
        assert!(matches!(with("exp", date.clone()), Err(TokenError::Malformed(_))), "{date}");
        assert!(matches!(with("nbf", date.clone()), Err(TokenError::Malformed(_))), "{date}");
    }
    assert_eq!(with("exp", json!(970)), Err(TokenError::Expired));
    assert_eq!(with("exp", json!(971.9)).unwrap().1, Moment(1_001_000_000));
    assert_eq!(with("nbf", json!(1_030)), serves());
    assert_eq!(with("nbf", json!(1_031)), Err(TokenError::NotYet));

    for principal in [json!(""), json!(7), json!(null), json!(["acme"])] {
        assert!(matches!(with("sub", principal), Err(TokenError::NoPrincipal(_))));
    }
    assert!(matches!(without("sub"), Err(TokenError::NoPrincipal(_))));
}

#[test]
fn no_header_talks_its_way_in() {
    let signer = Signer::p256();
    let keys = set(&[signer.public("k")]);
    let with = |header: Value| check(&signer.sign(&header, &good()), &keys);
    assert_eq!(with(json!({"alg": "ES256"})), serves(), "the only key is the one that is meant");
    for algorithm in ["none", "None", "HS256", "RS1", "ES512", "es256", ""] {
        assert!(matches!(with(json!({"alg": algorithm})), Err(TokenError::Algorithm(_))), "{algorithm}");
    }
    for algorithm in ["RS256", "PS256", "ES384", "EdDSA"] {
        let refused = with(json!({"alg": algorithm, "kid": "k"}));
        assert!(matches!(refused, Err(TokenError::UnknownKey(_))), "{algorithm}");
    }
    assert!(matches!(with(json!({"alg": "ES256", "kid": "x"})), Err(TokenError::UnknownKey(_))));
    for header in [
        json!({"alg": "ES256", "crit": ["b64"], "b64": false}),
        json!({"kid": "k"}),
        json!({"alg": 1}),
        json!({"alg": "ES256", "kid": 1}),
        json!([]),
    ] {
        assert!(matches!(with(header.clone()), Err(TokenError::Malformed(_))), "{header}");
    }
    let (a, b) = (Signer::p256().public("a"), signer.public("b"));
    let unnamed = signer.sign(&json!({"alg": "ES256"}), &good());
    assert_eq!(check(&unnamed, &set(&[a, b])), Err(TokenError::NoKey));
    let of_another_kind = set(&[Signer::ed().public("c")]);
    assert_eq!(check(&unnamed, &of_another_kind), Err(TokenError::NoFittingKey));
}

#[test]
fn what_is_no_token_is_refused_and_nothing_of_it_is_shown() {
    let claims = encode(good().to_string().as_bytes());
    let header = encode(br#"{"alg":"ES256"}"#);
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for text in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        &format!("{header}.{claims}"),
        &format!("{header}.{claims}."),
        &format!("{header}.{claims}.!"),
        &format!("{header}=.{claims}.AA"),
        &format!("{header}.{}.AA", encode(b"[]")),
        &format!("{header}.{}.AA", encode(b"{")),
        &format!("{}.{claims}.AA", encode(br#"{"alg":"ES256","alg":"none"}"#)),
        &long,
    ] {
        let keys = set(&[Signer::p256().public("k")]);
        let refused = check(text, &keys);
        assert!(matches!(refused, Err(TokenError::Malformed(_) | TokenError::Signature)), "{text}");
    }
    let secret = Signer::p256().token("k", &good());
    let shown = format!("{:?}", Token::parse(&SecretString::from(secret.clone())).unwrap());
    assert!(secret.split('.').all(|part| !shown.contains(part)), "{shown}");
}

#[test]
fn keys_that_cannot_check_are_passed_over_and_a_set_without_any_is_none() {
    let signer = Signer::p256();
    let mut encrypts = signer.public("enc");
    encrypts["use"] = json!("enc");
    let mut wraps = signer.public("wrap");
    wraps["key_ops"] = json!(["wrapKey"]);
    let mut short = signer.public("short");
    short["x"] = json!("AAAA");
    let bad = vec![
        encrypts,
        wraps,
        short,
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "RSA", "n": encode(&[0xff; 128]), "e": "AQAB"}),
        json!({"kty": "RSA", "n": encode(&[0xff; 2048]), "e": "AQAB"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": 1}),
        json!("key"),
    ];
    let text = json!({ "keys": bad }).to_string();
    assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::NoUsableKey(bad.len()));
    let mut some = bad;
    some.push(signer.public("good"));
    let keys = set(&some);
    assert_eq!((keys.len(), format!("{keys:?}")), (1, r#"["good"]"#.to_owned()));
    assert_eq!(check(&signer.token("good", &good()), &keys), serves());

    for text in ["", "{}", "[]", r#"{"keys": {}}"#, "<html>"] {
        assert!(matches!(KeySet::parse(text.as_bytes()), Err(KeySetError::Shape(_))), "{text}");
    }
    let many = json!({ "keys": vec![signer.public("k"); MAX_KEYS + 1] }).to_string();
    assert_eq!(KeySet::parse(many.as_bytes()).unwrap_err(), KeySetError::TooMany(MAX_KEYS + 1));
    let long = " ".repeat(MAX_KEY_SET_BYTES + 1);
    assert_eq!(KeySet::parse(long.as_bytes()).unwrap_err(), KeySetError::TooLong(MAX_KEY_SET_BYTES + 1));
}

#[test]
fn a_modulus_with_zeros_in_front_is_the_same_key() {
    let mut written: Value = serde_json::from_str(include_str!("rsa-by-openssl.json")).unwrap();
    let n = URL_SAFE_NO_PAD.decode(written["key"]["n"].as_str().unwrap()).unwrap();
    written["key"]["n"] = json!(encode(&[&[0, 0][..], &n].concat()));
    let token = written["tokens"]["RS256"].as_str().unwrap();
    assert_eq!(check(token, &set(&[written["key"].clone()])), serves());
}

#[test]
fn the_claim_of_the_principal_is_a_choice() {
    let signer = Signer::ed();
    let mut claims = good();
    claims["azp"] = json!("client-7");
    let token = Token::parse(&SecretString::from(signer.token("k", &claims))).unwrap();
    let by_client = Issuer { principal_claim: "azp".to_owned(), ..issuer() };
    let bearer = by_client.check(&token, &set(&[signer.public("k")]), NOW).unwrap();
    assert_eq!(bearer.principal, "client-7");
}
