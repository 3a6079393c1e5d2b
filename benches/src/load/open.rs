//! The open loop: requests at a fixed rate, whether answers come or not.
//!
//! A latency runs from the moment that the request was handed to the socket. The writer sleeps in its own
//! thread, since timers of an event loop tick in milliseconds; how late it woke up at worst is reported.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::outcome::Outcome;
use super::session::Session;
use super::work::Work;
use crate::frame;

/// Runs at `rate` requests a second for `seconds`.
pub(super) fn run(session: &mut Session, work: &mut Work, rate: u32, seconds: f64) -> Result<Outcome> {
    let output = session.writer()?;
    let request = work.request.to_vec();
    let (sender, sent) = mpsc::channel();
    let start = Instant::now();
    let schedule = Schedule { start, period: Duration::from_secs(1) / rate.max(1), seconds };
    let writer = thread::spawn(move || write(output, request, schedule, &sender));
    let mut outcome = Outcome::default();
    while let Ok(at) = sent.recv() {
        let answer = session.receive()?;
        outcome.latencies.push(Instant::elapsed(&at));
        outcome.bytes += work.check(answer)?;
        outcome.requests += 1;
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    outcome.late = Some(writer.join().map_err(|_| anyhow!("the writer panicked"))??);
    Ok(outcome)
}

struct Schedule {
    start: Instant,
    period: Duration,
    seconds: f64,
}

/// Sends on schedule and tells the reader when; gives how late it was at worst.
fn write(
    mut output: TcpStream,
    mut request: Vec<u8>,
    schedule: Schedule,
    sent: &mpsc::Sender<Instant>,
) -> Result<Duration> {
    let mut late = Duration::ZERO;
    let mut due = schedule.start;
    let mut id = 0i32;
    while due.duration_since(schedule.start).as_secs_f64() < schedule.seconds {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        frame::set_request_correlation_id(&mut request, id)?;
        let now = Instant::now();
        late = late.max(now.saturating_duration_since(due));
        // The reader may be gone only because it failed, and then it reports.
        sent.send(now).ok().context("the reader stopped")?;
        output.write_all(&request)?;
        id = id.wrapping_add(1);
        due += schedule.period;
    }
    Ok(late)
}
