//! What a caller shows to say who they are.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use tidegate_core::TokenId;
use tidegate_core::records::TokenKind;

use crate::token::parse_bearer;

/// What a request shows.
#[derive(Debug)]
pub(crate) enum Presented {
    /// Nothing at all.
    Nothing,
    /// Something that can be no token.
    Malformed,
    /// A token of this kind, id and secret.
    Token(TokenKind, TokenId, SecretString),
}

impl Presented {
    /// Reads the one header there may be; of several nobody could say which one counts.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return if headers.contains_key(AUTHORIZATION) { Self::Malformed } else { Self::Nothing };
        };
        value.to_str().ok().and_then(parse).unwrap_or(Self::Malformed)
    }
}

fn parse(value: &str) -> Option<Presented> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim_matches(' ');
    // RFC 9110: the scheme is read in any case.
    if scheme.eq_ignore_ascii_case("bearer") {
        let (id, secret) = parse_bearer(rest)?;
        return Some(Presented::Token(TokenKind::Bearer, id, secret));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (key, secret) = pair.split_once(':')?;
        let (id, secret) = (TokenId::parse(key).ok()?, SecretString::from(secret));
        return Some(Presented::Token(TokenKind::KeySecret, id, secret));
    }
    None
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn of(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        match Presented::by(&headers) {
            Presented::Nothing => "nothing".to_owned(),
            Presented::Malformed => "malformed".to_owned(),
            Presented::Token(kind, id, secret) => format!("{kind:?} {id} {}", secret.expose_secret()),
        }
    }

    #[test]
    fn both_kinds_are_read_and_nothing_else() {
        assert_eq!(of(&[]), "nothing");
        assert_eq!(of(&["Bearer tidegate_A1_s_x"]), "Bearer A1 s_x");
        assert_eq!(of(&["bearer  tidegate_A1_s"]), "Bearer A1 s");
        assert_eq!(of(&[&format!("Basic {}", STANDARD.encode("A1:s:x"))]), "KeySecret A1 s:x");
        for bad in ["", "Bearer", "Bearer x", "Basic", "Basic %", "Basic QQ==", "Digest x", "tidegate_A1_s"] {
            assert_eq!(of(&[bad]), "malformed", "{bad}");
        }
        assert_eq!(of(&["Bearer tidegate_A1_s", "Bearer tidegate_A1_s"]), "malformed");
    }
}
