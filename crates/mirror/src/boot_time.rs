//! Time that goes on while the machine is suspended.

use tokio::time::{Duration, Instant};

/// A clock that does not stand still while the machine does: `CLOCK_BOOTTIME` on Linux. The clock of the runtime,
/// `CLOCK_MONOTONIC`, does, and whoever asks it after a night's sleep is told that a moment has passed.
#[derive(Debug, Clone)]
pub struct BootClock(Source);

#[derive(Debug, Clone)]
enum Source {
    #[cfg(target_os = "linux")]
    Machine,
    Runtime(Instant),
}

/// A time on a [`BootClock`]; two are compared only if they are of the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTime(Duration);

impl BootClock {
    /// That of the machine. Where there is none that goes on, it is as [`Self::of_runtime`].
    #[must_use]
    pub fn of_machine() -> Self {
        #[cfg(target_os = "linux")]
        return Self(Source::Machine);
        #[cfg(not(target_os = "linux"))]
        Self::of_runtime()
    }

    /// That of the runtime, which tests may pause. It stands still while the machine is suspended.
    #[must_use]
    pub fn of_runtime() -> Self {
        Self(Source::Runtime(Instant::now()))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> BootTime {
        BootTime(match &self.0 {
            #[cfg(target_os = "linux")]
            Source::Machine => since_boot(),
            Source::Runtime(origin) => origin.elapsed(),
        })
    }
}

impl BootTime {
    /// So much later.
    #[must_use]
    pub const fn saturating_add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length))
    }

    /// Whole milliseconds since some beginning that is the same for all times of one clock.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A time that cannot be read is after everything, so that nothing is held for longer than it should.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_tells_what_the_kernel_says_of_its_uptime() {
        // Suspended time counts in this file, too.
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
            BootTime(Duration::from_secs_f64(seconds))
        };
        let tick = Duration::from_millis(10);
        let (before, now, after) = (uptime(), BootClock::of_machine().now(), uptime());
        assert!(before <= now && now <= after.saturating_add(tick), "{before:?} {now:?} {after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_runtime_tells_the_time_that_a_test_makes() {
        let clock = BootClock::of_runtime();
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(clock.now(), before.saturating_add(Duration::from_secs(3)));
    }
}
