//! A block of ports for one gateway and the recorder before it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

use crate::random;
use crate::recorder::Recorder;

/// Node ids that get a port; the clusters of the harness have nodes 1 to 3.
pub(super) const NODES: u16 = 8;

const ADVERTISED: u16 = 10;
const HTTP: u16 = 20;
const CLAIM: u16 = 21;
const BLOCK: u16 = 22;

/// Free ports on 127.0.0.1, held apart from other tests for as long as the value lives.
#[derive(Debug)]
pub struct Ports {
    base: u16,
    _claim: TcpListener,
}

impl Ports {
    /// Takes a random block of which every port is free.
    pub fn claim() -> Result<Self> {
        (0..200).find_map(|_| Self::try_claim()).context("no free block of ports found")
    }

    fn try_claim() -> Option<Self> {
        // Blocks start at multiples of their size, so that two of them never overlap; below the range from
        // which Linux takes ports for outgoing connections.
        let base = 10_010 + random::number(0, 400) * BLOCK;
        let claim = TcpListener::bind((Ipv4Addr::LOCALHOST, base + CLAIM)).ok()?;
        let free = (base..base + CLAIM).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
        free.then_some(Self { base, _claim: claim })
    }

    /// Where the gateway itself listens.
    pub fn bound(&self) -> SocketAddr {
        at(self.base)
    }

    /// Where the gateway says it listens: the recorder's door.
    pub fn advertised(&self) -> SocketAddr {
        at(self.base + ADVERTISED)
    }

    /// Health and metrics.
    pub fn http(&self) -> SocketAddr {
        at(self.base + HTTP)
    }

    /// `nodes.bindPort`: node `id` listens `id` ports above.
    pub fn bound_nodes(&self) -> u16 {
        self.base + 1
    }

    /// `nodes.advertisedPort`.
    pub fn advertised_nodes(&self) -> u16 {
        self.base + ADVERTISED + 1
    }

    /// Every port that a gateway may listen on.
    pub fn all_bound(&self) -> Vec<SocketAddr> {
        (self.base..=self.base + NODES).chain([self.base + HTTP]).map(at).collect()
    }

    /// Puts `recorder` before every port.
    pub fn record(&self, recorder: &Recorder) -> Result<()> {
        self.doors(|door, target| recorder.open(door, target))
    }

    /// Gives to `open` every port that clients are told, and the one that the gateway has behind it.
    pub fn doors(&self, mut open: impl FnMut(u16, u16) -> Result<()>) -> Result<()> {
        (self.base..=self.base + NODES).try_for_each(|port| open(port + ADVERTISED, port))
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
