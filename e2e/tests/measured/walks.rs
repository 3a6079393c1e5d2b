//! The simulated broker and a real one say the same on walks of which nobody knows where they lead.

use std::env;

use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_e2e::requests::now_ms;
use tidegate_e2e::scale::scale;
use tidegate_sim::table::{Subject, walk};
use tidegate_sim::{Broker, Settings};

/// Where the first walk begins, to repeat it.
const SEED: &str = "TIDEGATE_SEED";

/// How many walks there are, and how long they are.
const WALKS: u64 = 10;
const STEPS: usize = 300;

/// Steps that are shown before one that differs.
const SHOWN: usize = 12;

#[test]
fn kafka_4_1_goes_where_the_simulated_goes() {
    walk_together(Version::V4_1_1);
}

#[test]
fn kafka_3_9_goes_where_the_simulated_goes() {
    walk_together(Version::V3_9_1);
}

fn walk_together(version: Version) {
    let mut asked = Asked::start(version, &[]);
    let first = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(now_ms().unsigned_abs());
    for seed in (0..WALKS * scale::<u64>().unwrap()).map(|walk| first.wrapping_add(walk)) {
        let mut simulated = Broker::new(Settings::of(asked.version()), asked.now());
        let (real, expected) = (walk(&mut asked, seed, STEPS), walk(&mut simulated, seed, STEPS));
        if let Some(step) = real.iter().zip(&expected).position(|(real, expected)| real != expected) {
            panic!(
                "{SEED}={seed} on Kafka {version}, step {step}:\n{}\nreal:      {}\nsimulated: {}",
                real[step.saturating_sub(SHOWN)..step].join("\n"),
                real[step],
                expected[step]
            );
        }
    }
}
