//! Random choices that one number decides.

use std::env;
use std::time::Duration;

use crate::random;
use anyhow::{Context, Result};

/// The environment variable that repeats a run.
const VARIABLE: &str = "TIDEGATE_SEED";

/// SplitMix64: small, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// From `TIDEGATE_SEED`, or from chance; either is printed.
    pub fn throw() -> Result<Self> {
        let seed = match env::var(VARIABLE) {
            Ok(text) => text.parse().with_context(|| format!("{VARIABLE}={text:?} is no number"))?,
            Err(_) => u64::from(random::number(0, u16::MAX)),
        };
        println!("seed {seed}; repeat with {VARIABLE}={seed}");
        Ok(Self { seed, state: seed })
    }

    /// What it was thrown from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("a small number")).expect("below a usize")
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Dice of its own for something that happens beside: what one does leaves the other as it is.
    #[must_use]
    pub fn part(&mut self) -> Self {
        let state = self.next();
        Self { seed: self.seed, state }
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Whether something happens that does so so often of a hundred times.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of the three brokers.
    pub fn broker(&mut self) -> u16 {
        u16::try_from(self.below(3)).expect("below 3") + 1
    }

    /// A time below `limit`.
    pub fn pause(&mut self, limit: Duration) -> Duration {
        Duration::from_millis(self.below(usize::try_from(limit.as_millis()).expect("seconds")) as u64)
    }

    /// Brings `items` into any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[test]
fn one_seed_gives_one_history() {
    let throws = |seed| {
        let mut dice = Dice { seed, state: seed };
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        dice.shuffle(&mut order);
        (order, dice.broker(), dice.pause(Duration::from_secs(9)))
    };
    assert_eq!(throws(7), throws(7));
    assert_ne!(throws(7), throws(8));
}
