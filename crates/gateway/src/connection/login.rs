//! Driving the login machine of one connection.

use std::time::Duration;

use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use std::future::poll_fn;
use tidegate_authz::rules::api_versions;
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, CodecError, Guarded};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::{EnvelopeWriter, FrameLimits, Outgoing};
use tidegate_wire::header::{self, Request};
use tidegate_wire::sasl::{
    AUTHENTICATION_FAILED, Admission, AuthenticateStep, CloseReason, HandshakeStep, Login, Mechanism,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::side::{Received, Side, SideError};
use crate::listener::ListenerShared;
use crate::logins::make_nonce;
use crate::tls::Introduced;

/// Pause before a refusal, so that guessing costs time; the same for every cause.
pub(super) const REFUSAL_DELAY: Duration = Duration::from_millis(100);

/// Why a login ends without a session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("the client closed during the login")]
    Closed,
    #[error(transparent)]
    Side(#[from] SideError),
    #[error(transparent)]
    Header(#[from] header::HeaderError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Rule(#[from] tidegate_authz::RuleError),
    #[error(transparent)]
    Order(#[from] CloseReason),
    #[error("{key:?} version {version} is not served")]
    NotServed { key: ApiKey, version: i16 },
    #[error("the machine gives no random bytes")]
    NoRandomness,
    #[error("the mechanism is refused")]
    Mechanism,
    #[error("the certificate stands for {0:?}, who has no zone here or is not of the zone named")]
    Certificate(Option<String>),
    #[error("SASL on a listener without it")]
    NoSasl,
    #[error("login of {user:?} is refused: {cause}")]
    Refused { user: Option<String>, cause: String },
}

/// What a step of the login leaves behind.
enum Next {
    Answer(Box<Login>, Outgoing),
    Refuse(Outgoing, LoginError),
}

/// Runs a login until somebody is logged in. `first` is a request already taken off the stream.
pub(super) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    mut login: Login,
    first: Option<Request>,
    client: &mut Side<S>,
    shared: &ListenerShared,
    introduced: &Introduced,
) -> Result<Login, LoginError> {
    let mut next = first;
    loop {
        let request = match next.take() {
            Some(request) => request,
            None => read(client, shared).await?,
        };
        let (key, version) = (request.key, request.version);
        match login.admit(key, shared.now()) {
            Admission::Login => {}
            Admission::Serve => return Err(LoginError::NotServed { key, version }),
            Admission::Close(reason) => return Err(reason.into()),
        }
        if !shared.table.serves(key, version) && key != ApiKey::ApiVersions {
            return Err(LoginError::NotServed { key, version });
        }
        match step(login, &request, shared, introduced).await? {
            Next::Answer(after, answer) => {
                write(client, answer).await?;
                login = *after;
            }
            Next::Refuse(answer, error) => {
                write(client, answer).await?;
                return Err(error);
            }
        }
        if login.user().is_some() {
            return Ok(login);
        }
    }
}

async fn step(
    login: Login,
    request: &Request,
    shared: &ListenerShared,
    introduced: &Introduced,
) -> Result<Next, LoginError> {
    match request.key {
        ApiKey::SaslHandshake => handshake(login, request, shared),
        ApiKey::SaslAuthenticate => authenticate(login, request, shared, introduced).await,
        _ => {
            let snapshot = shared.snapshot();
            let cluster = snapshot.cluster(&shared.cluster).cloned().unwrap_or_default();
            let (answer, error) = api_versions::respond(&shared.table, &cluster.view, request)?;
            // An error answer may be asked again, in a version that both sides know.
            let login = if error.is_none() { login.on_api_versions() } else { login };
            Ok(Next::Answer(Box::new(login), answer))
        }
    }
}

fn handshake(login: Login, request: &Request, shared: &ListenerShared) -> Result<Next, LoginError> {
    let asked: SaslHandshakeRequest = codec::decode(request.version, &request.body)?;
    let names = |mechanisms: &[Mechanism]| {
        mechanisms.iter().map(|mechanism| StrBytes::from_static_str(mechanism.name())).collect()
    };
    let respond = |error: i16, mechanisms: &[Mechanism]| {
        let response =
            SaslHandshakeResponse::default().with_error_code(error).with_mechanisms(names(mechanisms));
        encode(request, &response)
    };
    let nonce = make_nonce().ok_or(LoginError::NoRandomness)?;
    match login.on_handshake(request.version, &asked.mechanism, nonce, shared.now()) {
        HandshakeStep::Proceed { mechanisms, login } => {
            Ok(Next::Answer(Box::new(login), respond(0, &mechanisms)?))
        }
        HandshakeStep::TooSoon { login } => {
            Ok(Next::Answer(Box::new(login), respond(ErrorCode::ILLEGAL_SASL_STATE.0, &[])?))
        }
        HandshakeStep::Refused { error_code, mechanisms } => {
            Ok(Next::Refuse(respond(error_code, &mechanisms)?, LoginError::Mechanism))
        }
        HandshakeStep::Close(reason) => Err(reason.into()),
    }
}

async fn authenticate(
    login: Login,
    request: &Request,
    shared: &ListenerShared,
    introduced: &Introduced,
) -> Result<Next, LoginError> {
    let asked: SaslAuthenticateRequest = codec::decode(request.version, &request.body)?;
    let mut step = login.on_authenticate(&asked.auth_bytes);
    loop {
        step = match step {
            AuthenticateStep::CheckPassword { user, password, resume } => {
                let verdict = shared.logins.check_password(&user, shared.account(&user), password).await;
                resume.with(verdict)
            }
            AuthenticateStep::NeedCredential { user, hash, resume } => {
                match shared.logins.scram_credential(&user, shared.account(&user), hash) {
                    Some((credential, known)) => resume.with(credential, known),
                    None => return refuse(request, Some(user), "its credential cannot be used").await,
                }
            }
            AuthenticateStep::Challenge { bytes, login } => {
                let response = SaslAuthenticateResponse::default().with_auth_bytes(bytes.into());
                return Ok(Next::Answer(Box::new(login), encode(request, &response)?));
            }
            AuthenticateStep::Accepted { user, .. } if !shared.agrees(introduced, &user) => {
                return refuse(request, Some(user), "certificate or server name lead to another zone").await;
            }
            AuthenticateStep::Accepted { user, bytes, grant } => {
                return match grant.accept(None, shared.now()) {
                    Err(cause) => refuse(request, Some(user), &cause.to_string()).await,
                    Ok((login, lifetime_ms)) => {
                        let mut response = SaslAuthenticateResponse::default().with_auth_bytes(bytes.into());
                        if request.version >= LIFETIME_SINCE {
                            response.session_lifetime_ms = lifetime_ms;
                        }
                        Ok(Next::Answer(Box::new(login), encode(request, &response)?))
                    }
                };
            }
            AuthenticateStep::IllegalState { login } => {
                let response =
                    SaslAuthenticateResponse::default().with_error_code(ErrorCode::ILLEGAL_SASL_STATE.0);
                return Ok(Next::Answer(Box::new(login), encode(request, &response)?));
            }
            AuthenticateStep::Rejected { user, cause } => {
                return refuse(request, user, &cause.to_string()).await;
            }
        };
    }
}

/// First version that tells how long a session lasts (KIP-368).
const LIFETIME_SINCE: i16 = 1;

async fn refuse(request: &Request, user: Option<String>, cause: &str) -> Result<Next, LoginError> {
    sleep(REFUSAL_DELAY).await;
    let response = SaslAuthenticateResponse::default()
        .with_error_code(ErrorCode::SASL_AUTHENTICATION_FAILED.0)
        .with_error_message(Some(StrBytes::from_static_str(AUTHENTICATION_FAILED)));
    Ok(Next::Refuse(encode(request, &response)?, LoginError::Refused { user, cause: cause.to_owned() }))
}

fn encode<R: Guarded + Encodable>(request: &Request, response: &R) -> Result<Outgoing, CodecError> {
    let mut out = EnvelopeWriter::with_capacity(64, 0);
    header::write_response(out.buffer(), R::KEY, request.version, request.correlation_id);
    codec::encode(response, request.version, out.buffer())?;
    Ok(out.finish())
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Side<S>,
    shared: &ListenerShared,
) -> Result<Request, LoginError> {
    let limits = FrameLimits::uniform(shared.max_pre_auth_frame_bytes);
    match poll_fn(|context| client.poll_frame(context, limits)).await? {
        Received::Closed => Err(LoginError::Closed),
        Received::Frame(frame) => Ok(Request::parse(frame)?),
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Side<S>,
    answer: Outgoing,
) -> Result<(), LoginError> {
    client.push(answer);
    poll_fn(|context| client.poll_flush(context)).await.map_err(SideError::from)?;
    Ok(())
}
