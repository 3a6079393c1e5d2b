//! The login of one connection: which SASL request may come when, and when a session ends.

mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::error::ResponseError;

use super::{Mechanism, Nonce, Rejection, ServerExchange};
use crate::api::ApiKey;

pub use steps::{
    Admission, AuthenticateStep, CloseReason, Grant, HandshakeStep, LoginCredentialLookup,
    LoginPasswordCheck, LoginTokenCheck,
};

/// The one text that goes with error 58, whatever the cause.
pub const AUTHENTICATION_FAILED: &str = "Authentication failed, invalid credentials";

/// The least time between the starts of two re-authentications, as in Kafka (KIP-368).
pub const REAUTHENTICATION_INTERVAL: Duration = Duration::from_secs(1);

/// What a listener asks of its logins.
#[derive(Debug, Clone)]
pub struct LoginPolicy {
    /// The mechanisms it takes, in the order in which they are listed to clients.
    pub mechanisms: Vec<Mechanism>,
    /// The longest session without re-authentication; `None` sets no bound.
    pub max_session: Option<Duration>,
    /// Whether SaslHandshake version 0 is taken, after which tokens travel bare, without Kafka headers.
    pub allow_raw_tokens: bool,
}

/// The login state of one connection.
///
/// ```text
///  Start --on_api_versions--> Start (once)
///    |
///    +--on_handshake--> Exchange --on_authenticate--> Exchange (SCRAM's second round)
///                          |
///                          +--on_authenticate, Grant::accept--> Ready
///                                                                |
///                          Exchange (again) <--on_handshake------+   (KIP-368: same mechanism, same user)
/// ```
///
/// Only `on_*` methods change the state, and they consume it: where a step does not hand a `Login` back,
/// the connection must be closed after the answer. Times are `Duration`s since one origin of the caller's
/// choice, which must not jump back.
#[derive(Debug)]
pub struct Login {
    policy: Arc<LoginPolicy>,
    state: State,
}

#[derive(Debug)]
enum State {
    Start { versions_answered: bool },
    Exchange(Exchange),
    Ready(Session),
}

/// An exchange under way, for a first login or to renew `renews`.
#[derive(Debug)]
struct Exchange {
    mechanism: Mechanism,
    server: ServerExchange,
    raw_tokens: bool,
    renews: Option<Renewal>,
}

/// What a re-authentication must keep.
#[derive(Debug)]
struct Renewal {
    user: String,
    started: Duration,
}

/// A session that stands.
#[derive(Debug)]
struct Session {
    mechanism: Mechanism,
    user: String,
    expires_at: Option<Duration>,
    renewal_started: Option<Duration>,
}

impl Login {
    /// A connection of which nothing is known yet.
    #[must_use]
    pub fn start(policy: Arc<LoginPolicy>) -> Self {
        Self { policy, state: State::Start { versions_answered: false } }
    }

    /// Whether a request of `key` may come now, and who takes it.
    #[must_use]
    pub fn admit(&self, key: ApiKey, now: Duration) -> Admission {
        match (&self.state, key) {
            (State::Start { versions_answered: false }, ApiKey::ApiVersions)
            | (State::Start { .. } | State::Ready(_), ApiKey::SaslHandshake)
            | (State::Exchange(_), ApiKey::SaslAuthenticate) => Admission::Login,
            (State::Start { .. }, ApiKey::ApiVersions) => Admission::Close(CloseReason::SecondApiVersions),
            (State::Start { .. } | State::Exchange(_), _) => Admission::Close(CloseReason::NotAuthenticated),
            (State::Ready(session), _) if session.expired(now) => {
                Admission::Close(CloseReason::SessionExpired)
            }
            (State::Ready(_), ApiKey::SaslAuthenticate) => Admission::Login,
            (State::Ready(_), _) => Admission::Serve,
        }
    }

    /// Whether the next frame is a bare token, after a handshake of version 0.
    #[must_use]
    pub fn expects_raw_token(&self) -> bool {
        matches!(&self.state, State::Exchange(exchange) if exchange.raw_tokens)
    }

    /// Who is logged in.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.state {
            State::Ready(session) => Some(&session.user),
            State::Start { .. } | State::Exchange(_) => None,
        }
    }

    /// When the session ends, if it ever does.
    #[must_use]
    pub fn expires_at(&self) -> Option<Duration> {
        match &self.state {
            State::Ready(session) => session.expires_at,
            State::Start { .. } | State::Exchange(_) => None,
        }
    }

    /// ApiVersions has been answered without an error; before the login that happens once.
    #[must_use]
    pub fn on_api_versions(mut self) -> Self {
        if let State::Start { versions_answered } = &mut self.state {
            *versions_answered = true;
        }
        self
    }

    /// A SaslHandshake names its mechanism; `nonce` serves the exchange that it may start.
    #[must_use]
    pub fn on_handshake(self, version: i16, mechanism: &str, nonce: Nonce, now: Duration) -> HandshakeStep {
        let policy = self.policy;
        let raw_tokens = version == 0;
        let renews = match self.state {
            State::Start { .. } => None,
            State::Exchange(_) => return HandshakeStep::Close(CloseReason::NotAuthenticated),
            State::Ready(session) if session.renewed_lately(now) => {
                return HandshakeStep::TooSoon { login: Self { policy, state: State::Ready(session) } };
            }
            State::Ready(session) if session.mechanism.name() != mechanism => {
                return HandshakeStep::refuse(&policy, ResponseError::IllegalSaslState);
            }
            State::Ready(_) if raw_tokens => return HandshakeStep::Close(CloseReason::RawTokens),
            State::Ready(session) => Some(Renewal { user: session.user, started: now }),
        };
        if raw_tokens && !policy.allow_raw_tokens {
            return HandshakeStep::Close(CloseReason::RawTokens);
        }
        let named = Mechanism::parse(mechanism).filter(|named| policy.mechanisms.contains(named));
        let Some(mechanism) = named else {
            return HandshakeStep::refuse(&policy, ResponseError::UnsupportedSaslMechanism);
        };
        let server = ServerExchange::start(mechanism, nonce);
        let state = State::Exchange(Exchange { mechanism, server, raw_tokens, renews });
        HandshakeStep::Proceed { mechanisms: policy.mechanisms.clone(), login: Self { policy, state } }
    }

    /// A SaslAuthenticate, or a bare token after a handshake of version 0, brings its bytes.
    #[must_use]
    pub fn on_authenticate(self, token: &[u8]) -> AuthenticateStep {
        match self.state {
            State::Start { .. } => AuthenticateStep::Rejected { user: None, cause: Rejection::OutOfOrder },
            State::Ready(_) => AuthenticateStep::IllegalState { login: self },
            State::Exchange(Exchange { mechanism, server, raw_tokens, renews }) => {
                let pending = steps::Pending { policy: self.policy, mechanism, raw_tokens, renews };
                pending.advance(server.step(token))
            }
        }
    }
}

impl Session {
    fn expired(&self, now: Duration) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    fn renewed_lately(&self, now: Duration) -> bool {
        self.renewal_started.is_some_and(|started| now.saturating_sub(started) < REAUTHENTICATION_INTERVAL)
    }
}
