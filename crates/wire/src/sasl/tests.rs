//! Both sides against each other, and against published vectors.

use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::*;

const SALT: &[u8] =
    &[0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];

/// RFC 7677 section 3; the SHA-512 row is the same exchange computed with Python's hashlib and hmac.
const VECTORS: [(Mechanism, &str, &str); 2] = [
    (
        Mechanism::ScramSha256,
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
    (
        Mechanism::ScramSha512,
        "gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
        "ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
    ),
];

const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const WITHOUT_PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

fn password(text: &str) -> SecretString {
    SecretString::from(text)
}

/// Starts an exchange of any mechanism; with OAUTHBEARER the word is the token.
fn start(
    mechanism: Mechanism,
    user: &str,
    word: &str,
    nonce: Nonce,
) -> Result<(Vec<u8>, ClientExchange), ClientFailure> {
    match PasswordMechanism::of(mechanism) {
        Some(mechanism) => ClientExchange::with_password(mechanism, user, password(word), nonce),
        None => ClientExchange::with_token(&password(word)),
    }
}

fn client(mechanism: Mechanism) -> ClientExchange {
    let nonce = Nonce::of("rOprNGfwEbeRWgbNEkqO");
    let (bytes, client) = start(mechanism, "user", "pencil", nonce).unwrap();
    assert_eq!(bytes, CLIENT_FIRST.as_bytes());
    client
}

/// The server of the vectors, after its challenge.
fn challenged(mechanism: Mechanism, client_first: &str, known: bool) -> ServerExchange {
    let server = ServerExchange::start(mechanism, Nonce::of("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"));
    let step = server.step(client_first.as_bytes());
    let ServerStep::NeedCredential { hash, resume, .. } = step else { panic!("{step:?}") };
    let credential = ScramCredential::derive(hash, &password("pencil"), SALT, 4_096).unwrap();
    let step = resume.with(credential, known);
    let ServerStep::Challenge { bytes, next } = step else { panic!("{step:?}") };
    assert_eq!(bytes, SERVER_FIRST.as_bytes());
    next
}

fn rejected(step: ServerStep) -> Rejection {
    let ServerStep::Rejected { cause, .. } = step else { panic!("{step:?}") };
    cause
}

fn failed(step: ClientStep) -> ClientFailure {
    let ClientStep::Failed(failure) = step else { panic!("{step:?}") };
    failure
}

#[test]
fn both_sides_speak_the_published_exchange() {
    for (mechanism, proof, signature) in VECTORS {
        let ClientStep::Respond { bytes, next } = client(mechanism).step(SERVER_FIRST.as_bytes()) else {
            panic!()
        };
        assert_eq!(bytes, format!("{WITHOUT_PROOF},p={proof}").as_bytes());
        let step = challenged(mechanism, CLIENT_FIRST, true).step(&bytes);
        let ServerStep::Accepted { user, bytes, .. } = step else { panic!("{step:?}") };
        assert_eq!(user, "user");
        assert_eq!(bytes, format!("v={signature}").as_bytes());
        assert!(matches!(next.step(&bytes), ClientStep::Done));
    }
}

/// A partner changes over from one password to another: both are good for a while, and each gets its own signature.
#[test]
fn whichever_of_several_passwords_is_proven_lets_in() {
    for (mechanism, _, _) in VECTORS {
        let good = ["pencil", "pen", "crayon"];
        for given in ["pencil", "pen", "crayon", "brush"] {
            let nonce = Nonce::of("rOprNGfwEbeRWgbNEkqO");
            let (first, client) = start(mechanism, "user", given, nonce).unwrap();
            let server = ServerExchange::start(mechanism, Nonce::of("ours"));
            let ServerStep::NeedCredential { hash, resume, .. } = server.step(&first) else { panic!() };
            let of = |text| ScramCredential::derive(hash, &password(text), SALT, 4_096).unwrap();
            let credential = of("pencil").or(&of("pen")).unwrap().or(&of("crayon")).unwrap();
            let ServerStep::Challenge { bytes, next } = resume.with(credential, true) else { panic!() };
            let ClientStep::Respond { bytes, next: client } = client.step(&bytes) else { panic!() };
            match next.step(&bytes) {
                ServerStep::Accepted { bytes, place, .. } => {
                    assert_eq!(place.map(|place| good[place]), Some(given));
                    assert!(matches!(client.step(&bytes), ClientStep::Done), "{given}");
                }
                step => {
                    assert!(!good.contains(&given), "{given}");
                    assert_eq!(rejected(step), Rejection::WrongPassword);
                }
            }
        }
    }
}

#[test]
fn a_password_under_another_salt_is_no_alternative() {
    let of = |hash, salt: &[u8]| ScramCredential::derive(hash, &password("a"), salt, 4_096).unwrap();
    let first = of(ScramHash::Sha256, SALT);
    let other = first.clone().or(&of(ScramHash::Sha256, b"another")).unwrap_err();
    assert_eq!(other, CredentialError::OtherChallenge);
    assert_eq!(first.or(&of(ScramHash::Sha512, SALT)).unwrap_err(), CredentialError::OtherHash);
}

#[test]
fn a_bad_final_message_is_refused() {
    let (mechanism, proof, _) = VECTORS[0];
    let cause =
        |message: String| rejected(challenged(mechanism, CLIENT_FIRST, true).step(message.as_bytes()));

    let other_nonce = WITHOUT_PROOF.replace("hNlF", "xNlF");
    assert_eq!(cause(format!("{other_nonce},p={proof}")), Rejection::WrongNonce);
    assert_eq!(cause(format!("c=biws,r=,p={proof}")), Rejection::WrongNonce);
    for wrong in ["AAAA", "", &format!("{proof}{proof}"), &proof.replace("dHzb", "dHzc")] {
        let cause = cause(format!("{WITHOUT_PROOF},p={wrong}"));
        let malformed = matches!(cause, Rejection::Malformed { .. });
        assert!(malformed || cause == Rejection::WrongPassword, "{wrong}: {cause}");
    }
    assert_eq!(cause(format!("{WITHOUT_PROOF},p=AAAA")), Rejection::WrongPassword);
    let other_binding = WITHOUT_PROOF.replace("c=biws", "c=eSws");
    assert!(matches!(cause(format!("{other_binding},p={proof}")), Rejection::Malformed { .. }));
}

/// What librdkafka before 2.6.1 sends: its nonce twice, and a proof over just that.
#[test]
fn a_doubled_client_nonce_is_taken_if_the_proof_covers_it() {
    let without_proof = WITHOUT_PROOF.replace(",r=", ",r=rOprNGfwEbeRWgbNEkqO");
    let auth_message = format!("{},{SERVER_FIRST},{without_proof}", &CLIENT_FIRST[3..]);
    let proof = proof_of(auth_message.as_bytes());
    let step = |proof: &str| {
        let message = format!("{without_proof},p={proof}");
        challenged(Mechanism::ScramSha256, CLIENT_FIRST, true).step(message.as_bytes())
    };
    assert!(matches!(step(&proof), ServerStep::Accepted { .. }));
    assert_eq!(rejected(step(VECTORS[0].1)), Rejection::WrongPassword, "the proof of the plain nonce");
    let tripled = without_proof.replace(",r=", ",r=rOprNGfwEbeRWgbNEkqO");
    let message = format!("{tripled},p={proof}");
    let step = challenged(Mechanism::ScramSha256, CLIENT_FIRST, true).step(message.as_bytes());
    assert_eq!(rejected(step), Rejection::WrongNonce);
}

/// The SHA-256 proof of the vectors' password over an auth message, by the formula of RFC 5802 section 3.
fn proof_of(auth_message: &[u8]) -> String {
    use base64::Engine as _;
    use ring::{digest, hmac, pbkdf2};
    let sign = |key: &[u8], input: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input);
    let mut salted = [0; 32];
    let iterations = std::num::NonZeroU32::new(4_096).unwrap();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, SALT, b"pencil", &mut salted);
    let client_key = sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let signature = sign(stored_key.as_ref(), auth_message);
    let proof: Vec<u8> =
        client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, mask)| key ^ mask).collect();
    base64::engine::general_purpose::STANDARD.encode(proof)
}

#[test]
fn an_unknown_user_takes_the_same_steps_and_fails_at_the_end() {
    let (mechanism, proof, _) = VECTORS[0];
    let server = challenged(mechanism, CLIENT_FIRST, false);
    let step = server.step(format!("{WITHOUT_PROOF},p={proof}").as_bytes());
    assert_eq!(rejected(step), Rejection::UnknownUser, "even a proof that fits");
}

#[test]
fn a_fake_challenge_has_the_shape_of_a_real_one() {
    let challenge = |credential: ScramCredential, known| {
        let server = ServerExchange::start(Mechanism::ScramSha256, Nonce::of("server"));
        let ServerStep::NeedCredential { resume, .. } = server.step(b"n,,n=ann,r=client") else { panic!() };
        let ServerStep::Challenge { bytes, .. } = resume.with(credential, known) else { panic!() };
        bytes
    };
    let hash = ScramHash::Sha256;
    let real = ScramCredential::derive(hash, &password("x"), &[9; SALT_BYTES], 4_096).unwrap();
    let fake = ScramCredential::fake(hash, b"root", "ann", 4_096).unwrap();
    assert_eq!(challenge(real, true).len(), challenge(fake, false).len());
}

#[test]
fn a_credential_for_another_hash_is_refused() {
    let server = ServerExchange::start(Mechanism::ScramSha256, Nonce::of("server"));
    let ServerStep::NeedCredential { resume, .. } = server.step(b"n,,n=ann,r=client") else { panic!() };
    let other = ScramCredential::fake(ScramHash::Sha512, b"root", "ann", 4_096).unwrap();
    let cause = rejected(resume.with(other, true));
    assert_eq!(cause, Rejection::UnusableCredential(CredentialError::OtherHash));
}

#[test]
fn a_client_refuses_a_bad_challenge() {
    let failure = |message: &str| failed(client(Mechanism::ScramSha256).step(message.as_bytes()));
    for (iterations, count) in [("i=4095", 4_095), ("i=100001", 100_001), ("i=0", 0)] {
        let expected = ClientFailure::Challenge(CredentialError::Iterations { iterations: count });
        assert_eq!(failure(&SERVER_FIRST.replace("i=4096", iterations)), expected);
    }
    assert_eq!(failure("r=other,s=AAAA,i=4096"), ClientFailure::WrongNonce);
    assert_eq!(failure("r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=4096"), ClientFailure::WrongNonce);
    let no_salt = SERVER_FIRST.replace("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s=");
    assert_eq!(failure(&no_salt), ClientFailure::Challenge(CredentialError::Salt { length: 0 }));
    for message in ["", "e=unknown-user", "\u{e9}"] {
        assert!(matches!(failure(message), ClientFailure::Malformed { .. }), "{message}");
    }
    let long = format!("{SERVER_FIRST},{}", "x".repeat(MAX_MESSAGE_BYTES));
    assert!(matches!(failure(&long), ClientFailure::Malformed { .. }));
}

#[test]
fn a_client_believes_only_a_server_that_signs() {
    let failure = |message: &str| {
        let step = client(Mechanism::ScramSha256).step(SERVER_FIRST.as_bytes());
        let ClientStep::Respond { next, .. } = step else { panic!("{step:?}") };
        failed(next.step(message.as_bytes()))
    };
    assert_eq!(failure("v=AAAA"), ClientFailure::ServerSignature);
    assert_eq!(failure("v="), ClientFailure::ServerSignature);
    assert!(matches!(failure("v=?"), ClientFailure::Malformed { .. }));
    assert!(matches!(failure(""), ClientFailure::Malformed { .. }));
    let text = "invalid-proof".to_owned();
    assert_eq!(failure("e=invalid-proof\u{1b}"), ClientFailure::ServerError { text });
}

#[test]
fn a_client_refuses_names_that_cannot_travel() {
    for (user, word) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "a\0b")] {
        let nonce = Nonce::from_random([1; Nonce::BYTES]);
        let started = start(Mechanism::Plain, user, word, nonce);
        assert_eq!(started.map(|_| ()), Err(ClientFailure::UnusableLogin));
    }
}

#[test]
fn bytes_after_a_plain_login_fail_it() {
    let nonce = Nonce::from_random([1; Nonce::BYTES]);
    let (_, client) = start(Mechanism::Plain, "ann", "x", nonce).unwrap();
    assert!(matches!(failed(client.step(b"more")), ClientFailure::Malformed { .. }));
}

#[test]
fn no_state_shows_a_password() {
    for mechanism in Mechanism::ALL {
        let nonce = Nonce::from_random([1; Nonce::BYTES]);
        let (bytes, client) = start(mechanism, "ann", "hunter2", nonce).unwrap();
        assert!(!format!("{client:?}").contains("hunter2"));
        let server = ServerExchange::start(mechanism, Nonce::from_random([2; Nonce::BYTES]));
        assert!(!format!("{:?}", server.step(&bytes)).contains("hunter2"));
    }
}

/// Those that prove a password.
const WITH_PASSWORDS: [Mechanism; 3] = [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha512];

/// Runs a whole login; says whether both sides believe it.
fn log_in(mechanism: Mechanism, user: &str, presented: &str, stored: &str, seed: u8) -> bool {
    let nonce = |salt: u8| Nonce::from_random([seed ^ salt; Nonce::BYTES]);
    let (bytes, client) = start(mechanism, user, presented, nonce(1)).unwrap();
    let credential = |hash| ScramCredential::derive(hash, &password(stored), &[seed; 16], 4_096).unwrap();
    match ServerExchange::start(mechanism, nonce(2)).step(&bytes) {
        ServerStep::CheckPassword { user: named, password, resume } => {
            assert_eq!(named, user);
            let fits = credential(ScramHash::Sha256).verify_password(&password);
            let verdict = if fits { Ok(()) } else { Err(Rejection::WrongPassword) };
            match resume.with(verdict) {
                ServerStep::Accepted { bytes, .. } => matches!(client.step(&bytes), ClientStep::Done),
                _ => false,
            }
        }
        ServerStep::NeedCredential { user: named, hash, resume } => {
            assert_eq!(named, user);
            let ServerStep::Challenge { bytes, next } = resume.with(credential(hash), true) else { panic!() };
            let ClientStep::Respond { bytes, next: client } = client.step(&bytes) else { panic!() };
            match next.step(&bytes) {
                ServerStep::Accepted { bytes, .. } => matches!(client.step(&bytes), ClientStep::Done),
                _ => false,
            }
        }
        step => panic!("{step:?}"),
    }
}

fn any_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![Just('='), Just(','), Just('ß'), "[^\0]".prop_map(first_char)],
        1..24,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn first_char(text: String) -> char {
    text.chars().next().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_user_logs_in_with_the_password_and_only_with_it(
        user in any_text(), word in any_text(), other in any_text(), seed: u8,
    ) {
        for mechanism in WITH_PASSWORDS {
            prop_assert!(log_in(mechanism, &user, &word, &word, seed));
            prop_assert_eq!(log_in(mechanism, &user, &other, &word, seed), other == word);
        }
    }

    #[test]
    fn no_bytes_panic_either_side(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for mechanism in Mechanism::ALL {
            let nonce = |seed| Nonce::from_random([seed; Nonce::BYTES]);
            let step = ServerExchange::start(mechanism, nonce(1)).step(&bytes);
            let accepted = matches!(step, ServerStep::Accepted { .. });
            prop_assert!(!accepted);
            let (_, client) = start(mechanism, "ann", "x", nonce(2)).unwrap();
            let done = matches!(client.step(&bytes), ClientStep::Done);
            // With these the client has said all, and a server that has nothing to say agrees.
            let is_short = [Mechanism::Plain, Mechanism::OauthBearer].contains(&mechanism);
            prop_assert_eq!(done, is_short && bytes.is_empty());
        }
        if let ServerStep::Accepted { .. } = challenged(Mechanism::ScramSha256, CLIENT_FIRST, true).step(&bytes) {
            prop_assert!(false, "accepted random bytes");
        }
    }
}

fn bearer(token: &str) -> (ServerExchange, Vec<u8>, ClientExchange) {
    let nonce = || Nonce::of("unused");
    let (bytes, client) = start(Mechanism::OauthBearer, "ann", token, nonce()).unwrap();
    (ServerExchange::start(Mechanism::OauthBearer, nonce()), bytes, client)
}

#[test]
fn a_token_that_serves_logs_in_whom_it_stands_for() {
    let (server, bytes, client) = bearer("a.b.c");
    let ServerStep::CheckToken { token, resume } = server.step(&bytes) else { panic!() };
    assert_eq!(token.expose_secret(), "a.b.c");
    let ServerStep::Accepted { user, bytes, .. } = resume.with(Ok("acme".to_owned())) else { panic!() };
    assert_eq!(user, "acme");
    assert!(matches!(client.step(&bytes), ClientStep::Done));
}

#[test]
fn a_token_that_does_not_serve_is_told_so_and_then_refused() {
    let (server, bytes, client) = bearer("a.b.c");
    let ServerStep::CheckToken { resume, .. } = server.step(&bytes) else { panic!() };
    let cause = Rejection::Token("expired".to_owned());
    let ServerStep::Challenge { bytes, next } = resume.with(Err(cause.clone())) else { panic!() };
    assert_eq!(bytes, br#"{"status":"invalid_token"}"#);
    let ClientStep::Respond { bytes, next: client } = client.step(&bytes) else { panic!() };
    assert_eq!(bytes, b"\x01");
    assert_eq!(rejected(next.step(&bytes)), cause);
    assert_eq!(
        failed(client.step(b"")),
        ClientFailure::ServerError { text: "statusinvalid_token".to_owned() }
    );
}

#[test]
fn who_is_not_whom_the_token_stands_for_hears_the_same() {
    let start = || ServerExchange::start(Mechanism::OauthBearer, Nonce::of("unused"));
    let check = |authzid: &str| {
        let step = start().step(format!("n,a={authzid},\x01auth=Bearer t\x01\x01").as_bytes());
        let ServerStep::CheckToken { resume, .. } = step else { panic!("{step:?}") };
        resume.with(Ok("acme".to_owned()))
    };
    assert!(matches!(check("acme"), ServerStep::Accepted { .. }));
    let ServerStep::Challenge { bytes, next } = check("admin") else { panic!() };
    assert_eq!(bytes, br#"{"status":"invalid_token"}"#);
    let ServerStep::Rejected { user, cause } = next.step(b"anything") else { panic!() };
    assert_eq!((user.as_deref(), cause), (Some("acme"), Rejection::OtherAuthorizationId));
}

#[test]
fn what_is_no_token_is_not_sent() {
    for text in ["no token", "a,b", "a\u{1}b", "="] {
        let nonce = Nonce::of("unused");
        let started = start(Mechanism::OauthBearer, "ann", text, nonce);
        assert_eq!(started.map(|_| ()).unwrap_err(), ClientFailure::UnusableToken, "{text:?}");
    }
}
