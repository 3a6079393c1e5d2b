//! What `cargo xtask bench mirror` asks of the logs on both sides: where they end, when a copy is there, and how long a new record
//! takes to it.
//!
//! Whoever measures stops and goes by lines: each answer is a line of JSON, and what has to be ready first says `ready`.

mod begin;
mod delete;
mod ends;
mod lag;
mod watch;

use std::net::SocketAddr;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::load::session::{Session, Target};
pub(crate) use ends::{End, ends};

/// Logs of a real Kafka of one broker, in plaintext; prints lines of JSON.
#[derive(Clone, Debug, Parser)]
pub struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Clone, Debug, Subcommand)]
enum Task {
    /// Waits until a copy is whole: `ready`, then what was there first, then all of it
    Watch(watch::Args),
    /// Makes a topic whose log begins at an offset, with some records behind it
    Begin(begin::Args),
    /// Appends single records to the source, and waits for each at the mirror
    Lag(lag::Args),
    /// Deletes a topic
    Delete(Place),
}

/// A topic.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The broker, HOST:PORT.
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// The topic.
    #[arg(long)]
    pub(crate) topic: String,
    /// How many partitions it has.
    #[arg(long, default_value_t = 1)]
    pub(crate) partitions: i32,
}

/// A topic and its copy.
#[derive(Clone, Debug, Args)]
struct Pair {
    /// The broker of the source, HOST:PORT.
    #[arg(long)]
    source: SocketAddr,
    /// The topic there.
    #[arg(long)]
    topic: String,
    /// The broker of the copy.
    #[arg(long)]
    destination: SocketAddr,
    /// The topic there.
    #[arg(long)]
    copy: String,
    /// How many partitions they have.
    #[arg(long, default_value_t = 1)]
    partitions: i32,
}

/// Does one task and reports it line by line.
pub fn run(cli: &Cli, report: &mut dyn FnMut(&str)) -> Result<()> {
    match &cli.task {
        Task::Watch(args) => watch::run(args, report),
        Task::Begin(args) => begin::run(args),
        Task::Lag(args) => lag::run(args, report),
        Task::Delete(place) => delete::run(place),
    }
}

impl Place {
    fn open(&self) -> Result<Session> {
        Session::open(&Target::plain(self.address), self.address)
    }
}

impl Pair {
    fn of_source(&self) -> Place {
        Place { address: self.source, topic: self.topic.clone(), partitions: self.partitions }
    }

    fn of_copy(&self) -> Place {
        Place { address: self.destination, topic: self.copy.clone(), partitions: self.partitions }
    }
}
