//! What a login asks of its connection.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use secrecy::SecretString;
use thiserror::Error;

use super::{Exchange, Login, LoginPolicy, Renewal, Session, State};
use crate::sasl::server::{CredentialLookup, PasswordCheck, ServerStep, TokenCheck};
use crate::sasl::{Mechanism, Rejection, ScramCredential, ScramHash};

/// Who takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It belongs to the login: ApiVersions before it, SaslHandshake, SaslAuthenticate.
    Login,
    /// The session stands: serve it by the rules.
    Serve,
    /// Close without an answer.
    Close(CloseReason),
}

/// Why a connection is closed without an answer; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// A request other than the next one of a login, while nobody is logged in.
    #[error("a request out of order before the login is complete")]
    NotAuthenticated,
    /// ApiVersions came again before the login.
    #[error("a second ApiVersions before the login")]
    SecondApiVersions,
    /// The session's time is over and it was not renewed.
    #[error("the session has expired without re-authentication")]
    SessionExpired,
    /// SaslHandshake version 0 where it is not allowed.
    #[error("SaslHandshake version 0 is not enabled")]
    RawTokens,
}

/// The outcome of a SaslHandshake.
#[derive(Debug)]
pub enum HandshakeStep {
    /// Answer with error 0 and these mechanisms.
    Proceed {
        /// The mechanisms to list.
        mechanisms: Vec<Mechanism>,
        /// The login, waiting for a token.
        login: Login,
    },
    /// A re-authentication too soon after the last: answer with error 34; the session stands.
    TooSoon {
        /// The login as it was.
        login: Login,
    },
    /// Answer with the error and these mechanisms, then close.
    Refused {
        /// The Kafka error code.
        error_code: i16,
        /// The mechanisms to list.
        mechanisms: Vec<Mechanism>,
    },
    /// Close without an answer.
    Close(CloseReason),
}

impl HandshakeStep {
    pub(super) fn refuse(policy: &LoginPolicy, error: ResponseError) -> Self {
        Self::Refused { error_code: error.code(), mechanisms: policy.mechanisms.clone() }
    }
}

/// The outcome of a token.
#[derive(Debug)]
pub enum AuthenticateStep {
    /// PLAIN: check the password, then resume.
    CheckPassword {
        /// Who wants in.
        user: String,
        /// What was presented.
        password: SecretString,
        /// The rest of the login.
        resume: LoginPasswordCheck,
    },
    /// SCRAM: find the user's credential, then resume.
    NeedCredential {
        /// Who wants in.
        user: String,
        /// The hash the credential must be for.
        hash: ScramHash,
        /// The rest of the login.
        resume: LoginCredentialLookup,
    },
    /// OAUTHBEARER: find out whom the token stands for and until when, then resume.
    CheckToken {
        /// What was presented.
        token: SecretString,
        /// The rest of the login.
        resume: LoginTokenCheck,
    },
    /// Answer with error 0 and these bytes.
    Challenge {
        /// The bytes for the client.
        bytes: Vec<u8>,
        /// The login, waiting for the next token.
        login: Login,
    },
    /// The user has proven who they are: accept the grant, then answer with error 0, these bytes and the
    /// session's lifetime. To refuse (say, the zone was deleted meanwhile) drop it and answer as for
    /// `Rejected`.
    Accepted {
        /// Who is in.
        user: String,
        /// The bytes for the client.
        bytes: Vec<u8>,
        /// SCRAM: which of the passwords of [`ScramCredential::or`] was proven, from 0.
        place: Option<usize>,
        /// The session to be.
        grant: Grant,
    },
    /// No exchange is under way: answer with error 34; the session stands.
    IllegalState {
        /// The login as it was.
        login: Login,
    },
    /// Answer with error 58 and [`super::AUTHENTICATION_FAILED`] after a delay, then close.
    Rejected {
        /// Who wanted in, once known.
        user: Option<String>,
        /// Why, for the log only.
        cause: Rejection,
    },
}

/// A PLAIN login waiting for the verdict on the password.
#[derive(Debug)]
pub struct LoginPasswordCheck {
    pending: Pending,
    check: PasswordCheck,
}

impl LoginPasswordCheck {
    /// Goes on with the verdict: `Ok`, or [`Rejection::UnknownUser`], [`Rejection::WrongPassword`].
    #[must_use]
    pub fn with(self, verdict: Result<(), Rejection>) -> AuthenticateStep {
        self.pending.advance(self.check.with(verdict))
    }
}

/// A SCRAM login waiting for the user's credential.
#[derive(Debug)]
pub struct LoginCredentialLookup {
    pending: Pending,
    lookup: CredentialLookup,
}

impl LoginCredentialLookup {
    /// Goes on with the credential; for an unknown user pass [`ScramCredential::fake`] and `known` false.
    #[must_use]
    pub fn with(self, credential: ScramCredential, known: bool) -> AuthenticateStep {
        self.pending.advance(self.lookup.with(credential, known))
    }
}

/// An OAUTHBEARER login waiting for the verdict on the token.
#[derive(Debug)]
pub struct LoginTokenCheck {
    pending: Pending,
    check: TokenCheck,
}

impl LoginTokenCheck {
    /// Goes on with whom the token stands for, or [`Rejection::Token`].
    #[must_use]
    pub fn with(self, verdict: Result<String, Rejection>) -> AuthenticateStep {
        self.pending.advance(self.check.with(verdict))
    }
}

/// A proven user whose session has yet to begin.
#[derive(Debug)]
pub struct Grant {
    pending: Pending,
    user: String,
}

impl Grant {
    /// Begins the session; the credential serves until `credential_expires_at`.
    ///
    /// Yields the login and `session_lifetime_ms` for the answer, where 0 means no end.
    ///
    /// # Errors
    /// [`Rejection::Expired`] when less than a millisecond is left.
    pub fn accept(
        self,
        credential_expires_at: Option<Duration>,
        now: Duration,
    ) -> Result<(Login, i64), Rejection> {
        let left = credential_expires_at.map(|end| end.saturating_sub(now));
        let lifetime = left.into_iter().chain(self.pending.policy.max_session).min();
        let lifetime_ms = match lifetime.map(|lifetime| lifetime.as_millis()) {
            None => 0,
            Some(0) => return Err(Rejection::Expired),
            Some(millis) => i64::try_from(millis).unwrap_or(i64::MAX),
        };
        let session = Session {
            mechanism: self.pending.mechanism,
            user: self.user,
            expires_at: lifetime.and_then(|lifetime| now.checked_add(lifetime)),
            renewal_started: self.pending.renews.map(|renewal| renewal.started),
        };
        Ok((Login { policy: self.pending.policy, state: State::Ready(session) }, lifetime_ms))
    }
}

/// A login without its exchange, which is in the hands of a step.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) policy: Arc<LoginPolicy>,
    pub(super) mechanism: Mechanism,
    pub(super) raw_tokens: bool,
    pub(super) renews: Option<Renewal>,
}

impl Pending {
    pub(super) fn advance(self, step: ServerStep) -> AuthenticateStep {
        match step {
            ServerStep::CheckPassword { user, .. }
            | ServerStep::NeedCredential { user, .. }
            | ServerStep::Accepted { user, .. }
                if self.renews_another(&user) =>
            {
                AuthenticateStep::Rejected { user: Some(user), cause: Rejection::OtherUser }
            }
            ServerStep::CheckPassword { user, password, resume: check } => {
                let resume = LoginPasswordCheck { pending: self, check };
                AuthenticateStep::CheckPassword { user, password, resume }
            }
            ServerStep::NeedCredential { user, hash, resume: lookup } => {
                let resume = LoginCredentialLookup { pending: self, lookup };
                AuthenticateStep::NeedCredential { user, hash, resume }
            }
            ServerStep::CheckToken { token, resume: check } => {
                AuthenticateStep::CheckToken { token, resume: LoginTokenCheck { pending: self, check } }
            }
            ServerStep::Challenge { bytes, next } => {
                AuthenticateStep::Challenge { bytes, login: self.resumed(next) }
            }
            ServerStep::Accepted { user, bytes, place } => {
                let grant = Grant { pending: self, user: user.clone() };
                AuthenticateStep::Accepted { user, bytes, place, grant }
            }
            ServerStep::Rejected { user, cause } => AuthenticateStep::Rejected { user, cause },
        }
    }

    fn renews_another(&self, user: &str) -> bool {
        self.renews.as_ref().is_some_and(|renewal| renewal.user != user)
    }

    fn resumed(self, server: crate::sasl::ServerExchange) -> Login {
        let Self { policy, mechanism, raw_tokens, renews } = self;
        Login { policy, state: State::Exchange(Exchange { mechanism, server, raw_tokens, renews }) }
    }
}
