//! Addresses whose answers nobody on the way can change.

use std::fmt;

use thiserror::Error;

/// Who listens here is this machine.
const LOCAL: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// An `https` address, or an `http` one of this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct SecureUrl {
    text: String,
    is_local: bool,
}

/// Why an address is not safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must begin with https:// (http:// to 127.0.0.1, [::1] or localhost is allowed)")]
pub struct UrlError;

impl SecureUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`UrlError`] when what is sent there could be read or changed on its way.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_local = match text.split_once("://") {
            Some(("https", rest)) if is_printable && !rest.is_empty() && !rest.starts_with('/') => false,
            Some(("http", rest)) if is_printable && is_local(rest) => true,
            _ => return Err(UrlError),
        };
        Ok(Self { text: text.to_owned(), is_local })
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is of this machine and not encrypted.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.is_local
    }
}

fn is_local(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = LOCAL.iter().find_map(|name| host.strip_prefix(name));
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_number))
}

/// Without what may be a secret: a name before the host, and what follows the path.
impl fmt::Display for SecureUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.text.split_once("://").unwrap_or_default();
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.rsplit('@').next().unwrap_or_default();
        write!(f, "{scheme}://{host}{path}")
    }
}

impl fmt::Debug for SecureUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_encrypted_or_stays_here_is_safe() {
        for (text, is_local) in [
            ("https://idp.example.com/token", false),
            ("https://idp.example.com:8443", false),
            ("http://127.0.0.1:8080/token", true),
            ("http://[::1]/token", true),
            ("http://localhost?x=1", true),
        ] {
            assert_eq!(SecureUrl::parse(text).unwrap().is_local(), is_local, "{text}");
        }
        for text in [
            "",
            "idp.example.com",
            "https://",
            "https:///token",
            "https://idp.example.com/to ken",
            "http://idp.example.com/token",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1:80@example.com/",
            "http://localhost:x/",
            "http://localhost:/",
            "HTTP://localhost/",
            "ftp://localhost/",
        ] {
            assert_eq!(SecureUrl::parse(text), Err(UrlError), "{text}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let url =
            SecureUrl::parse("https://ann:hunter2@idp.example.com/a/token?key=hunter2#hunter2").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "https://idp.example.com/a/token https://idp.example.com/a/token"
        );
        assert_eq!(SecureUrl::parse("https://h?hunter2").unwrap().to_string(), "https://h");
    }
}
