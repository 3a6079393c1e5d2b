//! A token of the control plane as it is kept.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::names::{Label, TokenId};
use crate::secret_hash::SecretHash;
use crate::store::{Body, Kind, Record, Sealer};

/// A token of the control plane. Its record's id is its own; whoever shows a token shows the id with it.
///
/// When it was in use last is a fact, as it is of credentials: so that using a token changes no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id; of a pair, the key.
    pub id: TokenId,
    /// What people call it.
    pub name: Label,
    /// How it is shown.
    pub kind: TokenKind,
    /// Of its secret.
    pub hash: SecretHash,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created: Moment,
    /// From when on it opens nothing; none is never.
    pub expires: Option<Moment>,
    /// Fields of a later version.
    pub unknown: Unknown,
}

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenKind {
    /// In one piece, as a bearer token.
    Bearer,
    /// As key and secret of HTTP Basic.
    KeySecret,
}

/// What a token allows: each role all that those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// To look at everything but secrets.
    Viewer,
    /// To change zones, shares and links.
    Operator,
    /// To make and revoke tokens, too.
    Admin,
}

impl TokenRecord {
    /// Whether it opens at a time for whoever shows this secret.
    #[must_use]
    pub fn opens(&self, secret: &SecretString, now: Moment) -> bool {
        // The secret first: how long it takes says nothing about the end of a token.
        self.hash.is_of(secret) && self.expires.is_none_or(|end| end > now)
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct TokenBody {
    name: Label,
    kind: TokenKind,
    /// In the open: nobody can guess 256 random bits.
    sha256: String,
    role: Role,
    created: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Moment>,
    #[serde(flatten)]
    unknown: Unknown,
}

impl Recorded for TokenRecord {
    const KIND: Kind = Kind::TOKEN;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let Self { name, kind, hash, role, created, expires, unknown, .. } = self.clone();
        let body = TokenBody { name, kind, sha256: hash.to_hex(), role, created, expires, unknown };
        json::write(&self.key()?, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let TokenBody { name, kind, sha256, role, created, expires, unknown } =
            json::read(record, &MIGRATIONS)?;
        let id = TokenId::parse(record.key.id()).map_err(|error| RecordError::malformed(record, error))?;
        let hash = SecretHash::from_hex(&sha256);
        let hash = hash.ok_or_else(|| RecordError::malformed(record, "its hash is none of SHA-256"))?;
        Ok(Self { id, name, kind, hash, role, created, expires, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::testing::{keeps_later_fields, kept, read, saying, sealer};

    const SECRET: &str = "a-secret-of-256-bits";

    fn token(kind: TokenKind, role: Role, expires: Option<Moment>) -> TokenRecord {
        TokenRecord {
            id: TokenId::parse("TG7K3X9").unwrap(),
            name: Label::parse("CI of the web team").unwrap(),
            kind,
            hash: SecretHash::of(&SecretString::from(SECRET)),
            role,
            created: Moment(1),
            expires,
            unknown: Unknown::default(),
        }
    }

    fn all() -> [TokenRecord; 3] {
        [
            token(TokenKind::Bearer, Role::Admin, None),
            token(TokenKind::KeySecret, Role::Operator, Some(Moment(10))),
            token(TokenKind::Bearer, Role::Viewer, Some(Moment(10))),
        ]
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for token in all() {
            let record = kept(&token);
            assert_eq!(read::<TokenRecord>(&record), token);
            assert!(!record.body.text().contains(SECRET));
            let cut = record.body.text().replace("\"sha256\":\"", "\"sha256\":\"x");
            assert!(TokenRecord::from_record(&saying(&record, &cut), &sealer()).is_err());
        }
    }

    #[test]
    fn a_token_opens_for_its_secret_and_in_time() {
        let [forever, until, _] = all();
        let secret = SecretString::from(SECRET);
        assert!(forever.opens(&secret, Moment(u64::MAX)));
        assert!(until.opens(&secret, Moment(9)) && !until.opens(&secret, Moment(10)));
        assert!(!forever.opens(&SecretString::from("another"), Moment(1)));
        assert!(!format!("{forever:?}").contains(&forever.hash.to_hex()));
    }

    #[test]
    fn a_role_allows_what_those_before_it_do() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&all()[0], |token| TokenRecord { expires: Some(Moment(2)), ..token });
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        let texts = all().map(|token| kept(&token).body.text().to_owned());
        insta::assert_snapshot!(texts.join("\n"));
    }
}
