//! The client's side of one SASL exchange.

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::scram::client::{AwaitingChallenge, AwaitingSignature, printable};
use super::{CredentialError, Nonce, PasswordMechanism, bearer, plain};

/// One exchange as the client sees it, after its first message.
///
/// ```text
/// PLAIN        start -> first message -> Done
/// SCRAM        start -> first message -> challenge -> proof -> server's signature -> Done
/// OAUTHBEARER  start -> first message -> Done, or what is wrong -> taken note -> Failed
/// ```
#[derive(Debug)]
pub struct ClientExchange(State);

#[derive(Debug)]
enum State {
    Plain,
    Challenge(AwaitingChallenge),
    Signature(AwaitingSignature),
    Bearer,
    BearerRefused { text: String },
}

/// What to do after a message of the server.
#[derive(Debug)]
pub enum ClientStep {
    /// Send these bytes and wait.
    Respond {
        /// The message for the server.
        bytes: Vec<u8>,
        /// The exchange after it.
        next: ClientExchange,
    },
    /// Logged in; with SCRAM the server has proven that it knows the account too.
    Done,
    /// Not logged in.
    Failed(ClientFailure),
}

/// Why a login failed on the client's side.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClientFailure {
    /// The user name or password cannot be sent.
    #[error("user name and password must be non-empty and without NUL")]
    UnusableLogin,
    /// The token cannot be sent.
    #[error("the token must be of letters, digits and `-._~+/`, with `=` at its end at most")]
    UnusableToken,
    /// A message of the server does not have the form its RFC asks for.
    #[error("malformed answer of the server: {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// The server's nonce does not continue ours.
    #[error("the server's nonce does not begin with the client's")]
    WrongNonce,
    /// The server asks for too few or too many iterations, or its salt is out of bounds.
    #[error("the server's challenge is refused: {0}")]
    Challenge(#[from] CredentialError),
    /// The server does not know the account: it may be an impostor.
    #[error("the server's signature is wrong, so it does not know this account")]
    ServerSignature,
    /// The server refused, with its own word for it.
    #[error("the server refuses the login: {text}")]
    ServerError {
        /// The printable part of the server's text.
        text: String,
    },
}

impl ClientExchange {
    /// Starts an exchange that proves a password: send the bytes, then pass each answer to [`Self::step`].
    ///
    /// # Errors
    /// [`ClientFailure::UnusableLogin`] when the name or password is empty or holds a NUL.
    pub fn with_password(
        mechanism: PasswordMechanism,
        user: &str,
        password: SecretString,
        nonce: Nonce,
    ) -> Result<(Vec<u8>, Self), ClientFailure> {
        let usable = |text: &str| !text.is_empty() && !text.contains('\0');
        if !usable(user) || !usable(password.expose_secret()) {
            return Err(ClientFailure::UnusableLogin);
        }
        Ok(match mechanism {
            PasswordMechanism::Plain => (plain::encode(user, &password), Self(State::Plain)),
            PasswordMechanism::Scram(hash) => {
                let (bytes, state) = AwaitingChallenge::start(hash, user, password, nonce);
                (bytes, Self(State::Challenge(state)))
            }
        })
    }

    /// Starts an exchange that shows a token, which says itself whom it stands for.
    ///
    /// # Errors
    /// [`ClientFailure::UnusableToken`].
    pub fn with_token(token: &SecretString) -> Result<(Vec<u8>, Self), ClientFailure> {
        if !bearer::is_token(token.expose_secret()) {
            return Err(ClientFailure::UnusableToken);
        }
        Ok((bearer::encode(token), Self(State::Bearer)))
    }

    /// Takes the server's next message.
    ///
    /// The SCRAM challenge costs all iterations, up to tens of milliseconds.
    #[must_use]
    pub fn step(self, message: &[u8]) -> ClientStep {
        match self.0 {
            State::Plain if message.is_empty() => ClientStep::Done,
            State::Plain => ClientStep::Failed(ClientFailure::Malformed { what: "bytes after PLAIN" }),
            State::Challenge(state) => match state.respond(message) {
                Ok((bytes, state)) => ClientStep::Respond { bytes, next: Self(State::Signature(state)) },
                Err(failure) => ClientStep::Failed(failure),
            },
            State::Signature(state) => match state.finish(message) {
                Ok(()) => ClientStep::Done,
                Err(failure) => ClientStep::Failed(failure),
            },
            State::Bearer if message.is_empty() => ClientStep::Done,
            State::Bearer => ClientStep::Respond {
                bytes: bearer::TAKEN_NOTE.to_vec(),
                next: Self(State::BearerRefused { text: printable(&String::from_utf8_lossy(message)) }),
            },
            State::BearerRefused { text } => ClientStep::Failed(ClientFailure::ServerError { text }),
        }
    }
}
