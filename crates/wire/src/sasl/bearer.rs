//! The messages of OAUTHBEARER (RFC 7628): a token comes, and what is wrong with it is told before the refusal.

use secrecy::{ExposeSecret, SecretString};

use super::scram::unescape;
use super::{MAX_TOKEN_MESSAGE_BYTES, Rejection};

/// What is told of every token that does not serve, whatever the cause (RFC 7628 section 3.2.2).
pub(super) const INVALID_TOKEN: &[u8] = br#"{"status":"invalid_token"}"#;

/// With this one byte the client takes note of that.
pub(super) const TAKEN_NOTE: &[u8] = b"\x01";

/// The client's first message.
#[derive(Debug)]
pub(super) struct ClientFirst {
    /// Whom the client wants to act as; `None` is whoever the token stands for.
    pub(super) authzid: Option<String>,
    pub(super) token: SecretString,
}

/// Reads `n,[a=NAME],^Aauth=Bearer TOKEN^A[key=value^A]*^A`. Extensions (KIP-342) are passed over.
pub(super) fn parse(message: &[u8]) -> Result<ClientFirst, Rejection> {
    if message.len() > MAX_TOKEN_MESSAGE_BYTES {
        return Err(Rejection::TooLong);
    }
    let text = std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
    let (header, rest) = text.split_once('\x01').ok_or(malformed("no GS2 header"))?;
    let authzid = authorization_id(header)?;
    let pairs = rest.strip_suffix("\x01\x01").ok_or(malformed("no end"))?;
    let mut token = None;
    for pair in pairs.split('\x01') {
        let (key, value) = pair.split_once('=').ok_or(malformed("a pair without `=`"))?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(malformed("a key that is not of letters"));
        }
        if key == "auth" && token.replace(bearer(value)?).is_some() {
            return Err(malformed("two tokens"));
        }
    }
    Ok(ClientFirst { authzid, token: token.ok_or(malformed("no token"))? })
}

/// Writes the client's first message.
pub(super) fn encode(token: &SecretString) -> Vec<u8> {
    ["n,,\x01auth=Bearer ", token.expose_secret(), "\x01\x01"].concat().into_bytes()
}

/// Whether the text can be sent as a token: `b64token` of RFC 6750.
pub(super) fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(is_part)
}

fn authorization_id(header: &str) -> Result<Option<String>, Rejection> {
    let (flag, rest) = header.split_once(',').ok_or(malformed("no GS2 header"))?;
    match flag {
        "n" | "y" => {}
        _ if flag.starts_with("p=") => return Err(Rejection::ChannelBinding),
        _ => return Err(malformed("unknown channel-binding flag")),
    }
    match rest.strip_suffix(',').ok_or(malformed("no GS2 header"))? {
        "" => Ok(None),
        named => unescape(named.strip_prefix("a=").ok_or(malformed("bad authorization id"))?).map(Some),
    }
}

/// The scheme is compared without case, as HTTP does.
fn bearer(value: &str) -> Result<SecretString, Rejection> {
    let (scheme, token) = value.split_once(' ').ok_or(malformed("no scheme"))?;
    if !scheme.eq_ignore_ascii_case("bearer") || !is_token(token) {
        return Err(malformed("no bearer token"));
    }
    Ok(SecretString::from(token))
}

fn malformed(what: &'static str) -> Rejection {
    Rejection::Malformed { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> Rejection {
        parse(message.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_stock_clients_send_is_read() {
        for (message, authzid) in [
            ("n,,\x01auth=Bearer a.b.c\x01\x01", None),
            ("n,,\x01auth=bearer a.b.c\x01traceId=1 2=3\x01\x01", None),
            ("y,a=an=2Cn=3D,\x01host=x\x01auth=Bearer a.b.c\x01\x01", Some("an,n=")),
        ] {
            let first = parse(message.as_bytes()).unwrap();
            assert_eq!((first.authzid.as_deref(), first.token.expose_secret()), (authzid, "a.b.c"));
        }
    }

    #[test]
    fn malformed_messages_are_refused() {
        for message in [
            "",
            "\x01",
            "n,,",
            "n,\x01auth=Bearer a\x01\x01",
            "n,,\x01\x01",
            "n,,\x01auth=Bearer a",
            "n,,\x01auth=Bearer a\x01",
            "n,,auth=Bearer a\x01\x01",
            "n,ann,\x01auth=Bearer a\x01\x01",
            "n,a=,\x01auth=Bearer a\x01\x01",
            "n,a=x=,\x01auth=Bearer a\x01\x01",
            "x,,\x01auth=Bearer a\x01\x01",
            "n,,\x01auth=Basic a\x01\x01",
            "n,,\x01auth=Bearer\x01\x01",
            "n,,\x01auth=Bearer \x01\x01",
            "n,,\x01auth=Bearer a b\x01\x01",
            "n,,\x01auth=Bearer ===\x01\x01",
            "n,,\x01auth=Bearer a\0b\x01\x01",
            "n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
            "n,,\x01host=x\x01\x01",
            "n,,\x01ho st=x\x01auth=Bearer a\x01\x01",
            "n,,\x01=x\x01auth=Bearer a\x01\x01",
            "n,,\x01\x01auth=Bearer a\x01\x01",
        ] {
            assert!(matches!(refused(message), Rejection::Malformed { .. }), "{message:?}");
        }
        assert_eq!(refused("p=tls-unique,,\x01auth=Bearer a\x01\x01"), Rejection::ChannelBinding);
        assert!(matches!(parse(b"n,,\x01auth=Bearer \xff\x01\x01"), Err(Rejection::Malformed { .. })));
    }

    #[test]
    fn long_messages_are_refused_and_what_is_written_is_read_back() {
        let long = SecretString::from("t".repeat(MAX_TOKEN_MESSAGE_BYTES));
        assert_eq!(parse(&encode(&long)).unwrap_err(), Rejection::TooLong);
        let token = SecretString::from("a-._~+/b==");
        assert!(is_token(token.expose_secret()));
        assert_eq!(parse(&encode(&token)).unwrap().token.expose_secret(), token.expose_secret());
    }
}
