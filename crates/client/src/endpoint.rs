//! Where a broker listens.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A host name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Why a text is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no port.
    #[error("\"{text}\" has no port, write host:port")]
    NoPort {
        /// The text given.
        text: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("\"{text}\" has no valid port, want a number from 1 to 65535 after the last colon")]
    BadPort {
        /// The text given.
        text: String,
    },
    /// The host is empty or holds a character that no host has.
    #[error("\"{text}\" has no valid host, write host:port without scheme, path or spaces")]
    BadHost {
        /// The text given.
        text: String,
    },
    /// An IPv6 address stands without brackets.
    #[error("\"{text}\" looks like an IPv6 address, write it in brackets: [address]:port")]
    BareV6 {
        /// The text given.
        text: String,
    },
}

impl Endpoint {
    /// An endpoint of its parts.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let owned = || text.to_owned();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or_else(|| EndpointError::NoPort { text: owned() })?,
            None => text.rsplit_once(':').ok_or_else(|| EndpointError::NoPort { text: owned() })?,
        };
        let bracketed = text.starts_with('[');
        let valid = if bracketed { is_v6(host) } else { is_name_or_v4(host) };
        if !bracketed && host.contains(':') && !host.contains('/') {
            return Err(EndpointError::BareV6 { text: owned() });
        }
        if !valid {
            return Err(EndpointError::BadHost { text: owned() });
        }
        match port.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Self::new(host, port)),
            _ => Err(EndpointError::BadPort { text: owned() }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn is_v6(host: &str) -> bool {
    // A scope id (fe80::1%eth0) is the resolver's business.
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<std::net::Ipv6Addr>().is_ok()
}

fn is_name_or_v4(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=255).contains(&host.len()) && host.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_parse_and_print_back() {
        for (text, host, port) in [
            ("kafka-1.example.com:9092", "kafka-1.example.com", 9092),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
            ("my_broker:9092", "my_broker", 9092),
        ] {
            let endpoint = text.parse::<Endpoint>().unwrap();
            assert_eq!(endpoint, Endpoint::new(host, port));
            assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| text.parse::<Endpoint>().unwrap_err();
        let owned = str::to_owned;
        for text in ["", "kafka", "[::1]", "[::1]9092"] {
            assert_eq!(error(text), EndpointError::NoPort { text: owned(text) });
        }
        for text in ["kafka:", "kafka:0", "kafka:65536", "kafka:9092x", "kafka:-1"] {
            assert_eq!(error(text), EndpointError::BadPort { text: owned(text) });
        }
        for text in [":9092", "kaf ka:9092", "[kafka]:9092", "[]:9092", "kafka/x:9092", "PLAINTEXT://k:9092"]
        {
            assert_eq!(error(text), EndpointError::BadHost { text: owned(text) });
        }
        assert_eq!(error("::1:9092"), EndpointError::BareV6 { text: owned("::1:9092") });
    }
}
