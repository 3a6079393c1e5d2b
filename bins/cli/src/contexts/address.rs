//! Where a gateway's REST is.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// An address of HTTP or HTTPS without a path at its end, so that one can be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    is_tls: bool,
    is_here: bool,
}

impl Address {
    /// Reads it; the error says how to write one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("{what}; write `https://HOST:PORT`, as the gateway's `admin.bind` says");
        let uri: Uri = text.parse().map_err(|_| wrong("this is no address"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("the address does not begin with `https://` or `http://`")),
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(wrong("the address has a user in it; a token belongs into `token`"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(wrong("the address has more than a path at its end"));
        }
        let host =
            uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("the address has no host"))?;
        Ok(Self { text: text.trim_end_matches('/').to_owned(), is_tls, is_here: is_this_machine(host) })
    }

    /// A path below it.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Whether it is spoken to with TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether somebody on the way could read what is sent there.
    pub(crate) fn is_in_the_open(&self) -> bool {
        !self.is_tls && !self.is_here
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_whether_they_are_in_the_open() {
        for (text, is_in_the_open) in [
            ("https://gateway.example:9443", false),
            ("http://127.0.0.1:9443/", false),
            ("http://[::1]:9443", false),
            ("http://LOCALHOST:1", false),
            ("http://gateway.example/behind/a/proxy/", true),
            ("http://127.0.0.1.evil.example", true),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_in_the_open(), is_in_the_open, "{text}");
        }
        assert_eq!(Address::parse("https://g:1/a/").unwrap().join("/x"), "https://g:1/a/x");
    }

    #[test]
    fn what_is_none_is_told() {
        for text in [
            "",
            "gateway:9443",
            "ftp://g",
            "https://",
            "https://u:p@g",
            "https://g?x=1",
            "https://g#a",
            "a b",
        ] {
            let why = Address::parse(text).unwrap_err();
            assert!(why.contains("write `https://HOST:PORT`") && !why.contains("u:p"), "{text}: {why}");
        }
    }
}
