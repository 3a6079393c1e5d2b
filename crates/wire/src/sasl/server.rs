//! The server's side of one SASL exchange.

use secrecy::SecretString;

use super::scram::server::{AwaitingFinal, FirstReceived};
use super::{Mechanism, Nonce, Rejection, ScramCredential, ScramHash, bearer, plain};

/// One exchange as the server sees it, waiting for the client's next message.
///
/// ```text
/// PLAIN        start -> message -> CheckPassword -> Accepted
/// SCRAM        start -> message -> NeedCredential -> Challenge -> message -> Accepted
/// OAUTHBEARER  start -> message -> CheckToken -> Accepted
///                                            \-> Challenge -> message -> Rejected
/// ```
///
/// Any state may end in `Rejected`. An unknown user takes every step that a known one takes.
#[derive(Debug)]
pub struct ServerExchange(State);

#[derive(Debug)]
enum State {
    Plain,
    ScramFirst {
        hash: ScramHash,
        nonce: Nonce,
    },
    ScramFinal(Box<AwaitingFinal>),
    Bearer,
    /// The client has been told and has to take note.
    BearerRefused {
        user: Option<String>,
        cause: Rejection,
    },
}

/// What to do after a message of the client.
#[derive(Debug)]
pub enum ServerStep {
    /// PLAIN: check the password, then resume. For an unknown user check it too, against a fake
    /// credential, so that both take the same time.
    CheckPassword {
        /// Who wants in.
        user: String,
        /// What was presented.
        password: SecretString,
        /// The rest of the exchange.
        resume: PasswordCheck,
    },
    /// SCRAM: find the user's credential, then resume.
    NeedCredential {
        /// Who wants in.
        user: String,
        /// The hash the credential must be for.
        hash: ScramHash,
        /// The rest of the exchange.
        resume: CredentialLookup,
    },
    /// OAUTHBEARER: find out whom the token stands for, then resume.
    CheckToken {
        /// What was presented.
        token: SecretString,
        /// The rest of the exchange.
        resume: TokenCheck,
    },
    /// Send these bytes and wait.
    Challenge {
        /// The message for the client.
        bytes: Vec<u8>,
        /// The exchange after it.
        next: ServerExchange,
    },
    /// Logged in.
    Accepted {
        /// Who is in.
        user: String,
        /// The last message for the client; may be empty.
        bytes: Vec<u8>,
        /// SCRAM: which of the passwords of [`ScramCredential::or`] was proven, from 0.
        place: Option<usize>,
    },
    /// Not logged in.
    Rejected {
        /// Who wanted in, once known: delays grow per user.
        user: Option<String>,
        /// Why, for the log only.
        cause: Rejection,
    },
}

impl ServerExchange {
    /// Starts an exchange; `nonce` is used by SCRAM only.
    #[must_use]
    pub fn start(mechanism: Mechanism, nonce: Nonce) -> Self {
        Self(match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::ScramSha256 => State::ScramFirst { hash: ScramHash::Sha256, nonce },
            Mechanism::ScramSha512 => State::ScramFirst { hash: ScramHash::Sha512, nonce },
            Mechanism::OauthBearer => State::Bearer,
        })
    }

    /// Takes the client's next message.
    #[must_use]
    pub fn step(self, message: &[u8]) -> ServerStep {
        match self.0 {
            State::Plain => match plain::parse(message) {
                Ok((user, password)) => {
                    ServerStep::CheckPassword { user: user.clone(), password, resume: PasswordCheck { user } }
                }
                Err(cause) => ServerStep::Rejected { user: None, cause },
            },
            State::ScramFirst { hash, nonce } => match FirstReceived::parse(hash, &nonce, message) {
                Ok(first) => ServerStep::NeedCredential {
                    user: first.user().to_owned(),
                    hash: first.hash(),
                    resume: CredentialLookup(first),
                },
                Err(cause) => ServerStep::Rejected { user: None, cause },
            },
            State::ScramFinal(state) => {
                let user = state.user().to_owned();
                match state.finish(message) {
                    Ok((bytes, place)) => ServerStep::Accepted { user, bytes, place: Some(place) },
                    Err(cause) => ServerStep::Rejected { user: Some(user), cause },
                }
            }
            State::Bearer => match bearer::parse(message) {
                Ok(first) => ServerStep::CheckToken {
                    token: first.token,
                    resume: TokenCheck { authzid: first.authzid },
                },
                Err(cause) => ServerStep::Rejected { user: None, cause },
            },
            State::BearerRefused { user, cause } => ServerStep::Rejected { user, cause },
        }
    }
}

/// A PLAIN exchange waiting for the verdict on the password.
#[derive(Debug)]
pub struct PasswordCheck {
    user: String,
}

impl PasswordCheck {
    /// Goes on with the verdict: `Ok`, or [`Rejection::UnknownUser`], [`Rejection::WrongPassword`].
    #[must_use]
    pub fn with(self, verdict: Result<(), Rejection>) -> ServerStep {
        match verdict {
            Ok(()) => ServerStep::Accepted { user: self.user, bytes: Vec::new(), place: None },
            Err(cause) => ServerStep::Rejected { user: Some(self.user), cause },
        }
    }
}

/// An OAUTHBEARER exchange waiting for the verdict on the token.
#[derive(Debug)]
pub struct TokenCheck {
    authzid: Option<String>,
}

impl TokenCheck {
    /// Goes on with whom the token stands for, or why it does not serve; the client is told no cause.
    #[must_use]
    pub fn with(self, verdict: Result<String, Rejection>) -> ServerStep {
        let (user, cause) = match verdict {
            Ok(user) if self.authzid.as_ref().is_none_or(|authzid| *authzid == user) => {
                return ServerStep::Accepted { user, bytes: Vec::new(), place: None };
            }
            Ok(user) => (Some(user), Rejection::OtherAuthorizationId),
            Err(cause) => (None, cause),
        };
        let next = ServerExchange(State::BearerRefused { user, cause });
        ServerStep::Challenge { bytes: bearer::INVALID_TOKEN.to_vec(), next }
    }
}

/// A SCRAM exchange waiting for the user's credential.
#[derive(Debug)]
pub struct CredentialLookup(FirstReceived);

impl CredentialLookup {
    /// Goes on with the credential; for an unknown user pass [`ScramCredential::fake`] and `known` false.
    #[must_use]
    pub fn with(self, credential: ScramCredential, known: bool) -> ServerStep {
        let user = self.0.user().to_owned();
        match self.0.challenge(credential, known) {
            Ok((bytes, state)) => {
                ServerStep::Challenge { bytes, next: ServerExchange(State::ScramFinal(Box::new(state))) }
            }
            Err(cause) => ServerStep::Rejected { user: Some(user), cause },
        }
    }
}
