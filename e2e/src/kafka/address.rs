//! One /24 of the loopback net per cluster.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

use crate::random;

/// Nobody but this harness listens here: a bound port on the claim address marks the net as taken.
const CLAIM: (u8, u16) = (250, 7717);

/// The last number of a door's address is that of its broker and this.
const DOORS: u16 = 100;

/// `127.77.X.0/24`, held for as long as the value lives.
#[derive(Debug)]
pub(super) struct Subnet {
    third: u8,
    base_port: u16,
    _claim: TcpListener,
}

impl Subnet {
    /// Takes a random free net in which every port that `brokers` brokers need is free.
    pub(super) fn claim(brokers: u16) -> Result<Self> {
        (0..200).find_map(|_| Self::try_claim(brokers)).context("no free net 127.77.X.0/24 found")
    }

    fn try_claim(brokers: u16) -> Option<Self> {
        let third = u8::try_from(random::number(1, 255)).ok()?;
        let claim = TcpListener::bind((Ipv4Addr::new(127, 77, third, CLAIM.0), CLAIM.1)).ok()?;
        // Below the range from which Linux takes ports for outgoing connections.
        let subnet = Self { third, base_port: random::number(20_000, 30_000), _claim: claim };
        let free = (1..=brokers)
            .flat_map(|id| [subnet.client(id), subnet.internal(id), subnet.controller(id)])
            .all(|address| TcpListener::bind(address).is_ok());
        free.then_some(subnet)
    }

    /// Where clients reach broker `id`.
    pub(super) fn client(&self, id: u16) -> SocketAddr {
        self.at(id, 0)
    }

    /// Where clients are sent to reach broker `id` by way of something in between.
    pub(super) fn door(&self, id: u16) -> SocketAddr {
        self.at(id + DOORS, 0)
    }

    /// Where brokers and the harness itself reach broker `id`: PLAINTEXT, whatever clients speak.
    pub(super) fn internal(&self, id: u16) -> SocketAddr {
        self.at(id, 1)
    }

    /// Where controllers reach controller `id`.
    pub(super) fn controller(&self, id: u16) -> SocketAddr {
        self.at(id, 2)
    }

    fn at(&self, id: u16, offset: u16) -> SocketAddr {
        let last = u8::try_from(id).expect("at most three brokers");
        SocketAddr::from(([127, 77, self.third, last], self.base_port + offset))
    }
}
