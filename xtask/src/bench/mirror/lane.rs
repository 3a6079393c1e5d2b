//! Who copies.

use std::fmt;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::stand::Stand;
use super::{Codec, subject};
use crate::bench::process::Process;

/// Who copies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Name {
    /// The copier of the bench: the reference.
    Raw,
    /// The mirror.
    Mirror,
    /// MirrorMaker 2.
    #[value(name = "mm2")]
    Maker,
}

impl Name {
    /// Every lane, in the order of a round.
    pub(super) const ALL: [Self; 3] = [Self::Raw, Self::Mirror, Self::Maker];
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Mirror => "mirror",
            Self::Maker => "MirrorMaker 2",
        })
    }
}

/// A topic of the source, and its copy.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) source: SocketAddr,
    pub(super) topic: String,
    pub(super) destination: SocketAddr,
    pub(super) copy: String,
    pub(super) partitions: u32,
    pub(super) codec: Codec,
}

impl Pair {
    /// As the bench's own programs take it.
    pub(super) fn arguments(&self) -> [String; 4] {
        let Self { source, topic, destination, copy, .. } = self;
        [
            format!("--source={source}"),
            format!("--topic={topic}"),
            format!("--destination={destination}"),
            format!("--copy={copy}"),
        ]
    }
}

/// Begins to copy.
pub(super) fn start(stand: &Stand, lane: Name, pair: &Pair) -> Result<Process> {
    let command = match lane {
        Name::Raw => {
            let mut command = Command::new(stand.binaries.join("raw-copier"));
            command.args(pair.arguments()).arg(format!("--partitions={}", pair.partitions));
            command
        }
        Name::Mirror => subject::command(&stand.binaries, &stand.folder, pair)?,
        Name::Maker => stand.maker.as_ref().context("MirrorMaker 2 was not fetched")?.command(pair)?,
    };
    Process::start(&lane.to_string().replace(' ', "-"), command, &stand.folder)
}
