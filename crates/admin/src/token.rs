//! A token as it is made and shown: its id and 256 random bits, of which only a hash is kept.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tidegate_core::records::{Moment, Role, TokenKind, TokenRecord, Unknown};
use tidegate_core::{Label, SecretHash, TokenId};

/// What a bearer token begins with, so that scanners for leaked secrets find it.
pub const BEARER_PREFIX: &str = "tidegate_";

/// Random bytes of an id: nobody meets another one's by chance.
const ID_BYTES: usize = 10;

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A token that was made just now: the only time that its secret is known.
pub struct NewToken {
    /// What is kept of it.
    pub record: TokenRecord,
    /// Its secret part.
    pub secret: SecretString,
}

impl NewToken {
    /// Makes a token. `None` when the machine has no randomness.
    #[must_use]
    pub fn make(
        name: Label,
        kind: TokenKind,
        role: Role,
        now: Moment,
        expires: Option<Moment>,
        random: &dyn SecureRandom,
    ) -> Option<Self> {
        let mut id = [0; ID_BYTES];
        random.fill(&mut id).ok()?;
        let mut secret = [0; SECRET_BYTES];
        random.fill(&mut secret).ok()?;
        let id = TokenId::parse(&in_letters(&id)).ok()?;
        let secret = SecretString::from(URL_SAFE_NO_PAD.encode(secret));
        let hash = SecretHash::of(&secret);
        let record =
            TokenRecord { id, name, kind, hash, role, created: now, expires, unknown: Unknown::default() };
        Some(Self { record, secret })
    }

    /// A token that was made elsewhere, as [`Self::bearer`] shows it. `None` for any other text: a hash of something shorter could
    /// be guessed from.
    #[must_use]
    pub fn given(bearer: &SecretString, name: Label, role: Role, now: Moment) -> Option<Self> {
        let (id, secret) = parse_bearer(bearer.expose_secret())?;
        let bytes = SecretSlice::from(URL_SAFE_NO_PAD.decode(secret.expose_secret()).ok()?);
        if bytes.expose_secret().len() != SECRET_BYTES {
            return None;
        }
        let (kind, hash) = (TokenKind::Bearer, SecretHash::of(&secret));
        let record = TokenRecord {
            id,
            name,
            kind,
            hash,
            role,
            created: now,
            expires: None,
            unknown: Unknown::default(),
        };
        Some(Self { record, secret })
    }

    /// What is shown as a bearer token: `tidegate_ID_SECRET`.
    #[must_use]
    pub fn bearer(&self) -> SecretString {
        let Self { record, secret } = self;
        SecretString::from(format!("{BEARER_PREFIX}{}_{}", record.id, secret.expose_secret()))
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewToken({})", self.record.id)
    }
}

/// Takes a bearer token apart.
pub(crate) fn parse_bearer(text: &str) -> Option<(TokenId, SecretString)> {
    let (id, secret) = text.strip_prefix(BEARER_PREFIX)?.split_once('_')?;
    Some((TokenId::parse(id).ok()?, SecretString::from(secret)))
}

/// Letters and digits that nobody mistakes for one another, five bits each.
fn in_letters(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    for byte in bytes {
        (held, bits) = (held << 8 | u32::from(*byte), bits + 8);
        while bits >= 5 {
            bits -= 5;
            let letter = LETTERS.get((held >> bits & 31) as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
        held &= (1 << bits) - 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    fn made() -> NewToken {
        let (name, random) = (Label::parse("CI").unwrap(), SystemRandom::new());
        NewToken::make(name, TokenKind::Bearer, Role::Viewer, Moment(1), None, &random).unwrap()
    }

    #[test]
    fn a_token_opens_with_what_was_shown_once() {
        let token = made();
        let (id, secret) = parse_bearer(token.bearer().expose_secret()).unwrap();
        assert_eq!(id, token.record.id);
        assert!(token.record.opens(&secret, Moment(2)));
        assert_eq!((id.as_str().len(), secret.expose_secret().len()), (16, 43));
        assert_ne!(made().record.id, made().record.id);
        assert!(!format!("{token:?}").contains(secret.expose_secret()));
    }

    #[test]
    fn a_token_of_elsewhere_is_the_same_here_and_nothing_shorter_is_one() {
        let (made, name) = (made(), Label::parse("x").unwrap());
        let given = |text: &str| NewToken::given(&text.into(), name.clone(), Role::Admin, Moment(1));
        let bearer = made.bearer();
        let same = given(bearer.expose_secret()).unwrap();
        assert_eq!((same.record.id.clone(), same.record.hash), (made.record.id.clone(), made.record.hash));
        assert_eq!((same.record.role, same.bearer().expose_secret()), (Role::Admin, bearer.expose_secret()));
        let cut = &bearer.expose_secret()[..bearer.expose_secret().len() - 1];
        let long = format!("{}AAAA", bearer.expose_secret());
        for text in ["", "secret", "tidegate_A_secret", "tidegate_A_", cut, &long, &format!("Bearer {long}")]
        {
            assert!(given(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", "tidegate_", "tidegate_x", "tidegate__x", "tidegate_a b_x", "Tidegate_A_x"] {
            assert!(parse_bearer(text).is_none(), "{text}");
        }
    }
}
