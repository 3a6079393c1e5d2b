//! How a connection is protected and who it logs in as.

use secrecy::SecretString;
use tidegate_wire::sasl::Mechanism;

use crate::Tls;

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
pub struct SaslLogin {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The user name.
    pub user: String,
    /// The password.
    pub password: SecretString,
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
