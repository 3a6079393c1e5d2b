//! Scenarios as data for every shown pair of API and version, and the laws that hold on all of them.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test: it reads its cases from files and ends where something is wrong"
)]

mod scenarios_harness;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use scenarios_harness::cases::Played;
use scenarios_harness::{coverage, files, known, laws, mutants, report, twins};

/// Every scenario, played once for all tests.
fn played() -> &'static [Played] {
    static PLAYED: OnceLock<Vec<Played>> = OnceLock::new();
    PLAYED.get_or_init(|| files::all().values().map(|scenario| scenario.clone().play()).collect())
}

#[test]
fn every_scenario_gives_what_its_file_says() {
    let mut problems = Vec::new();
    for played in played() {
        let (outcome, expected) = (played.outcome(), &played.scenario.expected);
        let place = played.scenario.place();
        if outcome.upstream != expected.upstream {
            problems
                .push(format!("{place}: upstream is {:?}, not {:?}", outcome.upstream, expected.upstream));
        }
        if outcome.answer != expected.answer {
            problems.push(format!("{place}: the answer is {}, not {}", outcome.answer, expected.answer));
        }
    }
    report(&problems);
}

#[test]
fn files_are_what_the_templates_give() {
    let (files, expanded) = (files::all(), files::expanded());
    let mut problems = Vec::new();
    for path in files.keys().chain(expanded.keys()).collect::<BTreeSet<_>>() {
        match (files.get(path), expanded.get(path)) {
            (Some(file), Some(template)) => {
                let broker = template.said.broker.iter().take(file.said.broker.len());
                let same = (&file.zone, &file.before, &file.said.request)
                    == (&template.zone, &template.before, &template.said.request)
                    && file.said.broker.iter().eq(broker);
                if !same {
                    problems.push(format!("{path} differs from its template"));
                }
            }
            (None, _) => problems.push(format!("{path} is missing")),
            (_, None) => problems.push(format!("{path} comes of no template")),
        }
    }
    report(&problems);
}

#[test]
fn every_shown_pair_has_its_cases() {
    let scenarios: Vec<_> = files::all().values().cloned().collect();
    let (served, refused) = coverage::shown();
    assert_eq!(refused, coverage::SHOWN_AND_REFUSED);
    println!("{} scenarios for {} shown pairs", scenarios.len(), served.len());
    let lacking = served.iter().flat_map(|(key, version)| coverage::lacking(&scenarios, *key, *version));
    report(&lacking.collect::<Vec<_>>());
}

#[test]
fn the_laws_hold_on_every_scenario() {
    report(&known::surprises(&played().iter().flat_map(laws::broken).collect::<Vec<_>>()));
}

#[test]
fn hidden_and_absent_are_answered_with_the_same_bytes() {
    let mut problems = Vec::new();
    let mut compared = 0;
    for played in played() {
        let (different, pairs) = twins::differences(&played.scenario, played);
        if played.scenario.kind() == "foreign" && pairs == 0 {
            problems.push(format!("{}: a foreign case that names nothing foreign", played.scenario.place()));
        }
        problems.extend(different);
        compared += pairs;
    }
    println!("{compared} pairs of hidden and absent compared");
    report(&problems);
}

#[test]
fn every_field_that_could_carry_a_name_is_known() {
    let (served, _) = coverage::shown();
    report(&served.iter().flat_map(|(key, version)| coverage::unknown(*key, *version)).collect::<Vec<_>>());
}

#[test]
fn every_mutant_is_caught() {
    let mut tally = mutants::Tally::default();
    played().iter().for_each(|played| tally.add(played));
    let (fields, made) = (tally.made.len(), tally.made.values().sum::<usize>());
    println!("{made} mutants of {fields} fields at their versions");
    report(&tally.missed);
    report(&mutants::unexercised(&tally, &coverage::shown().0));
}
