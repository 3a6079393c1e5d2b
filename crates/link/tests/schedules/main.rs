//! Schedules thrown by dice: a mirror is copied while everything goes wrong that can, and is exact, or says where it is not.
//!
//! Nothing here is a matter of chance: a seed gives one schedule. `TIDEGATE_SEED` is that of the first one, so that the one that
//! a failure names comes first, and `TIDEGATE_TEST_SCALE` says how many times as many are run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::unreachable,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "helpers of tests may stop the test"
)]

mod check;
mod counts;
mod dice;
mod source;
mod worker;
mod world;

use std::env;

use tidegate_link::copy::Failure;

use counts::Counts;
use world::World;

/// Of each class, in the suite. `cargo xtask soak schedules` runs 25 times as many: ten thousand.
const SCHEDULES: u64 = 400;

/// Enough for a dozen takeovers, cuts and restarts.
const STEPS: usize = 400;

/// What may happen in a schedule.
#[derive(Debug, Clone, Copy, Default)]
struct Class {
    /// Gaps are filled with markers.
    markers: bool,
    /// Most records are a month old, and days pass: brokers forget the producer.
    old: bool,
    /// Cleaners run at the source.
    compacted: bool,
    /// The source's start moves.
    starts: bool,
    /// The source has the broker's time, now and then.
    append_time: bool,
    /// The source loses its tail.
    loses: bool,
    /// Somebody else writes to the mirror.
    foreign: bool,
}

#[test]
fn while_the_broker_guards_every_schedule_is_exact() {
    let class = Class { compacted: true, starts: true, append_time: true, ..Class::default() };
    let seen = run("guarded", class, |_, failure| panic!("{failure}"));
    assert!(seen.late > 0 && seen.filled > 0 && seen.attempts > 0);
    assert_eq!((seen.failed, seen.marked), (0, 0));
}

#[test]
fn with_markers_it_is_exact_or_says_where_it_is_not() {
    let class = Class { markers: true, compacted: true, starts: true, append_time: true, ..Class::default() };
    let seen = run("markers", class, |counts, failure| {
        assert!(counts.unguarded > 0, "nothing was late: {failure}");
    });
    assert!(seen.marked > 0);
}

#[test]
fn where_the_guard_fades_it_is_exact_or_says_where_it_is_not() {
    let class = Class { old: true, starts: true, ..Class::default() };
    let seen = run("old", class, |counts, failure| {
        assert!(counts.unguarded > 0, "nothing was late: {failure}");
    });
    assert!(seen.unguarded > 0);
}

#[test]
fn with_everything_at_once_it_is_exact_or_says_where_it_is_not() {
    let class = Class {
        markers: true,
        old: true,
        compacted: true,
        starts: true,
        append_time: true,
        ..Class::default()
    };
    run("everything", class, |counts, failure| {
        assert!(counts.unguarded > 0, "nothing was late: {failure}");
    });
}

#[test]
fn a_source_that_loses_its_tail_is_noticed() {
    let class = Class { loses: true, ..Class::default() };
    let seen = run("loses", class, |_, failure| {
        assert!(matches!(failure, Failure::Truncated(_) | Failure::Diverged { .. }), "{failure}");
    });
    assert!(seen.failed > 0);
}

#[test]
fn what_somebody_else_writes_is_found_where_it_is() {
    let class = Class { foreign: true, ..Class::default() };
    let seen = run("foreign", class, |counts, failure| {
        assert_eq!(first_wrong(failure), counts.foreign, "{failure}");
    });
    assert!(seen.failed > 0 && seen.failed == seen.spoilt);
}

/// Runs every schedule of a class; `failed` judges those that fail.
fn run(name: &str, class: Class, failed: impl Fn(Counts, &Failure)) -> Counts {
    let first = number("TIDEGATE_SEED", 0);
    let schedules = SCHEDULES * number("TIDEGATE_TEST_SCALE", 1);
    let mut all = Counts::default();
    for seed in (first..).take(schedules as usize) {
        println!("{name}: TIDEGATE_SEED={seed}");
        all.add(&schedule(seed, class, &failed));
    }
    println!("measured: {}", all.told(name, schedules));
    all
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn schedule(seed: u64, class: Class, failed: &impl Fn(Counts, &Failure)) -> Counts {
    let mut world = World::new(seed, class);
    world.run(STEPS);
    match world.come_to_rest() {
        None => {
            assert_eq!(world.difference(i64::MAX), None, "{}", world.logs());
            let (source, mirror) = world.ends();
            assert_eq!(source, mirror);
        }
        Some(failure) => {
            failed(world.seen, &failure);
            if let Some(until) = first_wrong(&failure) {
                assert_eq!(
                    world.difference(until),
                    None,
                    "before that it is exact: {failure}\n{}",
                    world.logs()
                );
            }
        }
    }
    world.seen
}

/// Up to where a mirror that failed is exact by its own word.
fn first_wrong(failure: &Failure) -> Option<i64> {
    match failure {
        Failure::Diverged { offset } | Failure::Foreign { offset } => Some(*offset),
        Failure::Misplaced { expected, .. } => Some(*expected),
        _ => None,
    }
}
