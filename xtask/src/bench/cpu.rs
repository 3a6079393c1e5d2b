//! What a process has used so far, from /proc: nanoseconds of CPU and resident memory.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of each thread of a process at one moment; by default the one before it began.
#[derive(Default)]
pub(super) struct Snapshot(BTreeMap<String, u64>);

impl Snapshot {
    /// Reads `/proc/PID/task/*/schedstat`, whose first number is nanoseconds on a CPU.
    pub(super) fn take(pid: u32) -> Result<Self> {
        let folder = format!("/proc/{pid}/task");
        let mut threads = BTreeMap::new();
        for thread in fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
            let thread = thread?;
            // A thread may end between the listing and the reading.
            if let Ok(line) = fs::read_to_string(thread.path().join("schedstat")) {
                threads.insert(thread.file_name().to_string_lossy().into_owned(), nanoseconds(&line)?);
            }
        }
        Ok(Self(threads))
    }

    /// CPU time since an earlier moment. Taken thread by thread: one that ended in between (an idle helper of
    /// the runtime) takes nothing with it but its last moments.
    pub(super) fn since(&self, earlier: &Self) -> Duration {
        let spent = |(thread, now): (&String, &u64)| now - earlier.0.get(thread).unwrap_or(&0).min(now);
        Duration::from_nanos(self.0.iter().map(spent).sum())
    }
}

/// `VmRSS` of a process in bytes.
pub(super) fn resident_bytes(pid: u32) -> Result<u64> {
    memory(pid, "VmRSS:")
}

/// `VmHWM` of a process in bytes: the most that it ever had.
pub(super) fn most_resident_bytes(pid: u32) -> Result<u64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, what: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(what)?.strip_suffix("kB"));
    let kilobytes: u64 = kilobytes.with_context(|| format!("no {what} in {path}"))?.trim().parse()?;
    Ok(kilobytes * 1024)
}

fn nanoseconds(schedstat: &str) -> Result<u64> {
    let first = schedstat.split_whitespace().next().context("an empty schedstat")?;
    first.parse().context("schedstat begins with no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_this_process_is_seen() {
        let pid = std::process::id();
        let before = Snapshot::take(pid).unwrap();
        let mut sum = 0u64;
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        // The counter of a running thread is brought up to date at scheduler ticks.
        std::thread::sleep(Duration::from_millis(5));
        assert!(Snapshot::take(pid).unwrap().since(&before) > Duration::from_millis(10));
        let (now, most) = (resident_bytes(pid).unwrap(), most_resident_bytes(pid).unwrap());
        assert!(now > 100_000 && most > 100_000);
    }

    #[test]
    fn a_thread_that_ended_takes_nothing_back() {
        let snapshot = |threads: &[(&str, u64)]| {
            Snapshot(threads.iter().map(|&(thread, time)| (thread.to_owned(), time)).collect())
        };
        let before = snapshot(&[("1", 100), ("2", 5000)]);
        let after = snapshot(&[("1", 150), ("3", 7)]);
        assert_eq!(after.since(&before), Duration::from_nanos(57));
    }
}
