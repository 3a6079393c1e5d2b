//! Callers without a token, on a machine of one's own.
//!
//! Whoever is on the machine is believed, but not every page that its browser shows: one can send requests to a loopback
//! address, under its own name (`Origin`) or, by a name that it points there, under that name (`Host`).

use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

use super::Caller;
use crate::refusal::Refusal;

/// Whoever sends this, if it is somebody on this machine and no page of somebody else.
pub(super) fn caller(peer: SocketAddr, headers: &HeaderMap) -> Result<Caller, Refusal> {
    check(peer, headers).map(|()| Caller::Local)
}

fn check(peer: SocketAddr, headers: &HeaderMap) -> Result<(), Refusal> {
    if !peer.ip().to_canonical().is_loopback() {
        return Err(Refusal::Elsewhere("without tokens only this machine is served; call it from here"));
    }
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::Elsewhere(
            "without tokens pages of a browser are not served; use the CLI or curl",
        ));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match host.is_none_or(names_this_machine) {
        true => Ok(()),
        false => Err(Refusal::Elsewhere("without tokens this is served as localhost alone; use that name")),
    }
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn names_of_this_machine_and_no_others() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in ["", "localhost.evil.example", "10.0.0.1:80", "127.0.0.1.evil.example", "[::2]:1"] {
            assert!(!names_this_machine(host), "{host}");
        }
    }

    #[test]
    fn pages_and_other_machines_stay_out() {
        let here = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut headers = HeaderMap::new();
        assert!(check(here, &headers).is_ok());
        assert!(check(SocketAddr::from(([10, 0, 0, 1], 1)), &headers).is_err());
        headers.insert(HOST, HeaderValue::from_static("evil.example"));
        assert!(check(here, &headers).is_err());
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        assert!(check(here, &headers).is_ok());
        headers.insert(ORIGIN, HeaderValue::from_static("http://localhost:8080"));
        assert!(check(here, &headers).is_err());
    }
}
