//! Whom a request comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whom a request comes from. Whoever calls the [router](crate::Admin::router) without a socket puts it into the extensions
/// of a request; one without it counts as coming from `0.0.0.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The bits of an IPv6 address that name a network, which is what one subscriber is given.
const NETWORK: u128 = !0 << 64;

impl Peer {
    /// Who has not said.
    pub(crate) const UNKNOWN: Self = Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));

    /// The address. Under a listener for both a client of IPv4 looks like one of IPv6.
    pub(crate) fn address(self) -> IpAddr {
        self.0.ip().to_canonical()
    }

    /// What limits of an address count as one.
    pub(crate) fn counted(self) -> IpAddr {
        match self.address() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
            address => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let counted = |text: &str| Peer(SocketAddr::new(text.parse().unwrap(), 1)).counted().to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(counted("192.0.2.1"), "192.0.2.1");
    }
}
