//! Logins that must fail, and what they tell.

use anyhow::{Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::scram;
use tidegate_wire::sasl::Mechanism;

use crate::{PARTNER, PASSWORD, Site};

const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const ILLEGAL_SASL_STATE: i16 = 34;
const SASL_AUTHENTICATION_FAILED: i16 = 58;
const TEXT: &str = "Authentication failed, invalid credentials";
const SCRAM: [Mechanism; 2] = [Mechanism::ScramSha256, Mechanism::ScramSha512];

#[test]
fn an_unknown_mechanism_is_told_the_list_and_closed() -> Result<()> {
    let site = Site::start()?;
    for name in ["GSSAPI", "OAUTHBEARER", "plain", "", "SCRAM-SHA-1", "PLAIN\0"] {
        let mut connection = site.open()?;
        let mechanism = StrBytes::from_static_str(name);
        let answer = connection.call(1, &SaslHandshakeRequest::default().with_mechanism(mechanism))?;
        assert_eq!(answer.error_code, UNSUPPORTED_SASL_MECHANISM, "{name}");
        let listed: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
        assert_eq!(listed, ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], "{name}");
        assert_eq!(connection.until_closed()?, b"", "{name}");
    }
    site.finish()
}

#[test]
fn plain_refusals_are_the_same_bytes() -> Result<()> {
    let site = Site::start()?;
    let long = "x".repeat(5_000);
    let tokens = [
        format!("\0{PARTNER}\0wrong-password"),
        format!("\0nobody\0{PASSWORD}"),
        format!("admin\0{PARTNER}\0{PASSWORD}"),
        format!("\0{PARTNER}\0"),
        format!("\0{PARTNER}\0{PASSWORD}\0more"),
        format!("\0\0{PASSWORD}"),
        format!("\0{PARTNER}\0{long}"),
        format!("\0{long}\0{PASSWORD}"),
        PARTNER.to_owned(),
        String::new(),
    ];
    let mut answers = Vec::new();
    for token in tokens {
        let mut connection = site.open()?;
        let shaken = connection
            .call(1, &SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN")))?;
        assert_eq!(shaken.error_code, 0);
        let ask = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(token.into_bytes()));
        answers.push(connection.exchange_body(2, &ask)?);
        assert_eq!(connection.until_closed()?, b"");
    }
    ensure!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let text = String::from_utf8_lossy(&answers[0]).into_owned();
    ensure!(text.contains(TEXT), "{text}");
    site.finish()
}

#[test]
fn scram_takes_the_same_steps_for_an_unknown_user() -> Result<()> {
    let site = Site::start()?;
    for mechanism in SCRAM {
        let mut answers = Vec::new();
        let mut challenges = Vec::new();
        for user in [PARTNER, "nobody", "nobody"] {
            let mut connection = site.open()?;
            let (challenge, proof) = scram::begin(&mut connection, mechanism, user, "wrong-password")?;
            challenges.push(parts(&challenge));
            let ask = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(proof));
            answers.push(connection.exchange_body(2, &ask)?);
            assert_eq!(connection.until_closed()?, b"");
        }
        ensure!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        let [real, fake, again] = [&challenges[0], &challenges[1], &challenges[2]];
        assert_eq!(fake.salt, again.salt, "the salt of a user who does not exist changes");
        assert_ne!(fake.nonce, again.nonce);
        assert_eq!((real.salt.len(), &real.iterations), (fake.salt.len(), &fake.iterations));
    }
    site.finish()
}

#[test]
fn a_tampered_scram_proof_is_refused() -> Result<()> {
    let site = Site::start()?;
    type Tamper = fn(&str) -> String;
    let tampers: [(&str, Tamper); 9] = [
        ("nothing", |_| String::new()),
        ("no proof", |proof| proof.split(",p=").next().unwrap().to_owned()),
        ("an empty proof", |proof| format!("{},p=", proof.split(",p=").next().unwrap())),
        ("a zero proof", |proof| format!("{},p={}=", proof.split(",p=").next().unwrap(), "A".repeat(43))),
        ("another proof", |proof| {
            let (rest, p) = proof.split_once(",p=").unwrap();
            let flipped = if p.starts_with('A') { "B" } else { "A" };
            format!("{rest},p={flipped}{}", &p[1..])
        }),
        ("another nonce", |proof| proof.replacen("r=", "r=x", 1)),
        ("another channel binding", |proof| proof.replacen("c=biws", "c=eSws", 1)),
        ("an extension", |proof| proof.replacen(",p=", ",m=1,p=", 1)),
        ("the proof twice", |proof| format!("{proof},p={}", proof.split(",p=").nth(1).unwrap())),
    ];
    for mechanism in SCRAM {
        for (what, tamper) in tampers {
            let mut connection = site.open()?;
            let (_, proof) = scram::begin(&mut connection, mechanism, PARTNER, PASSWORD)?;
            let answer =
                scram::authenticate(&mut connection, tamper(&String::from_utf8(proof)?).into_bytes())?;
            assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED, "{what}");
            assert_eq!(answer.error_message.as_deref(), Some(TEXT), "{what}");
            assert_eq!(connection.until_closed()?, b"", "{what}");
        }
        // The proof of one connection proves nothing on another; untouched it serves on its own.
        let (mut first, mut second) = (site.open()?, site.open()?);
        let (_, proof) = scram::begin(&mut first, mechanism, PARTNER, PASSWORD)?;
        scram::begin(&mut second, mechanism, PARTNER, PASSWORD)?;
        let replayed = scram::authenticate(&mut second, proof.clone())?;
        assert_eq!(replayed.error_code, SASL_AUTHENTICATION_FAILED);
        assert_eq!(scram::authenticate(&mut first, proof)?.error_code, 0);
    }
    site.finish()
}

#[test]
fn a_login_out_of_order_is_refused() -> Result<()> {
    let site = Site::start()?;
    let token = || Bytes::from(format!("\0{PARTNER}\0{PASSWORD}"));
    let ask = SaslAuthenticateRequest::default().with_auth_bytes(token());
    let mut connection = site.open()?;
    connection.send(&tidegate_e2e::raw::frame(1, 2, &ask)?)?;
    assert_eq!(connection.until_closed()?, b"", "a token without a handshake");

    let mut connection = site.open()?;
    let shake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
    assert_eq!(connection.call(1, &shake)?.error_code, 0);
    connection.send(&tidegate_e2e::raw::frame(2, 1, &shake)?)?;
    assert_eq!(connection.until_closed()?, b"", "a second handshake");

    let mut connection = site.connect()?;
    assert_eq!(connection.call(2, &ask)?.error_code, ILLEGAL_SASL_STATE, "a token after the login");

    // As another user, with that user's right password (KIP-368).
    let mut connection = site.connect()?;
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(connection.call(1, &shake)?.error_code, 0);
    let other = Bytes::from(format!("\0{}\0{PASSWORD}", crate::site::RIVAL));
    let answer = connection.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(other))?;
    assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED, "another user");
    assert_eq!(connection.until_closed()?, b"");
    site.finish()
}

struct Challenge {
    nonce: String,
    salt: String,
    iterations: String,
}

/// The parts of `r=nonce,s=salt,i=iterations`.
fn parts(challenge: &[u8]) -> Challenge {
    let text = String::from_utf8_lossy(challenge).into_owned();
    let part = |name: &str| {
        text.split(',').find_map(|part| part.strip_prefix(name)).expect("the challenge is whole").to_owned()
    };
    Challenge { nonce: part("r="), salt: part("s="), iterations: part("i=") }
}
