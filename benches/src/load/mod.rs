//! The load generator: raw frames, encoded once, on blocking sockets.
//!
//! One thread per connection and no event loop, so that what is measured is the thing in between.
//!
//! With `--gate` the program connects and logs in, prints `ready`, waits for a line, runs, prints its
//! outcome, and waits for another line before it closes: whoever measures reads CPU times and
//! memory at these points, and logins stay out of the figures.

mod closed;
mod create;
mod hold;
mod open;
pub(crate) mod outcome;
mod reconnect;
pub(crate) mod session;
mod stream;
mod work;

use std::io::{BufRead, stdin};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::batch::Codec;
use outcome::Outcome;
use session::{Session, Target};
use work::Work;

/// Raw-frame load for Kafka brokers and proxies; prints one line of JSON.
#[derive(Clone, Debug, Parser)]
pub struct Args {
    /// What to do.
    pub mode: Mode,
    /// Bootstrap address, HOST:PORT.
    #[arg(long)]
    pub address: SocketAddr,
    /// Topic to use.
    #[arg(long, default_value = "bench")]
    pub topic: String,
    /// SASL PLAIN user; without it no login is made.
    #[arg(long, requires = "password")]
    pub user: Option<String>,
    /// SASL PLAIN password.
    #[arg(long)]
    pub password: Option<String>,
    /// Certificates to trust, PEM: the connections are encrypted.
    #[arg(long)]
    pub ca: Option<PathBuf>,
    /// How topics are named: by name (Produce 9, Fetch 12) or by id (Produce 13, Fetch 17).
    #[arg(long, value_enum, default_value_t = By::Names)]
    pub by: By,
    /// Partitions in each request.
    #[arg(long, default_value_t = 1)]
    pub partitions: i32,
    /// Connections at the same time.
    #[arg(long, default_value_t = 1)]
    pub connections: usize,
    /// Requests in flight per connection; 5 to produce and 1 otherwise, as stock clients do.
    #[arg(long)]
    pub in_flight: Option<usize>,
    /// Stop after these seconds.
    #[arg(long, default_value_t = 60.0)]
    pub seconds: f64,
    /// Stop after these record bytes per connection.
    #[arg(long)]
    pub bytes: Option<u64>,
    /// Stop after these requests per connection.
    #[arg(long)]
    pub requests: Option<u64>,
    /// Requests per second of the open loop, or connections per second of `reconnect`.
    #[arg(long, default_value_t = 2000)]
    pub rate: u32,
    /// Limit of bytes per partition of a Fetch.
    #[arg(long, default_value_t = 1024 * 1024)]
    pub fetch_bytes: i32,
    /// `retention.bytes` of a topic to create.
    #[arg(long)]
    pub retention_bytes: Option<u64>,
    /// Go on at the address that Metadata names as the leader of partition 0, as stock clients do.
    #[arg(long)]
    pub follow_leader: bool,
    /// Records with keys, and how they are compressed, for `produce`; without it they have no keys.
    #[arg(long, value_enum)]
    pub keyed: Option<Codec>,
    /// `NAME=VALUE` of a topic to create.
    #[arg(long)]
    pub config: Vec<String>,
    /// Print `ready` and wait for a line before the run and for another one after it.
    #[arg(long)]
    pub gate: bool,
}

/// What the load is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Mode {
    /// 128 KB batches of 1 KB records, acks=1.
    Produce,
    /// Fetch from offset 0 again and again.
    Consume,
    /// One record of 100 B, acks=1.
    Small,
    /// As `small`, at a fixed rate whatever the answers do.
    Latency,
    /// Create the topic on a real Kafka unless it exists.
    Create,
    /// Many connections, each with one Metadata and one Fetch, held open.
    Hold,
    /// As `hold`, but nobody reads the answer to the Fetch.
    Stall,
    /// Connections that end after one Metadata and one Fetch, anew and anew at a fixed rate.
    Reconnect,
}

/// How requests name topics.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum By {
    /// Produce 9, Fetch 12.
    Names,
    /// Produce 13, Fetch 17.
    Ids,
}

/// Runs the load and reports it line by line.
pub fn run(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    match args.mode {
        Mode::Produce | Mode::Consume | Mode::Small => run_closed(args, report),
        Mode::Latency => run_open(args, report),
        Mode::Hold | Mode::Stall => run_hold(args, report),
        Mode::Reconnect => run_reconnect(args, report),
        Mode::Create => create::run(args),
    }
}

fn run_closed(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    let connections: Result<Vec<_>> = (0..args.connections).map(|_| prepare(args)).collect();
    let mut connections = connections?;
    let limit = closed::Limit { seconds: args.seconds, bytes: args.bytes, requests: args.requests };
    ready(args, report)?;
    let outcome = closed::run(&mut connections, in_flight(args), limit)?;
    done(args, &outcome, report)
}

fn run_open(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    let (mut session, mut work) = prepare(args)?;
    ready(args, report)?;
    let outcome = open::run(&mut session, &mut work, args.rate, args.seconds)?;
    done(args, &outcome, report)
}

fn run_hold(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    ready(args, report)?;
    let (held, outcome) = hold::run(args)?;
    done(args, &outcome, report)?;
    drop(held);
    Ok(())
}

fn run_reconnect(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    ready(args, report)?;
    let outcome = reconnect::run(args)?;
    done(args, &outcome, report)
}

fn prepare(args: &Args) -> Result<(Session, Work)> {
    let target = Target::new(args)?;
    let mut session = Session::open(&target, target.address)?;
    let topic = session.topic(&args.topic)?;
    if args.follow_leader && topic.leader != target.address {
        session = Session::open(&target, topic.leader)?;
        // What is held or measured is a connection that has seen Metadata.
        session.topic(&args.topic)?;
    }
    let work = Work::new(args, &topic)?;
    Ok((session, work))
}

fn in_flight(args: &Args) -> usize {
    args.in_flight.unwrap_or(if args.mode == Mode::Produce { 5 } else { 1 })
}

/// Lets somebody measure before the run.
fn ready(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    if args.gate {
        report("ready");
        wait_for_line()?;
    }
    Ok(())
}

/// Reports, and lets somebody measure while everything is still open.
fn done(args: &Args, outcome: &Outcome, report: &mut dyn FnMut(&str)) -> Result<()> {
    report(&outcome.to_json());
    if args.gate {
        wait_for_line()?;
    }
    Ok(())
}

pub(crate) fn wait_for_line() -> Result<()> {
    stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

#[cfg(test)]
mod tests;
