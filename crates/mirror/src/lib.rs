//! The driver of cluster links.
//!
//! What a mirror does is decided in `tidegate-link`, without sockets; here it is done. A [`Link`] copies partitions from one
//! [`Cluster`] to another, and a [`Mirror`] sees to it that a whole topic is copied; all of them over a few connections: `fetches` read from a broker of the source, `appends` write to one of
//! the mirror, `questions` ask about one partition at a time. [`calls`] has every request to brokers that this takes.

#![forbid(unsafe_code)]

mod appends;
mod boot_time;
mod budget;
pub mod calls;
mod clock;
mod cluster;
pub mod config;
mod fetches;
mod group;
mod kept;
mod lease;
mod limits;
mod link;
mod mirror;
mod options;
mod partition;
mod questions;
mod rate;
mod reply;
mod share;
mod silence;
#[cfg(test)]
mod testing;
mod topics;
mod verify;
mod worker;

pub use boot_time::{BootClock, BootTime};
pub use cluster::{Cluster, ClusterError};
pub use group::{Group, GroupEvent, GroupSpec};
pub use lease::Lease;
pub use link::{BUDGET, Copying, Link, Pair, StatusReader};
pub use mirror::{Mirror, MirrorSpec, pairs};
pub use options::LinkOptions;
pub use share::Share;
pub use topics::TopicError;
pub use verify::{VerifyError, verify};
pub use worker::{
    FillingView, Gaps, HeldView, LinkSpec, LinkStatus, LinkView, MirrorView, PartitionView, Records,
    RecordsError, Site, Worker,
};
