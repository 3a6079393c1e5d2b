//! The simulated broker is asked what real ones were.

use tidegate_sim::table::{Checks, QUICK_CHECK_MS, differences, rows, walk};
use tidegate_sim::{Broker, Settings, Version};

/// Some time in 2026.
const NOW: i64 = 1_780_000_000_000;

#[test]
fn it_answers_as_real_brokers_do() {
    for version in Version::ALL {
        for checks in [Checks::Usual, Checks::Quick] {
            let mut settings = Settings::of(version);
            if checks == Checks::Quick {
                settings.producer_check_ms = QUICK_CHECK_MS;
                settings.retention_check_ms = QUICK_CHECK_MS;
            }
            let found = differences(&mut Broker::new(settings, NOW), checks);
            assert!(found.is_empty(), "{version:?} {checks:?}:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn each_row_has_a_name_of_its_own() {
    let mut names: Vec<_> = rows().map(|row| row.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn one_seed_gives_one_walk() {
    let once = |seed| walk(&mut Broker::new(Settings::of(Version::V4_1), NOW), seed, 300);
    assert_eq!(once(1), once(1));
    assert_ne!(once(1), once(2));
}
