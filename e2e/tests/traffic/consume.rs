//! maxConsumeRate.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_e2e::requests::{Topic, fetch, fetched_values, produce};
use tidegate_e2e::site::write;

use crate::{kafka, site};

const RATE: &str = "{maxConsumeRate: 100000}";
const RECORD: usize = 300_000;

#[test]
fn a_reader_over_the_rate_gets_its_records_and_then_nothing_for_a_while() -> Result<()> {
    let (topic, named) = (kafka().create_topic(1)?, Topic::Name("orders"));
    let site = site(&[write("orders", &topic)], RATE)?;
    let (mut first, mut second) = (site.connect()?, site.connect()?);
    assert_eq!(produce(&mut first, named, 0, &"x".repeat(RECORD))?, 0);

    let begin = Instant::now();
    let answer = fetch(&mut first, named, 0, 1_000)?;
    assert_eq!(fetched_values(&answer)?.len(), 1);
    assert!((1_500..=2_100).contains(&answer.throttle_time_ms), "{} ms", answer.throttle_time_ms);

    // Another connection of the zone is not served from the log, and the broker is not asked.
    let answer = fetch(&mut second, named, 0, 1_000)?;
    assert_eq!((answer.error_code, answer.responses.len()), (0, 0));
    assert!((1_000..=2_100).contains(&answer.throttle_time_ms), "{} ms", answer.throttle_time_ms);

    // Nor is one that asks again without being silent.
    let answer = fetch(&mut first, named, 0, 1_000)?;
    assert!(begin.elapsed() >= Duration::from_millis(1_900), "heard after {:?}", begin.elapsed());
    assert_eq!(fetched_values(&answer)?.len(), 1);
    site.finish(kafka())
}
