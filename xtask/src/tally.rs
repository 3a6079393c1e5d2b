//! Counting what libtest prints.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use anyhow::{Context, Result};

use crate::command;

/// The sum over all test binaries.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    skipped: Vec<String>,
}

impl Tally {
    /// Takes in one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
        } else if let Some(name) = skipped_name(line) {
            self.skip(name);
        }
    }

    /// Counts what another run came to.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }

    /// Counts a skip that libtest knows nothing of.
    pub(crate) fn skip(&mut self, name: &str) {
        self.skipped.push(name.to_owned());
    }

    /// Cargo's verdict: when it failed although no test did, something did not even run.
    pub(crate) fn end(&mut self, success: bool) {
        if !success && self.failed == 0 {
            self.failed = 1;
        }
    }

    /// Whether everything that ran passed, and anything ran at all.
    pub(crate) fn is_success(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The skips that nobody gave a reason for.
    pub(crate) fn unexpected_skips(&self, expected: &ExpectedSkips) -> Vec<String> {
        self.skipped.iter().filter(|name| !expected.reasons.contains_key(*name)).cloned().collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped.len())
    }
}

/// The tests that may be skipped, each with its reason: `xtask/expected-skips.txt`.
#[derive(Debug, Default)]
pub(crate) struct ExpectedSkips {
    reasons: BTreeMap<String, String>,
}

impl ExpectedSkips {
    /// Reads the file.
    pub(crate) fn read() -> Result<Self> {
        let path = command::root().join("xtask/expected-skips.txt");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let reasons = lines.map(|line| {
            let (name, reason) = line.split_once(": ").with_context(|| format!("no reason in {line:?}"))?;
            Ok((name.to_owned(), reason.to_owned()))
        });
        Ok(Self { reasons: reasons.collect::<Result<_>>()? })
    }
}

/// The number before `word` in `ok. 7 passed; 0 failed; ...`.
fn count(counts: &str, word: &str) -> usize {
    let mut words = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).peekable();
    while let Some(number) = words.next() {
        if words.peek() == Some(&word) {
            return number.parse().unwrap_or(0);
        }
    }
    0
}

/// The test's name in `test NAME ... ignored` and `test NAME ... ignored, reason`.
fn skipped_name(line: &str) -> Option<&str> {
    let (name, verdict) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    (verdict == "ignored" || verdict.starts_with("ignored,")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn several_binaries_are_summed() {
        let tally = tally(&[
            "running 3 tests",
            "test a::b ... ok",
            "test a::c ... ignored, needs a soak",
            "test d ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: ok. 41 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.0s",
        ]);
        assert_eq!(tally.to_string(), "42 passed, 1 failed, 1 skipped");
        assert!(!tally.is_success());
    }

    #[test]
    fn a_crash_without_a_count_is_a_failure() {
        let mut tally = tally(&["test result: ok. 1 passed; 0 failed; 0 ignored"]);
        tally.end(false);
        assert_eq!(tally.to_string(), "1 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn nothing_that_ran_is_not_a_success() {
        assert!(!tally(&[]).is_success());
    }

    #[test]
    fn a_skip_needs_a_reason() {
        let tally = tally(&["test a ... ignored", "test b ... ignored"]);
        let expected = ExpectedSkips::parse("# comment\n\na: only at bar size\n").unwrap();
        assert_eq!(tally.unexpected_skips(&expected), ["b"]);
        assert!(ExpectedSkips::parse("a\n").is_err());
    }
}
