//! Valid bodies pass the guard, decode and encode to the same bytes.

use tidegate_wire::Bytes;
use tidegate_wire::guard::{self, Checked, Direction};

use crate::cases::{Case, cases};
use crate::generate::{Fill, body};
use crate::random::{Random, scaled};

const RANDOM_ROUNDS: u64 = 20;

#[test]
fn a_default_message_comes_back_as_the_same_bytes() {
    for case in cases() {
        for version in case.versions() {
            let name = case.name(version);
            let body = (case.default)(version).unwrap_or_else(|error| panic!("{name}: {error}"));
            comes_back(&case, version, &body, &name);
        }
    }
}

#[test]
fn a_full_body_comes_back_as_the_same_bytes() {
    for case in cases() {
        for version in case.versions() {
            let full = body(&case, version, Fill::Full, Random::new(1));
            comes_back(&case, version, &full.bytes.into(), &case.name(version));
        }
    }
}

#[test]
fn random_bodies_come_back_as_the_same_bytes() {
    for seed in 0..scaled(RANDOM_ROUNDS) {
        for case in cases() {
            for version in case.versions() {
                let random = body(&case, version, Fill::Random, Random::new(seed));
                let name = format!("{} seed {seed}", case.name(version));
                comes_back(&case, version, &random.bytes.into(), &name);
            }
        }
    }
}

fn comes_back(case: &Case, version: i16, body: &Bytes, name: &str) {
    let checked = match case.direction {
        Direction::Request => guard::check_request(case.key, version, body),
        Direction::Response => guard::check_response(case.key, version, body),
    };
    let Checked { unknown_tags, .. } = checked.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!unknown_tags, "{name}");
    let stripped = guard::strip_unknown_tags(case.direction, case.key, version, body).unwrap();
    assert_eq!(stripped, body[..], "{name}: a copy without unknown tags differs");
    let again = (case.again)(version, body).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(again, body, "{name}");
}
