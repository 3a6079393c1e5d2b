//! limitCommitOffset.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_e2e::requests::{commit, has_coordinator};
use tidegate_e2e::site::{wait_for, write};

use crate::{kafka, site};

#[test]
fn commits_over_the_rate_are_taken_a_second_apart() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], "{limitCommitOffset: 5}")?;
    let mut connection = site.connect()?;
    wait_for("the group has a coordinator", || has_coordinator(&mut connection, "readers"))?;
    let begin = Instant::now();
    for offset in 0..5 {
        assert_eq!(commit(&mut connection, "readers", "orders", offset)?, 0);
    }
    println!("five commits within the rate: {:?}", begin.elapsed());
    let begin = Instant::now();
    for offset in 5..8 {
        assert_eq!(commit(&mut connection, "readers", "orders", offset)?, 0);
    }
    // Three over the rate: none is refused, and none keeps the connection's heartbeats waiting for longer than a second.
    assert!(begin.elapsed() >= Duration::from_millis(1_900), "{:?}", begin.elapsed());
    site.finish(kafka())
}
