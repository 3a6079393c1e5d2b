//! How a connection is protected and who it logs in as.

use std::sync::Arc;

use secrecy::SecretString;
use tidegate_wire::sasl::{Mechanism, PasswordMechanism};

use crate::{Tls, TokenSource};

/// The security of a connection; the four pairs are Kafka's PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL.
#[derive(Debug, Clone)]
pub struct Security {
    /// What the bytes travel through.
    pub transport: Transport,
    /// Who logs in; `None` without SASL.
    pub login: Option<SaslLogin>,
}

/// What the bytes travel through.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Bare TCP.
    Plaintext,
    /// TLS.
    Tls(Tls),
}

/// A SASL login.
#[derive(Debug, Clone)]
pub enum SaslLogin {
    /// PLAIN or SCRAM: a password is proven.
    Password {
        /// Which of them.
        mechanism: PasswordMechanism,
        /// The user name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// OAUTHBEARER: a token is shown, which says itself whom it stands for.
    Bearer(Arc<dyn TokenSource>),
}

impl SaslLogin {
    /// A login with the tokens of this source.
    #[must_use]
    pub fn bearer(source: impl TokenSource + 'static) -> Self {
        Self::Bearer(Arc::new(source))
    }

    /// The user, where the login names one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Password { user, .. } => Some(user),
            Self::Bearer(_) => None,
        }
    }

    /// The mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        match self {
            Self::Password { mechanism, .. } => Mechanism::from(*mechanism),
            Self::Bearer(_) => Mechanism::OauthBearer,
        }
    }
}

impl Security {
    /// PLAINTEXT.
    #[must_use]
    pub fn plaintext() -> Self {
        Self { transport: Transport::Plaintext, login: None }
    }

    /// SSL.
    #[must_use]
    pub fn tls(tls: Tls) -> Self {
        Self { transport: Transport::Tls(tls), login: None }
    }

    /// The same transport with a SASL login.
    #[must_use]
    pub fn with_login(self, login: SaslLogin) -> Self {
        Self { login: Some(login), ..self }
    }
}
