//! Driving the login machine of one connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use secrecy::SecretString;
use std::future::poll_fn;
use tidegate_authz::rules::api_versions;
use tidegate_core::account::Account;
use tidegate_core::names::Shown;
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, CodecError, Guarded};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::{EnvelopeWriter, FrameLimits, Outgoing};
use tidegate_wire::header::{self, Request};
use tidegate_wire::sasl::{
    AUTHENTICATION_FAILED, Admission, AuthenticateStep, CloseReason, HandshakeStep, Login, Mechanism,
    Rejection,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};

use super::held::Held;
use super::side::{Received, Side, SideError};
use crate::admission::Leave;
use crate::listener::ListenerShared;
use crate::logins::{Proven, make_nonce};
use crate::snapshot::{Snapshot, Standing};
use crate::state;
use crate::tls::Introduced;
use crate::tokens::{Pace, Proof};

/// Time for a client to take its refusal; what is sent before a login fits any socket buffer.
const REFUSAL_WRITE: Duration = Duration::from_secs(1);

/// Why a login ends without a session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("the client closed during the login")]
    Closed,
    #[error("not done in time")]
    Deadline,
    #[error("a request came too slowly")]
    Slow,
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
    #[error("account or zone of {0:?} changed meanwhile")]
    Changed(String),
    #[error("the mechanism is refused")]
    Mechanism,
    #[error("the certificate stands for {0:?}, who has no zone here or is not of the zone named")]
    Certificate(Option<String>),
    #[error("SASL on a listener without it")]
    NoSasl,
    #[error("login of {user:?} is refused: {cause}")]
    Refused { user: Option<String>, cause: String },
}

/// Who comes to log in.
#[derive(Debug)]
pub(super) struct Visitor<'a> {
    /// What the client's address counts as.
    pub(super) address: IpAddr,
    /// The client's address.
    pub(super) client: IpAddr,
    /// What the TLS handshake told.
    pub(super) introduced: &'a Introduced,
    /// Where what is proven is left, for as long as it has to hold.
    pub(super) held: &'a Held,
    /// What stood when the client came: credentials that changed meanwhile let nobody in.
    pub(super) before: Arc<Snapshot>,
}

/// What a step of the login leaves behind.
enum Next {
    Answer(Box<Login>, Outgoing),
    Refuse(Refused),
}

/// A refusal that is due.
struct Refused {
    answer: Outgoing,
    at: Instant,
    error: LoginError,
}

/// Whether a login stands.
enum Stands {
    /// Bound to this.
    As(Standing),
    /// Not as it began.
    Changed,
}

/// One login under way.
struct Attempt<'a> {
    visitor: &'a Visitor<'a>,
    /// From the first that names the user to the end, the wait for a refusal included.
    leave: Option<Leave>,
    /// When the check of what was presented began.
    began: Instant,
    /// What stood when the credential was looked up.
    seen: Option<Arc<Snapshot>>,
    /// What the password has proven, if there is one.
    proven: Proven,
    /// What the token proves, if there is one.
    token: Option<Proof>,
}

/// Runs a login until somebody is logged in. `first` is a request already taken off the stream.
///
/// The wait before a refusal comes on top of `authDeadlineMs`: whoever guesses at the last moment waits as long as
/// anybody, and keeps their place meanwhile even if they have gone.
pub(super) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    login: Login,
    first: Option<Request>,
    client: &mut Side<S>,
    visitor: &Visitor<'_>,
    shared: &ListenerShared,
) -> Result<Login, LoginError> {
    let mut attempt = Attempt {
        visitor,
        leave: None,
        began: Instant::now(),
        seen: None,
        proven: Proven::Account,
        token: None,
    };
    let steps = steps(login, first, client, &mut attempt, shared);
    let refused = match timeout(shared.deadlines.auth_deadline, steps).await {
        Err(_) => return Err(LoginError::Deadline),
        Ok(done) => match done? {
            Ok(login) => return Ok(login),
            Err(refused) => refused,
        },
    };
    sleep_until(refused.at).await;
    // Nobody but the log is told if it cannot be sent.
    let _ = timeout(REFUSAL_WRITE, write(client, refused.answer)).await;
    Err(refused.error)
}

async fn steps<S: AsyncRead + AsyncWrite + Unpin>(
    mut login: Login,
    first: Option<Request>,
    client: &mut Side<S>,
    attempt: &mut Attempt<'_>,
    shared: &ListenerShared,
) -> Result<Result<Login, Refused>, LoginError> {
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
        match step(login, &request, attempt, shared).await? {
            Next::Answer(after, answer) => {
                write(client, answer).await?;
                login = *after;
            }
            Next::Refuse(refused) => return Ok(Err(refused)),
        }
        if login.user().is_some() {
            return Ok(Ok(login));
        }
    }
}

async fn step(
    login: Login,
    request: &Request,
    attempt: &mut Attempt<'_>,
    shared: &ListenerShared,
) -> Result<Next, LoginError> {
    match request.key {
        ApiKey::SaslHandshake => handshake(login, request, shared),
        ApiKey::SaslAuthenticate => authenticate(login, request, attempt, shared).await,
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
            let answer = respond(error_code, &mechanisms)?;
            Ok(Next::Refuse(Refused { answer, at: Instant::now(), error: LoginError::Mechanism }))
        }
        HandshakeStep::Close(reason) => Err(reason.into()),
    }
}

async fn authenticate(
    login: Login,
    request: &Request,
    attempt: &mut Attempt<'_>,
    shared: &ListenerShared,
) -> Result<Next, LoginError> {
    let asked: SaslAuthenticateRequest = codec::decode(request.version, &request.body)?;
    attempt.began = Instant::now();
    let mut step = login.on_authenticate(&asked.auth_bytes);
    loop {
        step = match step {
            AuthenticateStep::CheckPassword { user, password, resume } => {
                let verdict = check_password(&user, password, attempt, shared).await;
                resume.with(verdict.map(|proven| attempt.proven = proven))
            }
            AuthenticateStep::NeedCredential { user, hash, resume } => {
                attempt.may_try(&user, shared).await;
                let account = attempt.look(&user, shared);
                match shared.logins.scram_credential(&user, account, hash) {
                    Some((credential, known)) => resume.with(credential, known),
                    None => {
                        return attempt.refuse(request, Some(user), "its credential cannot be used", shared);
                    }
                }
            }
            AuthenticateStep::CheckToken { token, resume } => {
                resume.with(attempt.check_token(&token, shared).await)
            }
            AuthenticateStep::Challenge { bytes, login } => {
                let response = SaslAuthenticateResponse::default().with_auth_bytes(bytes.into());
                return Ok(Next::Answer(Box::new(login), encode(request, &response)?));
            }
            AuthenticateStep::Accepted { user, .. } if !shared.agrees(attempt.visitor.introduced, &user) => {
                let cause = "certificate or server name lead to another zone";
                return attempt.refuse(request, Some(user), cause, shared);
            }
            AuthenticateStep::Accepted { user, .. }
                if !shared.snapshot().allows(&user, attempt.visitor.client) =>
            {
                let cause = "its account may not be used from there";
                return attempt.refuse(request, Some(user), cause, shared);
            }
            AuthenticateStep::Accepted { user, bytes, place, grant } => {
                attempt.proven_by_scram(&user, place, shared);
                let standing = match attempt.stands(&user, shared) {
                    Some(Stands::As(standing)) => standing,
                    Some(Stands::Changed) => return Err(LoginError::Changed(user)),
                    None => return attempt.refuse(request, Some(user), "its zone is gone", shared),
                };
                return match grant.accept(attempt.token_ends(shared), shared.now()) {
                    Err(cause) => attempt.refuse(request, Some(user), &cause.to_string(), shared),
                    Ok(_) if !attempt.leave(&user, standing, shared) => Err(LoginError::Changed(user)),
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
                return attempt.refuse(request, user, &cause.to_string(), shared);
            }
        };
    }
}

/// First version that tells how long a session lasts (KIP-368).
const LIFETIME_SINCE: i16 = 1;

/// A password that was right before waits for nobody; others wait for leave to try and a turn of their address.
async fn check_password(
    user: &str,
    password: SecretString,
    attempt: &mut Attempt<'_>,
    shared: &ListenerShared,
) -> Result<Proven, Rejection> {
    let account = attempt.look(user, shared);
    if let Some(proven) = shared.logins.recognises(user, account.as_deref(), &password) {
        return Ok(proven);
    }
    attempt.may_try(user, shared).await;
    let turn = shared.common.admission.turns.take(attempt.visitor.address).await;
    let verdict = match shared.logins.recognises(user, account.as_deref(), &password) {
        Some(proven) => Ok(proven),
        None => shared.logins.check_password(user, account, password).await,
    };
    drop(turn);
    verdict
}

impl Attempt<'_> {
    /// Waits while too many attempts of that user fail at this address.
    async fn may_try(&mut self, user: &str, shared: &ListenerShared) {
        let now = Instant::now();
        self.leave = Some(shared.common.admission.failures.leave(self.visitor.address, user, now).await);
        self.began = Instant::now();
    }

    /// Whether the user's account and zone are what they were when the client came; `None` if there is no zone.
    ///
    /// Who is in the middle of a login while they change is cut and may come again, as those who are logged in: a
    /// refusal would be the end of it for stock clients.
    fn stands(&self, user: &str, shared: &ListenerShared) -> Option<Stands> {
        let (cluster, snapshot) = (&shared.cluster, shared.snapshot());
        snapshot.standing(cluster, user)?;
        let Some(now) = snapshot.standing_of(cluster, user, &self.proven) else {
            return Some(Stands::Changed);
        };
        // A credential that came only after the client did may be proven too, but not one that became another.
        let before = match self.visitor.before.standing_of(cluster, user, &self.proven) {
            Some(before) => before.goes_on(&now),
            None => {
                self.visitor.before.standing(cluster, user).is_some_and(|then| then.is_of_same_zone(&now))
            }
        };
        let seen = self.seen.as_ref().and_then(|seen| seen.standing_of(cluster, user, &self.proven));
        let stands = before && seen.is_some_and(|seen| seen.goes_on(&now));
        Some(if stands { Stands::As(now) } else { Stands::Changed })
    }

    /// Remembers which of the account's passwords SCRAM has proven.
    fn proven_by_scram(&mut self, user: &str, place: Option<usize>, shared: &ListenerShared) {
        // By the account that the challenge was made of.
        let seen = self.seen.as_ref().and_then(|seen| seen.member(&shared.cluster, user));
        if let (Some(place), Some(member)) = (place, seen) {
            self.proven = shared.logins.proven_by_scram(&member.account, place);
        }
    }

    /// Finds out whose token it is.
    async fn check_token(
        &mut self,
        token: &SecretString,
        shared: &ListenerShared,
    ) -> Result<String, Rejection> {
        let pace = Pace::of(&shared.deadlines);
        let proof = shared.common.tokens.check(token, state::moment(), pace).await?;
        let account = proof.account.clone();
        self.look(&account, shared);
        if !shared.takes_tokens_of(&account) {
            let shown = Shown::of(&account);
            return Err(Rejection::Token(format!("account `{shown}` has no zone here that takes tokens")));
        }
        self.token = Some(proof);
        Ok(account)
    }

    /// When the token ends, in the time of the login machine; `None` if none was shown.
    fn token_ends(&self, shared: &ListenerShared) -> Option<Duration> {
        let left = self.token.as_ref()?.until.0.saturating_sub(state::moment().0);
        Some(shared.now() + Duration::from_micros(left))
    }

    /// Leaves what is proven to whoever watches over the connection; false when it does not hold any more.
    fn leave(&mut self, user: &str, standing: Standing, shared: &ListenerShared) -> bool {
        if let Proven::Credential(id) = &self.proven {
            shared.common.last_used.note(&shared.facts, standing.zone_id(), id);
        }
        let held = self.visitor.held;
        held.put(standing, self.token.take());
        // Only now: what changes from here on is seen by the watcher.
        let now = shared.snapshot().standing(&shared.cluster, user);
        let stands = now.zip(held.standing()).is_some_and(|(now, then)| then.goes_on(&now));
        stands && held.holds_token(|proof| shared.common.tokens.still_takes(proof))
    }

    /// The account whose password is to be checked, and remembers what stands then: what is taken away meanwhile lets nobody
    /// in.
    fn look(&mut self, user: &str, shared: &ListenerShared) -> Option<Arc<Account>> {
        let snapshot = shared.snapshot();
        let account = shared.account(&snapshot, user);
        self.seen = Some(snapshot);
        account
    }

    /// One text for every cause, and a time that begins before the check, so that what it cost does not show.
    fn refuse(
        &self,
        request: &Request,
        user: Option<String>,
        cause: &str,
        shared: &ListenerShared,
    ) -> Result<Next, LoginError> {
        let named = user.as_deref().unwrap_or_default();
        let delay = shared.common.admission.failures.note(self.visitor.address, named, Instant::now());
        let response = SaslAuthenticateResponse::default()
            .with_error_code(ErrorCode::SASL_AUTHENTICATION_FAILED.0)
            .with_error_message(Some(StrBytes::from_static_str(AUTHENTICATION_FAILED)));
        let error = LoginError::Refused { user, cause: cause.to_owned() };
        Ok(Next::Refuse(Refused { answer: encode(request, &response)?, at: self.began + delay, error }))
    }
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
    loop {
        let reading = poll_fn(|context| client.poll_frame(context, limits, None));
        match timeout(shared.tick, reading).await {
            Err(_) if client.is_slow(&shared.deadlines, Instant::now()) => return Err(LoginError::Slow),
            Err(_) => {}
            Ok(received) => match received? {
                Received::Closed => return Err(LoginError::Closed),
                Received::Frame(frame) => return Ok(Request::parse(frame)?),
            },
        }
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
