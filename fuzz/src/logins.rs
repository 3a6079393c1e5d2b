//! Logins.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tidegate_wire::api::ApiKey;
use tidegate_wire::sasl::{
    Admission, AuthenticateStep, HandshakeStep, Login, LoginPolicy, Mechanism, Nonce, Rejection,
    ScramCredential, ScramHash,
};

/// Each line is one message: the first byte says which and how long it was waited for, the rest is what it brings.
///
/// Only the right user with the right password gets in, a login that was not handed back is over, nothing is served
/// before the login or behind its end, and a new login is one of the same user.
pub fn login(lines: &[u8]) {
    let policy = LoginPolicy {
        mechanisms: Mechanism::ALL.to_vec(),
        max_session: Some(SESSION),
        allow_raw_tokens: true,
    };
    let mut login = Login::start(Arc::new(policy));
    let mut now = Duration::ZERO;
    for line in lines.split(|byte| *byte == b'\n') {
        let Some((kind, token)) = line.split_first() else { continue };
        // Letters in small steps, digits in longer ones: a person can write a seed.
        now += Duration::from_millis(200) * u32::from(kind / 16).pow(3);
        check_admission(&login, now);
        // Digits come first.
        let version = i16::from(kind / 8 % 2 == 0);
        let next = match kind % 8 {
            0 => Some(login.on_api_versions()),
            1 => shake(login, version, &String::from_utf8_lossy(token), now),
            choice @ 2..=5 => {
                let mechanism = Mechanism::ALL[usize::from(choice) - 2];
                shake(login, version, mechanism.name(), now)
            }
            _ => settle(login.on_authenticate(token), now),
        };
        match next {
            Some(next) => login = next,
            None => return,
        }
    }
}

/// What the connection's other requests meet.
fn check_admission(login: &Login, now: Duration) {
    let serves = login.admit(ApiKey::Produce, now) == Admission::Serve;
    let lives = login.expires_at().is_some_and(|end| now < end && end <= now + SESSION);
    assert_eq!(serves, login.user().is_some() && lives, "{login:?} at {now:?}");
    assert!(login.user().is_none_or(|user| user == USER));
}

fn shake(login: Login, version: i16, mechanism: &str, now: Duration) -> Option<Login> {
    match login.on_handshake(version, mechanism, Nonce::from_random([7; Nonce::BYTES]), now) {
        HandshakeStep::Proceed { login, .. } | HandshakeStep::TooSoon { login } => Some(login),
        HandshakeStep::Refused { .. } | HandshakeStep::Close(_) => None,
    }
}

/// Plays the shell until the step needs a message of the client.
fn settle(mut step: AuthenticateStep, now: Duration) -> Option<Login> {
    let mut knows_password = false;
    loop {
        step = match step {
            AuthenticateStep::CheckPassword { user, password, resume } => {
                knows_password = user == USER && password.expose_secret() == PASSWORD;
                resume.with(if knows_password { Ok(()) } else { Err(Rejection::WrongPassword) })
            }
            AuthenticateStep::CheckToken { token, resume } => {
                knows_password = token.expose_secret() == PASSWORD;
                let verdict =
                    if knows_password { Ok(USER.to_owned()) } else { Err(Rejection::Token(String::new())) };
                resume.with(verdict)
            }
            // Nobody knows a password that fits keys of our choice.
            AuthenticateStep::NeedCredential { user, hash, resume } => {
                resume.with(credential(hash), user == USER)
            }
            AuthenticateStep::Challenge { login, .. } | AuthenticateStep::IllegalState { login } => {
                return Some(login);
            }
            AuthenticateStep::Accepted { user, grant, .. } => {
                assert!(knows_password, "{user} got in without a password");
                let (login, _) = grant.accept(None, now).expect("a minute is left");
                assert_eq!(login.user(), Some(USER));
                return Some(login);
            }
            AuthenticateStep::Rejected { .. } => return None,
        }
    }
}

fn credential(hash: ScramHash) -> ScramCredential {
    let key = match hash {
        ScramHash::Sha256 => &[9; 64][..32],
        ScramHash::Sha512 => &[9; 64],
    };
    ScramCredential::from_parts(hash, &[1; 16], 4_096, key, key).expect("parts within bounds")
}

const SESSION: Duration = Duration::from_secs(60);
const USER: &str = "u";
const PASSWORD: &str = "pw";
