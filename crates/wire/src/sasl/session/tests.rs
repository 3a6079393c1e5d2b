use secrecy::SecretString;

use super::*;
use crate::sasl::{ClientExchange, ClientStep, PasswordMechanism, ScramCredential, ScramHash};

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> LoginPolicy {
    LoginPolicy { mechanisms: Mechanism::ALL.to_vec(), max_session: None, allow_raw_tokens: false }
}

fn start(policy: LoginPolicy) -> Login {
    Login::start(Arc::new(policy))
}

fn nonce(seed: u8) -> Nonce {
    Nonce::from_random([seed; Nonce::BYTES])
}

fn shake(login: Login, mechanism: Mechanism, now: Duration) -> Login {
    match login.on_handshake(1, mechanism.name(), nonce(1), now) {
        HandshakeStep::Proceed { login, .. } => login,
        step => panic!("{step:?}"),
    }
}

fn plain(login: Login, user: &str) -> AuthenticateStep {
    match login.on_authenticate(format!("\0{user}\0s3cret").as_bytes()) {
        AuthenticateStep::CheckPassword { resume, .. } => resume.with(Ok(())),
        step => step,
    }
}

fn ready(policy: LoginPolicy) -> Login {
    accept(plain(shake(start(policy), Mechanism::Plain, Duration::ZERO), "ann"), Duration::ZERO)
}

fn accept(step: AuthenticateStep, now: Duration) -> Login {
    match step {
        AuthenticateStep::Accepted { grant, .. } => grant.accept(None, now).unwrap().0,
        step => panic!("{step:?}"),
    }
}

#[test]
fn before_the_login_only_the_next_key_is_admitted() {
    let at = Duration::ZERO;
    let fresh = start(policy());
    assert_eq!(fresh.admit(ApiKey::ApiVersions, at), Admission::Login);
    assert_eq!(fresh.admit(ApiKey::SaslHandshake, at), Admission::Login);
    for key in [ApiKey::SaslAuthenticate, ApiKey::Metadata, ApiKey::Produce] {
        assert_eq!(fresh.admit(key, at), Admission::Close(CloseReason::NotAuthenticated));
    }
    let versions = fresh.on_api_versions();
    assert_eq!(versions.admit(ApiKey::ApiVersions, at), Admission::Close(CloseReason::SecondApiVersions));
    let shaken = shake(versions, Mechanism::Plain, at);
    assert_eq!(shaken.admit(ApiKey::SaslAuthenticate, at), Admission::Login);
    for key in [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::Metadata] {
        assert_eq!(shaken.admit(key, at), Admission::Close(CloseReason::NotAuthenticated));
    }
}

#[test]
fn a_ready_session_serves_everything_but_sasl() {
    let login = ready(policy());
    assert_eq!(login.user(), Some("ann"));
    assert_eq!(login.expires_at(), None);
    for key in [ApiKey::Metadata, ApiKey::ApiVersions, ApiKey::Produce] {
        assert_eq!(login.admit(key, SECOND), Admission::Serve);
    }
    for key in [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate] {
        assert_eq!(login.admit(key, SECOND), Admission::Login);
    }
}

#[test]
fn tokens_out_of_order_are_refused() {
    let step = start(policy()).on_authenticate(b"\0ann\0s3cret");
    assert!(matches!(step, AuthenticateStep::Rejected { user: None, cause: Rejection::OutOfOrder }));
    let AuthenticateStep::IllegalState { login } = ready(policy()).on_authenticate(b"") else { panic!() };
    assert_eq!(login.user(), Some("ann"), "the session stands");
    let shaken = shake(start(policy()), Mechanism::Plain, SECOND);
    let step = shaken.on_handshake(1, "PLAIN", nonce(2), SECOND);
    assert!(matches!(step, HandshakeStep::Close(CloseReason::NotAuthenticated)));
}

#[test]
fn a_mechanism_that_is_not_enabled_is_refused_with_the_list() {
    let only_plain = LoginPolicy { mechanisms: vec![Mechanism::Plain], ..policy() };
    for name in ["SCRAM-SHA-256", "GSSAPI", ""] {
        let step = start(only_plain.clone()).on_handshake(1, name, nonce(1), SECOND);
        let HandshakeStep::Refused { error_code: 33, mechanisms } = step else { panic!("{step:?}") };
        assert_eq!(mechanisms, [Mechanism::Plain]);
    }
}

#[test]
fn handshake_version_0_needs_the_option() {
    let step = start(policy()).on_handshake(0, "PLAIN", nonce(1), SECOND);
    assert!(matches!(step, HandshakeStep::Close(CloseReason::RawTokens)));
    let login = start(LoginPolicy { allow_raw_tokens: true, ..policy() });
    let HandshakeStep::Proceed { login, .. } = login.on_handshake(0, "PLAIN", nonce(1), SECOND) else {
        panic!()
    };
    assert!(login.expects_raw_token());
    let login = accept(plain(login, "ann"), SECOND);
    assert!(!login.expects_raw_token());
    let step = login.on_handshake(0, "PLAIN", nonce(1), SECOND);
    assert!(matches!(step, HandshakeStep::Close(CloseReason::RawTokens)), "raw tokens cannot renew");
}

#[test]
fn the_lifetime_is_the_smaller_of_session_and_credential() {
    let lifetime = |max: Option<u64>, credential: Option<u64>| {
        let policy = LoginPolicy { max_session: max.map(Duration::from_secs), ..policy() };
        let step = plain(shake(start(policy), Mechanism::Plain, SECOND), "ann");
        let AuthenticateStep::Accepted { grant, .. } = step else { panic!("{step:?}") };
        grant
            .accept(credential.map(Duration::from_secs), SECOND)
            .map(|(login, lifetime)| (lifetime, login.expires_at().map(|end| end.as_secs())))
    };
    assert_eq!(lifetime(None, None), Ok((0, None)));
    assert_eq!(lifetime(Some(60), None), Ok((60_000, Some(61))));
    assert_eq!(lifetime(Some(60), Some(11)), Ok((10_000, Some(11))));
    assert_eq!(lifetime(Some(60), Some(1_000)), Ok((60_000, Some(61))));
    assert_eq!(lifetime(None, Some(1)), Err(Rejection::Expired));
    assert_eq!(lifetime(Some(60), Some(0)), Err(Rejection::Expired));
}

#[test]
fn after_expiry_only_a_handshake_is_admitted_and_renews() {
    let login = ready(LoginPolicy { max_session: Some(SECOND * 10), ..policy() });
    assert_eq!(login.admit(ApiKey::Metadata, SECOND * 9), Admission::Serve);
    let now = SECOND * 10;
    for key in [ApiKey::Metadata, ApiKey::ApiVersions, ApiKey::SaslAuthenticate] {
        assert_eq!(login.admit(key, now), Admission::Close(CloseReason::SessionExpired));
    }
    assert_eq!(login.admit(ApiKey::SaslHandshake, now), Admission::Login);
    let login = accept(plain(shake(login, Mechanism::Plain, now), "ann"), now);
    assert_eq!(login.admit(ApiKey::Metadata, SECOND * 19), Admission::Serve);
}

#[test]
fn during_a_renewal_nothing_else_is_served() {
    let login = shake(ready(policy()), Mechanism::Plain, SECOND);
    assert_eq!(login.admit(ApiKey::Metadata, SECOND), Admission::Close(CloseReason::NotAuthenticated));
}

#[test]
fn renewals_within_a_second_are_answered_34_and_the_session_stands() {
    let login = accept(plain(shake(ready(policy()), Mechanism::Plain, SECOND), "ann"), SECOND);
    let soon = SECOND + SECOND / 2;
    let HandshakeStep::TooSoon { login } = login.on_handshake(1, "PLAIN", nonce(1), soon) else { panic!() };
    assert_eq!(login.admit(ApiKey::Metadata, soon), Admission::Serve);
    shake(login, Mechanism::Plain, SECOND * 2);
}

#[test]
fn a_renewal_keeps_mechanism_and_user() {
    let step = ready(policy()).on_handshake(1, "SCRAM-SHA-256", nonce(1), SECOND);
    assert!(matches!(step, HandshakeStep::Refused { error_code: 34, .. }), "{step:?}");

    let step = plain(shake(ready(policy()), Mechanism::Plain, SECOND), "bob");
    let AuthenticateStep::Rejected { user, cause } = step else { panic!("{step:?}") };
    assert_eq!((user.as_deref(), cause), (Some("bob"), Rejection::OtherUser));
}

#[test]
fn a_wrong_password_ends_the_login() {
    let login = shake(start(policy()), Mechanism::Plain, SECOND);
    let AuthenticateStep::CheckPassword { resume, .. } = login.on_authenticate(b"\0ann\0guess") else {
        panic!()
    };
    let step = resume.with(Err(Rejection::WrongPassword));
    assert!(matches!(step, AuthenticateStep::Rejected { cause: Rejection::WrongPassword, .. }));
}

#[test]
fn scram_goes_through_the_login_in_two_rounds() {
    let password = || SecretString::from("s3cret");
    let login = shake(start(policy()), Mechanism::ScramSha512, SECOND);
    let mechanism = PasswordMechanism::Scram(ScramHash::Sha512);
    let (first, client) = ClientExchange::with_password(mechanism, "ann", password(), nonce(2)).unwrap();
    let step = login.on_authenticate(&first);
    let AuthenticateStep::NeedCredential { user, hash, resume } = step else { panic!("{step:?}") };
    assert_eq!((user.as_str(), hash), ("ann", ScramHash::Sha512));
    let credential = ScramCredential::derive(hash, &password(), &[1; 16], 4_096).unwrap();
    let AuthenticateStep::Challenge { bytes, login } = resume.with(credential, true) else { panic!() };
    assert_eq!(login.admit(ApiKey::Metadata, SECOND), Admission::Close(CloseReason::NotAuthenticated));
    let ClientStep::Respond { bytes, next } = client.step(&bytes) else { panic!() };
    let AuthenticateStep::Accepted { user, bytes, grant, .. } = login.on_authenticate(&bytes) else {
        panic!()
    };
    assert_eq!(user, "ann");
    assert!(matches!(next.step(&bytes), ClientStep::Done));
    assert_eq!(grant.accept(None, SECOND).unwrap().0.user(), Some("ann"));
}

#[test]
fn a_renewal_by_a_token_of_another_user_is_refused() {
    let token = |login: Login, user: &str| {
        let AuthenticateStep::CheckToken { resume, .. } =
            login.on_authenticate(b"n,,\x01auth=Bearer t\x01\x01")
        else {
            panic!()
        };
        resume.with(Ok(user.to_owned()))
    };
    let start = || {
        let login = shake(start(policy()), Mechanism::OauthBearer, Duration::ZERO);
        shake(accept(token(login, "ann"), Duration::ZERO), Mechanism::OauthBearer, SECOND)
    };
    assert_eq!(accept(token(start(), "ann"), SECOND).user(), Some("ann"));
    let AuthenticateStep::Rejected { user, cause } = token(start(), "bob") else { panic!() };
    assert_eq!((user.as_deref(), cause), (Some("bob"), Rejection::OtherUser));
}
