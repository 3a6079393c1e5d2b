//! Plays scenarios, which are data, against the rules; see the README beside this file.

pub(crate) mod broker;
pub(crate) mod cases;
pub(crate) mod codec;
pub(crate) mod codes;
pub(crate) mod coverage;
pub(crate) mod entries;
pub(crate) mod files;
pub(crate) mod known;
pub(crate) mod laws;
pub(crate) mod mutants;
pub(crate) mod play;
pub(crate) mod schema;
pub(crate) mod senses;
pub(crate) mod shape;
pub(crate) mod twins;
pub(crate) mod world;
pub(crate) mod yaml;

/// Panics with all `problems`, if there are any.
pub(crate) fn report(problems: &[String]) {
    const MOST: usize = 40;
    let shown = problems.iter().take(MOST).map(|problem| format!("\n  {problem}")).collect::<String>();
    assert!(problems.is_empty(), "{} problems:{shown}", problems.len());
}
