//! The ways from the load to the broker.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::bench::process::Process;

/// Who stands in between.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Name {
    /// Nobody.
    Direct,
    /// A tokio proxy that copies bytes: the reference.
    Bare,
    /// haproxy in TCP mode.
    Haproxy,
    /// The gateway, with a zone of aliases.
    Gateway,
    /// The gateway with TLS, for the memory rows alone.
    #[value(skip)]
    Encrypted,
}

impl Name {
    /// Every lane, in the order of a round.
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Bare, Self::Haproxy, Self::Gateway];
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Bare => "bare",
            Self::Haproxy => "haproxy",
            Self::Gateway => "gateway",
            Self::Encrypted => "gateway, TLS",
        })
    }
}

/// A lane that is up.
pub(super) struct Lane {
    pub(super) name: Name,
    pub(super) address: SocketAddr,
    /// Password of the account and the prefix of the aliases, where the lane has zones.
    pub(super) zone: Option<Zone>,
    /// The certificate that clients trust, where the lane is encrypted.
    pub(super) ca: Option<PathBuf>,
    /// Whose CPU time counts.
    pub(super) process: Option<Process>,
}

/// What a client of the gateway must know.
pub(super) struct Zone {
    pub(super) user: String,
    pub(super) password: String,
}

impl Lane {
    /// The name by which a client of this lane knows a topic.
    pub(super) fn topic(&self, backing: &str) -> String {
        match self.zone {
            Some(_) => alias(backing),
            None => backing.to_owned(),
        }
    }
}

/// The alias of a topic in the bench's zone.
pub(super) fn alias(backing: &str) -> String {
    format!("alias-{backing}")
}
