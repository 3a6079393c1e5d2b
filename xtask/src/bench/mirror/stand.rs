//! All that a run needs, started in order and ended with it.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use super::brokers::{self, Broker};
use super::lane::Name;
use super::logs::Logs;
use super::maker::Maker;
use super::{Args, subject};
use crate::bench::build;

/// Two brokers, and the programs.
pub(super) struct Stand {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) logs: Logs,
    pub(super) binaries: PathBuf,
    /// Where programs write what they say.
    pub(super) folder: PathBuf,
    pub(super) maker: Option<Maker>,
    _brokers: Vec<Broker>,
}

impl Stand {
    pub(super) fn start(args: &Args) -> Result<Self> {
        let binaries = build::dist(
            &["tidegate-benches", subject::PACKAGE],
            &["load", "logs", "raw-copier", subject::PROGRAM],
        )?;
        let folder = build::folder()?;
        let maker = args.lanes.contains(&Name::Maker).then(|| Maker::fetch(&folder)).transpose()?;
        let (brokers, source, destination) = match args.source.zip(args.destination) {
            Some((source, destination)) => (Vec::new(), source, destination),
            None => {
                let harness = brokers::harness()?;
                let brokers = [Broker::start(&harness)?, Broker::start(&harness)?];
                let [source, destination] = [&brokers[0], &brokers[1]].map(Broker::address);
                (Vec::from(brokers), source, destination)
            }
        };
        let logs = Logs::new(&binaries);
        Ok(Self { source, destination, logs, binaries, folder, maker, _brokers: brokers })
    }
}
