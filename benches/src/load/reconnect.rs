//! Clients that connect, log in, ask for Metadata and one Fetch, and leave, at a fixed rate.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::outcome::Outcome;
use super::{Args, prepare};

/// Runs as many clients at the same time as there are connections; together they keep to the rate.
pub(super) fn run(args: &Args) -> Result<Outcome> {
    let clients = u32::try_from(args.connections.max(1))?;
    let period = Duration::from_secs(1) * clients / args.rate.max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(move || run_one(args, period))).collect();
        let mut total = Outcome::default();
        for thread in threads {
            total.join(thread.join().map_err(|_| anyhow!("a client's thread panicked"))??);
        }
        Ok(total)
    })
}

fn run_one(args: &Args, period: Duration) -> Result<Outcome> {
    let start = Instant::now();
    let mut due = start;
    let mut outcome = Outcome::default();
    while start.elapsed().as_secs_f64() < args.seconds {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += period;
        let (mut session, mut work) = prepare(args)?;
        session.send(&work.request)?;
        outcome.bytes += work.check(session.receive()?)?;
        outcome.requests += 1;
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok(outcome)
}
