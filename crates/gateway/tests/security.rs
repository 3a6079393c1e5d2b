//! The page of attacks names tests that exist.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs;
use std::path::Path;

/// Fewer would mean that the page, or how it is read here, has lost something.
const AT_LEAST: usize = 100;

#[test]
fn every_attack_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack")) {
        let tests: Vec<_> = row.split('`').filter_map(|word| word.split_once(".rs::")).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        named += tests.len();
        for (file, test) in tests {
            let path = root.join(format!("{file}.rs"));
            let source =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let begin = format!("fn {test}(");
            assert!(source.contains(&begin), "{file}.rs has no test {test}");
        }
    }
    assert!(named >= AT_LEAST, "{named} tests are named");
}
