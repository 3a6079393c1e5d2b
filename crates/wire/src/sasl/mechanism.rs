//! The mechanisms Tidegate speaks.

use std::fmt;

use super::ScramHash;

/// A SASL mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    /// PLAIN: the password itself travels, so use it under TLS only.
    Plain,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
    /// OAUTHBEARER: a token of an identity provider travels, so use it under TLS only.
    OauthBearer,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::ScramSha256, Self::ScramSha512, Self::OauthBearer];

    /// The registered name, as Kafka configurations spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of that name; names are compared exactly, as Kafka does.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A mechanism that proves a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PasswordMechanism {
    /// PLAIN.
    Plain,
    /// SCRAM with this hash.
    Scram(ScramHash),
}

impl PasswordMechanism {
    /// The mechanism, if it proves a password.
    #[must_use]
    pub const fn of(mechanism: Mechanism) -> Option<Self> {
        match mechanism {
            Mechanism::Plain => Some(Self::Plain),
            Mechanism::ScramSha256 => Some(Self::Scram(ScramHash::Sha256)),
            Mechanism::ScramSha512 => Some(Self::Scram(ScramHash::Sha512)),
            Mechanism::OauthBearer => None,
        }
    }
}

impl From<PasswordMechanism> for Mechanism {
    fn from(mechanism: PasswordMechanism) -> Self {
        match mechanism {
            PasswordMechanism::Plain => Self::Plain,
            PasswordMechanism::Scram(ScramHash::Sha256) => Self::ScramSha256,
            PasswordMechanism::Scram(ScramHash::Sha512) => Self::ScramSha512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_and_nothing_else_does() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::parse(mechanism.name()), Some(mechanism));
        }
        let of_passwords = Mechanism::ALL.into_iter().filter_map(PasswordMechanism::of).map(Mechanism::from);
        assert_eq!(of_passwords.collect::<Vec<_>>(), Mechanism::ALL[..3]);
        assert_eq!(Mechanism::parse("plain"), None);
        assert_eq!(Mechanism::parse("SCRAM-SHA-1"), None);
    }
}
