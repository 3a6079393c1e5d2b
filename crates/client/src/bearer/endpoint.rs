//! One question to a token endpoint: client credentials (RFC 6749 section 4.4).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use ureq::Agent;
use ureq::http::HeaderValue;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::answer::{Granted, MAX_ANSWER_BYTES, granted, reason};
use super::{MAX_TOKEN_BYTES, SecureUrl, TokenError};
use crate::TlsError;
use crate::dial::tls_error;
use crate::tls::authorities;

/// The time for one question, from the look-up of the name to the end of the answer: who logs in waits for it, and an identity
/// provider that is well answers within a second.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Where tokens are given out, and for whom.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    /// Its address.
    pub url: SecureUrl,
    /// The id of the client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// What the token should be good for, as names with spaces between; the endpoint's default if not said.
    pub scope: Option<String>,
    /// The certificate authorities to trust, in PEM, and no others; the public ones if not said.
    pub authorities: Option<Vec<u8>>,
}

/// A token endpoint, ready to be asked.
#[derive(Debug)]
pub(super) struct Asking {
    url: SecureUrl,
    authorization: SecretString,
    form: String,
    tls: TlsConfig,
}

impl Asking {
    pub(super) fn new(endpoint: TokenEndpoint) -> Result<Self, TlsError> {
        let TokenEndpoint { url, client_id, client_secret, scope, authorities: pem } = endpoint;
        let mut tls = TlsConfig::builder();
        if let Some(pem) = pem {
            tls = tls.root_certs(roots(&pem)?);
        }
        let form = scope.map(|scope| format!("&scope={}", encoded(&scope))).unwrap_or_default();
        Ok(Self {
            url,
            authorization: basic(&client_id, &client_secret),
            form: format!("grant_type=client_credentials{form}"),
            tls: tls.build(),
        })
    }

    /// Asks, and waits on this thread. Redirects are not followed: the secret is for the one address that was configured.
    pub(super) fn ask(&self) -> Result<Granted, TokenError> {
        let mut config = Agent::config_builder()
            .timeout_global(Some(REQUEST_TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .tls_config(self.tls.clone());
        if self.url.is_local() {
            // A proxy would read what is not encrypted.
            config = config.proxy(None);
        }
        let request = Agent::new_with_config(config.build())
            .post(self.url.as_str())
            .content_type("application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .header("authorization", self.authorization_header()?);
        let mut answer = request.send(&self.form).map_err(|error| self.failed(error))?;
        let status = answer.status().as_u16();
        let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
        let body = answer.body_mut().with_config().limit(limit).read_to_vec();
        let body = body.map_err(|error| self.failed(error))?;
        if status != 200 {
            return Err(TokenError::Refused { endpoint: self.to_text(), status, reason: reason(&body) });
        }
        let granted = granted(&body).map_err(|what| self.no_token(what))?;
        if granted.token.expose_secret().len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        Ok(granted)
    }

    fn authorization_header(&self) -> Result<HeaderValue, TokenError> {
        // What is encoded twice is always a header.
        let header = HeaderValue::from_str(self.authorization.expose_secret());
        let mut header = header.map_err(|_| self.no_token("the client's id or secret cannot be sent"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn failed(&self, error: ureq::Error) -> TokenError {
        let (endpoint, cause) = (self.to_text(), error.to_string());
        match error {
            ureq::Error::BodyExceedsLimit(_) => self.no_token("it is too long"),
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => TokenError::Distrusted { endpoint, cause },
            ureq::Error::Io(error) if tls_error(&error).is_some() => {
                TokenError::Distrusted { endpoint, cause }
            }
            _ => TokenError::Unreachable { endpoint, cause },
        }
    }

    fn no_token(&self, what: &'static str) -> TokenError {
        TokenError::Answer { endpoint: self.to_text(), what }
    }

    fn to_text(&self) -> String {
        self.url.to_string()
    }
}

/// The same checks as for a broker's authorities: what ureq cannot read it leaves out without a word.
fn roots(pem: &[u8]) -> Result<RootCerts, TlsError> {
    let certificates = authorities(pem)?;
    let owned = |der: &rustls::pki_types::CertificateDer<'_>| Certificate::from_der(der).to_owned();
    Ok(RootCerts::from(certificates.iter().map(owned)))
}

/// HTTP Basic, of id and secret that are encoded as in a form (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &SecretString) -> SecretString {
    let pair = SecretString::from([encoded(id), encoded(secret.expose_secret())].join(":"));
    SecretString::from(["Basic ", &STANDARD.encode(pair.expose_secret())].concat())
}

/// `application/x-www-form-urlencoded`.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_encoded_twice_and_not_shown() {
        assert_eq!(encoded("a b*c-._~ä/+=%"), "a+b*c-._%7E%C3%A4%2F%2B%3D%25");
        let header = basic("my:id", &SecretString::from("hunter2!"));
        let text = STANDARD.decode(header.expose_secret().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(text, b"my%3Aid:hunter2%21");
        let endpoint = TokenEndpoint {
            url: SecureUrl::parse("https://h/token").unwrap(),
            client_id: "id".to_owned(),
            client_secret: SecretString::from("hunter2"),
            scope: Some("read write".to_owned()),
            authorities: None,
        };
        let shown = format!("{endpoint:?}");
        let asking = Asking::new(endpoint).unwrap();
        assert_eq!(asking.form, "grant_type=client_credentials&scope=read+write");
        let shown = format!("{shown} {asking:?} {:?}", asking.authorization_header().unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("Basic"), "{shown}");
    }

    #[test]
    fn authorities_that_are_none_are_named() {
        let endpoint = TokenEndpoint {
            url: SecureUrl::parse("https://h/token").unwrap(),
            client_id: "id".to_owned(),
            client_secret: SecretString::from("s"),
            scope: None,
            authorities: Some(b"no PEM".to_vec()),
        };
        let error = Asking::new(endpoint).unwrap_err();
        assert!(error.to_string().contains("CA bundle holds no certificate"), "{error}");
    }
}
