//! The reference page of manifests and the code say the same.

#![allow(clippy::disallowed_methods, reason = "a test reads its data from files")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::fs;
use std::path::Path;

use tidegate_core::parse_zones;

#[test]
fn the_example_is_a_zone_with_everything_that_a_zone_can_have() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/zones.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let zones = parse_zones(example).unwrap();
    let [zone] = zones.as_slice() else { panic!("{} zones", zones.len()) };
    assert!(zone.display_name().and(zone.description()).and(zone.url()).is_some());
    assert!(zone.partner().is_some_and(|partner| partner.role.is_some() && partner.email.is_some()));
    assert!(!zone.labels().is_empty());
    let traffic = zone.traffic();
    for rate in [traffic.max_produce_rate, traffic.max_consume_rate, traffic.limit_commit_offset] {
        assert!(page.contains(&rate.unwrap().to_string()));
    }
}
