//! Hosts and ports.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use tidegate_core::document::Place;
use tidegate_core::names::Shown;

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The name, or the address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No port at the end.
    #[error("`{0}` has no port; write `host:port`, and an IPv6 address in brackets")]
    Port(Shown),
    /// Something that is neither a host name nor an address.
    #[error("`{0}` is no host; write a name of letters, digits, `-`, `_` and `.`, or an IP address")]
    Host(Shown),
}

impl HostPort {
    /// Takes `host:port`, or `[address]:port` for IPv6.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let no_port = || AddressError::Port(Shown::of(text));
        if text.contains('/') {
            return Err(AddressError::Host(Shown::of(text)));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(no_port)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(no_port)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(no_port());
        }
        Ok(Self { host: parse_host(bare.unwrap_or(host))?, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A host: a name, or an IP address without brackets.
///
/// # Errors
/// [`AddressError::Host`].
pub fn parse_host(text: &str) -> Result<String, AddressError> {
    let is_name = (1..=253).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if is_name || text.parse::<IpAddr>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(AddressError::Host(Shown::of(text)))
    }
}

/// An address to bind: `{host, port}` with an IP address as host.
pub fn bind(place: &Place<'_>) -> Option<SocketAddr> {
    let mut fields = place.fields()?;
    let host =
        fields.required("host", "write the IP address to listen on, 0.0.0.0 for all").and_then(|p| ip(&p));
    let port = fields.required("port", "write the port to listen on").and_then(|p| port(&p));
    fields.finish();
    Some(SocketAddr::new(host?, port?))
}

/// An IP address.
pub fn ip(place: &Place<'_>) -> Option<IpAddr> {
    let text = place.text()?;
    let ip = text.parse().ok();
    if ip.is_none() {
        let shown = Shown::of(text);
        place.fail(format_args!(
            "`{shown}` is no IP address; a name cannot be bound, write 0.0.0.0 for all addresses"
        ));
    }
    ip
}

/// A port from 1 on.
pub fn port(place: &Place<'_>) -> Option<u16> {
    let number = place.whole_number()?;
    let port = u16::try_from(number).ok().filter(|port| *port != 0);
    if port.is_none() {
        place.fail(format_args!("{number} is no port; write a number from 1 to 65535"));
    }
    port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_out_as_they_went_in() {
        for good in ["kafka-1.example.com:9092", "127.0.0.1:1", "[::1]:65535", "broker_1:9092"] {
            assert_eq!(HostPort::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "kafka",
            "kafka:",
            ":9092",
            "kafka:0",
            "kafka:65536",
            "::1:9092",
            "a b:1",
            "http://k:9092",
            "k:9092/",
        ] {
            assert!(HostPort::parse(bad).is_err(), "{bad:?}");
        }
    }
}
