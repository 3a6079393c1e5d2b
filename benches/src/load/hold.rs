//! Many connections that each ask for Metadata and one Fetch and then stay open, with or without reading the answer.

use std::time::Instant;

use anyhow::{Context, Result};

use super::outcome::Outcome;
use super::session::Session;
use super::{Args, Mode, prepare};

/// Opens the connections one after the other; they close when the sessions are dropped.
pub(super) fn run(args: &Args) -> Result<(Vec<Session>, Outcome)> {
    let start = Instant::now();
    let mut outcome = Outcome::default();
    let mut held = Vec::with_capacity(args.connections);
    for number in 0..args.connections {
        let (mut session, mut work) = prepare(args).with_context(|| format!("connection {number}"))?;
        session.send(&work.request)?;
        if args.mode == Mode::Hold {
            outcome.bytes += work.check(session.receive()?)?;
        }
        outcome.requests += 1;
        session.shrink();
        held.push(session);
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok((held, outcome))
}
