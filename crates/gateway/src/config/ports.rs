//! No port is promised twice: the port alone says which listener and which broker a client means.

use std::net::IpAddr;

use tidegate_core::document::Place;

/// The ports claimed so far.
#[derive(Default)]
pub(super) struct Ports<'a> {
    bound: Vec<Claim<'a, IpAddr>>,
    advertised: Vec<Claim<'a, String>>,
}

struct Claim<'a, H> {
    place: Place<'a>,
    host: H,
    first: u16,
    last: u16,
}

impl<'a> Ports<'a> {
    /// Claims ports to listen on; a wildcard address claims them on every address.
    pub(super) fn bind(&mut self, place: &Place<'a>, ip: IpAddr, first: u16, count: u16) {
        let claim = Claim::new(place, ip, first, count);
        if let Some(other) = self.bound.iter().find(|other| claim.meets(other) && same_socket(ip, other.host))
        {
            let what = format_args!(
                "{} overlaps what {} binds ({}); give each its own",
                claim.ports(),
                other.place.path(),
                other.ports()
            );
            claim.place.fail(what);
        }
        self.bound.push(claim);
    }

    /// Claims ports that clients are told.
    pub(super) fn advertise(&mut self, place: &Place<'a>, host: &str, first: u16, count: u16) {
        let claim = Claim::new(place, host.to_ascii_lowercase(), first, count);
        if let Some(other) =
            self.advertised.iter().find(|other| claim.meets(other) && claim.host == other.host)
        {
            let what = format_args!(
                "{} of {} overlaps what {} advertises ({}); give each its own",
                claim.ports(),
                claim.host,
                other.place.path(),
                other.ports()
            );
            claim.place.fail(what);
        }
        self.advertised.push(claim);
    }
}

impl<'a, H> Claim<'a, H> {
    fn new(place: &Place<'a>, host: H, first: u16, count: u16) -> Self {
        Self { place: place.clone(), host, first, last: first.saturating_add(count.saturating_sub(1)) }
    }

    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn ports(&self) -> String {
        if self.first == self.last {
            format!("port {}", self.first)
        } else {
            format!("port range {} to {}", self.first, self.last)
        }
    }
}

/// A wildcard meets every address of its family, and `::` on most systems the IPv4 ones too.
fn same_socket(a: IpAddr, b: IpAddr) -> bool {
    let covers = |wide: IpAddr, one: IpAddr| wide.is_unspecified() && (wide.is_ipv6() || one.is_ipv4());
    a == b || covers(a, b) || covers(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_single_addresses() {
        let same = |a: &str, b: &str| same_socket(a.parse().unwrap(), b.parse().unwrap());
        assert!(same("127.0.0.1", "127.0.0.1") && same("0.0.0.0", "127.0.0.1") && same("127.0.0.1", "::"));
        assert!(!same("127.0.0.1", "127.0.0.2") && !same("0.0.0.0", "::1"));
    }
}
