//! What a token endpoint answers (RFC 6749 sections 5.1 and 5.2).

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::MAX_TOKEN_BYTES;
use crate::error::printable;

/// The longest answer that is read, in bytes: a token, and another one beside it that nobody needs here.
pub(super) const MAX_ANSWER_BYTES: usize = 2 * MAX_TOKEN_BYTES;

/// A token, and how long it lasts.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) token: SecretString,
    /// From when it was asked for; `None` if the endpoint does not tell.
    pub(super) lasts: Option<Duration>,
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    token_type: String,
    /// A number; some write it as a text.
    #[serde(default)]
    expires_in: Value,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Reads an answer of status 200; what is wrong with it is said without a byte of it.
pub(super) fn granted(body: &[u8]) -> Result<Granted, &'static str> {
    let grant: Grant =
        serde_json::from_slice(body).map_err(|_| "no JSON object with `access_token` and `token_type`")?;
    let token = SecretString::from(grant.access_token);
    // Of another kind nobody knows how it is shown.
    if !grant.token_type.eq_ignore_ascii_case("bearer") {
        return Err("its `token_type` is not Bearer");
    }
    let seconds = match &grant.expires_in {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    Ok(Granted { token, lasts: seconds.map(Duration::from_secs) })
}

/// The endpoint's own words for why there is no token.
pub(super) fn reason(body: &[u8]) -> String {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else { return String::new() };
    let Refusal { error, error_description } = refusal;
    printable(&if error_description.is_empty() { error } else { format!("{error}, {error_description}") })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn grants_of_all_common_forms_are_read() {
        for (body, lasts) in [
            (r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":300,"scope":"kafka"}"#, Some(300)),
            (r#"{"access_token":"a.b.c","token_type":"bearer","expires_in":"300"}"#, Some(300)),
            (r#"{"access_token":"a.b.c","token_type":"BEARER"}"#, None),
            (r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":-1}"#, None),
            (r#"{"access_token":"a.b.c","token_type":"Bearer","expires_in":null}"#, None),
        ] {
            let granted = granted(body.as_bytes()).unwrap();
            assert_eq!(granted.token.expose_secret(), "a.b.c");
            assert_eq!(granted.lasts, lasts.map(Duration::from_secs), "{body}");
            assert!(!format!("{granted:?}").contains("a.b.c"));
        }
    }

    #[test]
    fn what_is_no_grant_is_refused_and_not_shown() {
        for body in
            ["", "<html>hunter2</html>", "[]", r#"{"access_token":"hunter2"}"#, r#"{"token_type":"Bearer"}"#]
        {
            assert_eq!(
                granted(body.as_bytes()).unwrap_err(),
                "no JSON object with `access_token` and `token_type`"
            );
        }
        let mac = br#"{"access_token":"hunter2","token_type":"mac"}"#;
        assert_eq!(granted(mac).unwrap_err(), "its `token_type` is not Bearer");
    }

    #[test]
    fn a_refusal_is_told_in_its_printable_words() {
        let body = br#"{"error":"invalid_client","error_description":"no \u001b[31msuch\n client"}"#;
        assert_eq!(reason(body), "invalid_client, no [31msuch client");
        assert_eq!(reason(br#"{"error":"invalid_scope"}"#), "invalid_scope");
        assert_eq!(reason(b"<html>"), "");
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(reason(long.as_bytes()).len(), 200);
    }
}
