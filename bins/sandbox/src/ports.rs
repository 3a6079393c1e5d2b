//! Which port is for what: consecutive ones, so that `--port` alone moves them all.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, anyhow};

/// The ports of the sandbox on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Where a partner's client starts.
    pub(crate) bootstrap: u16,
    /// `/livez`, `/readyz` and `/metrics`.
    pub(crate) http: u16,
    /// One for each broker of the cluster, by node id.
    pub(crate) nodes: BTreeMap<i32, u16>,
}

impl Ports {
    /// Takes the ports from `base` on for a cluster of these nodes.
    pub(crate) fn plan(base: u16, nodes: BTreeSet<i32>) -> anyhow::Result<Self> {
        let mut next = base..=u16::MAX;
        let mut take = || {
            next.next().filter(|port| *port != 0).ok_or_else(|| {
                let needed = nodes.len() + 2;
                anyhow!(
                    "--port {base} leaves no room for the {needed} ports that are needed: choose another one"
                )
            })
        };
        let (bootstrap, http) = (take()?, take()?);
        let nodes = nodes.iter().map(|node| Ok((*node, take()?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { bootstrap, http, nodes })
    }

    /// Fails with the first port that is in use, before anything is created.
    pub(crate) fn check_free(&self) -> anyhow::Result<()> {
        for port in [self.bootstrap, self.http].iter().chain(self.nodes.values()) {
            TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).with_context(|| {
                format!(
                    "cannot listen on 127.0.0.1:{port}: choose other ports with --port {}",
                    self.further()
                )
            })?;
        }
        Ok(())
    }

    /// A base away from the ports of this plan, to offer in a message.
    fn further(&self) -> u16 {
        self.bootstrap.checked_add(1000).unwrap_or(19092)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_consecutive_and_brokers_come_last() {
        let ports = Ports::plan(19092, [111, 2].into()).unwrap();
        let nodes = [(2, 19094), (111, 19095)].into();
        assert_eq!(ports, Ports { bootstrap: 19092, http: 19093, nodes });
    }

    #[test]
    fn a_base_at_the_end_of_the_range_is_refused() {
        let error = Ports::plan(65534, [1].into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--port 65534 leaves no room for the 3 ports that are needed: choose another one"
        );
        assert!(Ports::plan(65533, [1].into()).is_ok());
        assert!(Ports::plan(0, [1].into()).is_err());
    }

    #[test]
    fn a_port_in_use_is_named_with_the_flag() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = Ports { bootstrap: port, http: 0, nodes: BTreeMap::new() };
        let message = ports.check_free().unwrap_err().to_string();
        assert!(
            message
                .starts_with(&format!("cannot listen on 127.0.0.1:{port}: choose other ports with --port "))
        );
    }
}
