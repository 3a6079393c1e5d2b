//! The one message of PLAIN: `[authzid] NUL user NUL password` (RFC 4616).

use secrecy::{ExposeSecret, SecretString};

use super::{MAX_MESSAGE_BYTES, MAX_USER_BYTES, Rejection};

/// Reads the client's message.
///
/// An authorization id is taken only if it equals the user: nobody acts for another here.
pub(super) fn parse(message: &[u8]) -> Result<(String, SecretString), Rejection> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Rejection::TooLong);
    }
    let text = std::str::from_utf8(message).map_err(|_| Rejection::Malformed { what: "not UTF-8" })?;
    let mut parts = text.split('\0');
    let (Some(authzid), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Rejection::Malformed { what: "not three parts between NUL bytes" });
    };
    if user.is_empty() || password.is_empty() {
        return Err(Rejection::Malformed { what: "empty user or password" });
    }
    if user.len() > MAX_USER_BYTES {
        return Err(Rejection::TooLong);
    }
    if !authzid.is_empty() && authzid != user {
        return Err(Rejection::OtherAuthorizationId);
    }
    Ok((user.to_owned(), SecretString::from(password)))
}

/// Writes the client's message; the caller has refused NUL bytes.
pub(super) fn encode(user: &str, password: &SecretString) -> Vec<u8> {
    ["\0", user, "\0", password.expose_secret()].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &[u8]) -> Rejection {
        parse(message).unwrap_err()
    }

    #[test]
    fn a_message_with_or_without_the_same_authzid_is_read() {
        for message in ["\0ann\0s3cret", "ann\0ann\0s3cret"] {
            let (user, password) = parse(message.as_bytes()).unwrap();
            assert_eq!((user.as_str(), password.expose_secret()), ("ann", "s3cret"));
        }
    }

    #[test]
    fn another_authzid_is_refused() {
        assert_eq!(refused(b"root\0ann\0s3cret"), Rejection::OtherAuthorizationId);
    }

    #[test]
    fn malformed_messages_are_refused() {
        for message in [
            &b""[..],
            b"ann",
            b"\0ann",
            b"\0ann\0",
            b"\0\0s3cret",
            b"\0ann\0s3\0cret",
            b"\0ann\0s3cret\0",
            b"\0ann\0\xff",
        ] {
            assert!(matches!(refused(message), Rejection::Malformed { .. }), "{message:?}");
        }
    }

    #[test]
    fn long_messages_and_users_are_refused() {
        assert_eq!(refused(&[b'a'; MAX_MESSAGE_BYTES + 1]), Rejection::TooLong);
        let long_user = format!("\0{}\0s3cret", "u".repeat(MAX_USER_BYTES + 1));
        assert_eq!(refused(long_user.as_bytes()), Rejection::TooLong);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (user, password) = parse(&encode("Zoë=,", &SecretString::from("pä,ss="))).unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("Zoë=,", "pä,ss="));
    }
}
