//! The partner who notices as little as possible.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{Topic, fetch, produce};

/// Modest: a hundred requests a second.
const EVERY: Duration = Duration::from_millis(20);

/// Writes a record and reads one, again and again; the time that each took. Whatever is not served is an error.
pub(crate) fn window(connection: &mut Connection, length: Duration) -> Result<Vec<Duration>> {
    let topic = Topic::Name("quiet");
    let begin = Instant::now();
    let mut taken = Vec::new();
    while begin.elapsed() < length {
        let due = Instant::now() + EVERY;
        let asked = Instant::now();
        ensure!(produce(connection, topic, 0, "a quiet record")? == 0, "a record was not written");
        taken.push(asked.elapsed());
        let asked = Instant::now();
        let answer = fetch(connection, topic, 0, 100)?;
        ensure!(answer.error_code == 0 && !answer.responses.is_empty(), "nothing was read");
        taken.push(asked.elapsed());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(taken)
}

/// The latency that `part` of a hundred did not exceed.
pub(crate) fn percentile(taken: &mut [Duration], part: usize) -> Duration {
    taken.sort_unstable();
    let last = taken.len().saturating_sub(1);
    taken.get(last * part / 100).copied().unwrap_or_default()
}
