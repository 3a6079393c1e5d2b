//! One number from which every random choice of a run follows.

use std::fmt;
use std::process::{self, Command};
use std::time::{SystemTime, UNIX_EPOCH};

/// The seed of a run.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Seed {
    /// Repeats the random choices of an earlier run
    #[arg(long)]
    seed: Option<u64>,
}

impl Seed {
    /// Itself with a number, which is printed: a run that fails can be repeated even if it never ends.
    pub(crate) fn print(self) -> Self {
        let seed = Self { seed: Some(self.seed.unwrap_or_else(fresh)) };
        println!("{seed}");
        seed
    }

    /// Hands the number to tests: to proptest, and to those that read `TIDEGATE_SEED`.
    pub(crate) fn set(self, command: &mut Command) {
        if let Some(seed) = self.seed {
            command.env("TIDEGATE_SEED", seed.to_string()).env("PROPTEST_RNG_SEED", seed.to_string());
        }
    }

    /// The seed of the round that comes so many rounds later.
    pub(crate) fn after(self, rounds: usize) -> Self {
        Self { seed: self.seed.map(|seed| seed.wrapping_add(rounds as u64)) }
    }

    /// The number.
    pub(crate) fn number(self) -> u64 {
        self.seed.unwrap_or_default()
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} (repeat with --seed {})", self.number(), self.number())
    }
}

fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mixed =
        now.as_secs().wrapping_mul(1_000_003) ^ u64::from(now.subsec_nanos()) ^ u64::from(process::id());
    // Short enough to be typed.
    mixed % 1_000_000_000
}
