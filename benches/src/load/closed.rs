//! The closed loop: a fixed number of requests in flight, the next one when an answer comes.

use std::collections::VecDeque;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::outcome::Outcome;
use super::session::Session;
use super::work::Work;
use crate::frame;

/// When a connection stops asking: at whatever comes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) seconds: f64,
    pub(super) bytes: Option<u64>,
    pub(super) requests: Option<u64>,
}

/// Runs all connections at the same time, a thread each.
pub(super) fn run(connections: &mut [(Session, Work)], in_flight: usize, limit: Limit) -> Result<Outcome> {
    thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter_mut()
            .map(|(session, work)| scope.spawn(move || run_one(session, work, in_flight, limit)))
            .collect();
        let mut total = Outcome::default();
        for thread in threads {
            total.join(thread.join().map_err(|_| anyhow!("a connection's thread panicked"))??);
        }
        Ok(total)
    })
}

fn run_one(session: &mut Session, work: &mut Work, in_flight: usize, limit: Limit) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut sent = VecDeque::with_capacity(in_flight);
    let mut next_id = 0;
    let start = Instant::now();
    while sent.len() < in_flight.max(1) {
        send(session, work, &mut next_id, &mut sent)?;
    }
    while let Some((id, at)) = sent.pop_front() {
        let answer = session.receive()?;
        outcome.latencies.push(Instant::elapsed(&at));
        check_correlation_id(answer, id)?;
        outcome.bytes += work.check(answer)?;
        outcome.requests += 1;
        if !reached(&outcome, sent.len(), start, limit) {
            send(session, work, &mut next_id, &mut sent)?;
        }
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok(outcome)
}

fn send(
    session: &mut Session,
    work: &mut Work,
    next_id: &mut i32,
    sent: &mut VecDeque<(i32, Instant)>,
) -> Result<()> {
    frame::set_request_correlation_id(&mut work.request, *next_id)?;
    sent.push_back((*next_id, Instant::now()));
    *next_id = next_id.wrapping_add(1);
    session.send(&work.request)
}

fn check_correlation_id(answer: &[u8], id: i32) -> Result<()> {
    let found = i32::from_be_bytes(*answer.first_chunk().context("an answer without a header")?);
    anyhow::ensure!(found == id, "an answer to request {found} where {id} was due");
    Ok(())
}

/// Whether what was answered and what is still in flight make up the limit.
fn reached(outcome: &Outcome, in_flight: usize, start: Instant, limit: Limit) -> bool {
    let asked = outcome.requests + in_flight as u64;
    let bytes_each = outcome.bytes / outcome.requests.max(1);
    limit.requests.is_some_and(|requests| asked >= requests)
        || limit.bytes.is_some_and(|bytes| asked * bytes_each >= bytes)
        || start.elapsed().as_secs_f64() >= limit.seconds
}
